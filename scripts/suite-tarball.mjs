// The tarball as a user gets it: installed where there is no compiler and where no script may run,
// loaded by every kind of module.

import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runChecks } from './counts.mjs';
import { preparePrebuilds } from './prebuilds.mjs';
import { capture, root } from './process.mjs';
import { buildPackage } from './suites-node.mjs';
import { bundlerChecks } from './tarball-bundlers.mjs';
import { TARGETS } from './zig.mjs';

// 2 MB unpacked are four binaries and the rest. A binary made here for the test alone is larger.
const BINARY_LIMIT = 358_500;
const REST_LIMIT = 2_000_000 - TARGETS.length * BINARY_LIMIT;
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
			const binaries = files.filter((file) => file.path.endsWith('.node'));
			if (binaries.length !== expected) throw new Error(`${binaries.length} binaries in the tarball`);
			const sizes = binaries.map(({ size }) => size);
			const rest = sizes.reduce((left, size) => left - size, unpackedSize);
			if (rest > REST_LIMIT) throw new Error(`${rest} bytes unpacked beside the binaries`);
			const largest = Math.max(...sizes);
			if (expected === TARGETS.length && largest > BINARY_LIMIT) throw new Error(`a binary of ${largest} bytes`);
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
		'bench finds what it runs': async () => {
			const args = ['dist/cli.js', 'bench', 'send', '--quick', '--rounds', '1', '--json'];
			const { comparisons } = JSON.parse(await capture('node', args, { cwd: installed, env }));
			if (comparisons.length === 0) throw new Error('it compared nothing');
		},
		...bundlerChecks(app),
		'a build of other sources in front of the prebuilt binary is told': async () => {
			const built = path.join(installed, 'build/Release');
			mkdirSync(built, { recursive: true });
			const prebuilt = path.join(installed, 'prebuilds', `linux-${process.arch}`);
			const libc = existsSync('/etc/alpine-release') ? 'musl' : 'glibc';
			const addon = readFileSync(path.join(prebuilt, `event-ports.${libc}.node`));
			const { sourceId } = JSON.parse(readFileSync(path.join(installed, 'prebuilds/manifest.json')));
			addon.write('0'.repeat(sourceId.length), addon.indexOf(sourceId));
			writeFileSync(path.join(built, 'event_ports.node'), addon);
			const local = { ...env, PREBUILDS_ONLY: '' };
			const said = (script) => capture('node', ['-e', script], { cwd: app, env: local });
			if (!/EVENT_PORTS_STALE_BUILD/.test(await said("require('event-ports').Port"))) throw new Error('it is not');
			const report = JSON.parse(await capture('node', [path.join(installed, 'dist/cli.js'), 'doctor', '--json'], { cwd: app, env: { ...local, NODE_NO_WARNINGS: '1' } }));
			if (report.binary.current) throw new Error('doctor takes it for the current one');
			rmSync(path.join(installed, 'build'), { recursive: true });
		},
		'the sources come out as they went in': async () => {
			const source = path.join(folder, 'unpacked');
			cpSync(installed, source, { recursive: true });
			await node(path.join(source, 'scripts/sources.mjs'), 'core', 'addon');
			await capture('diff', ['-r', path.join(root, 'native'), path.join(source, 'native')]);
		},
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
