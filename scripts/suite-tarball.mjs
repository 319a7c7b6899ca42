// The tarball as a user gets it: installed where there is no compiler and where no script may run,
// loaded by every kind of module.

import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runChecks } from './counts.mjs';
import { preparePrebuilds } from './prebuilds.mjs';
import { capture, root } from './process.mjs';
import { buildPackage } from './suites-node.mjs';

const UNPACKED_LIMIT = 2 * 1024 * 1024;
const consumers = path.join(root, 'test/consumers/node');

/** A PATH that holds nothing but what npm itself needs. */
async function barePath(folder) {
	const tools = path.join(folder, 'bin');
	mkdirSync(tools);
	for (const name of ['node', 'npm', 'sh', 'env']) {
		const found = (await capture('sh', ['-c', `command -v ${name}`])).trim();
		symlinkSync(realpathSync(found), path.join(tools, name));
	}
	return tools;
}

function checksIn(folder, tools, expected) {
	const app = path.join(folder, 'app');
	const installed = path.join(app, 'node_modules/event-ports');
	// npm's own variables of the run that started us would reach the installation's scripts.
	const outer = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'));
	const env = { ...Object.fromEntries(outer), PATH: tools, PREBUILDS_ONLY: '1' };
	const node = (...args) => capture('node', args, { cwd: app, env });

	async function refuses(args, cwd, expected) {
		const text = await capture('node', args, { cwd, env }).then(
			() => '',
			(error) => error.output,
		);
		const said = text.trim().split('\n').slice(1); // the first line is capture()'s own
		if (!expected.test(text) || said.length > 3) {
			throw new Error(`expected a short message with ${expected}, not:\n${text}`);
		}
	}

	return {
		'npm pack: under 2 MB unpacked, with its binaries': async () => {
			const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
			const output = await capture('npm', args);
			const [{ unpackedSize, files }] = JSON.parse(output.slice(output.indexOf('[\n')));
			if (unpackedSize > UNPACKED_LIMIT) throw new Error(`${unpackedSize} bytes unpacked`);
			const binaries = files.filter((file) => file.path.endsWith('.node'));
			if (binaries.length !== expected) throw new Error(`${binaries.length} binaries in the tarball`);
		},
		'npm install without compiler and scripts': async () => {
			mkdirSync(app);
			writeFileSync(path.join(app, 'package.json'), '{ "private": true }\n');
			const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
			const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
			await capture('npm', ['install', ...flags, path.join(folder, tarball)], { cwd: app, env });
			cpSync(consumers, app, { recursive: true });
		},
		'import': () => node('esm.mjs'),
		'require': () => node('cjs.cjs'),
		'import and require give one instance': () => node('same.mjs'),
		'a worker': () => node('worker.mjs'),
		'every kind of source': () => node('sources.mjs'),
		'the command': async () => {
			const link = path.join(app, 'node_modules/.bin/event-ports');
			if ((statSync(link).mode & 0o111) === 0) throw new Error('it is not executable');
			await capture(link, ['--help'], { cwd: app, env });
		},
		'the install script accepts the prebuilt binary': () =>
			node(path.join(installed, 'scripts/install.cjs')),
		'no binary and no compiler: a short message names the packages': async () => {
			const source = path.join(folder, 'source');
			cpSync(installed, source, { recursive: true });
			rmSync(path.join(source, 'prebuilds'), { recursive: true });
			await refuses(['scripts/install.cjs'], source, /apt-get install g\+\+ make python3/);
		},
		'an old Node: a short message': () => {
			const old = "Object.defineProperty(process.versions, 'node', { value: '18.20.8' })";
			const script = `${old}; require('./scripts/install.cjs')`;
			return refuses(['-e', script], installed, /needs Node\.js 20\.19 or later/);
		},
	};
}

export const tarballSuite = {
	tarball: async () => {
		await buildPackage();
		const { binaries } = await preparePrebuilds();
		const folder = mkdtempSync(path.join(tmpdir(), 'event-ports-tarball-'));
		try {
			return await runChecks(checksIn(folder, await barePath(folder), binaries.length));
		} finally {
			rmSync(folder, { recursive: true, force: true });
		}
	},
};
