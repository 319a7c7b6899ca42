// What can be seen without running anything of ours: format, types, the shape of the package.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { missingFromFaq } from './check-faq.mjs';
import { runChecks } from './counts.mjs';
import { outdated } from './figures.mjs';
import { bin, capture, root } from './process.mjs';
import { sourcesOf } from './sources.mjs';
import { buildPackage } from './suites-node.mjs';

const read = (file) => readFileSync(path.join(root, file), 'utf8');

function assert(condition, message) {
	if (!condition) throw new Error(message);
}

const checks = {
	'biome: format and lint': () => capture(bin('biome'), ['ci', '--colors=off']),
	'tsc: types of everything': () => capture(bin('tsc'), ['--noEmit', '-p', 'tsconfig.json']),
	'publint: the exports map': () => capture(bin('publint'), ['--strict']),
	'attw: types for node16, CommonJS, ES modules and bundlers': () =>
		capture(bin('attw'), ['--pack', '.', '--no-color']),
	'typedoc: every export is documented': () => capture(bin('typedoc'), ['--emit', 'none']),
	'sources.list: every file is there': () => {
		sourcesOf(['core', 'capi', 'wrap', 'addon']);
	},
	'README: the test line is what CI runs': () => {
		const line = /^sh scripts\/setup\.sh test .*$/m.exec(read('README.md'))?.[0];
		assert(line !== undefined && read('.ci/run').includes(line), 'they differ');
	},
	'docs/divergences.md: as the tables of the conformance suite say': () =>
		capture(process.execPath, ['scripts/divergences.mjs', '--check']),
	'docs/port.svg: as scripts/picture.mjs draws it': () =>
		capture(process.execPath, ['scripts/picture.mjs', '--check']),
	'README.md, docs/figures.svg: as docs/figures.json says': () => {
		const files = outdated();
		assert(files.length === 0, `node scripts/figures.mjs bench/results/FILE would change ${files.join(', ')}`);
	},
	'docs/faq.md: every error has an entry': () => {
		const missing = missingFromFaq();
		assert(missing.length === 0, `it lacks ${missing.join(', ')}`);
	},
	'package-lock.json: names no registry': () => {
		assert(!/"resolved":/.test(read('package-lock.json')), 'it has "resolved" entries');
	},
};

export const staticSuite = {
	static: async () => {
		await buildPackage();
		return runChecks(checks);
	},
};
