// npm run test:matrix: the tarball, with the binaries of a release, installed where there is no
// compiler and no script may run, used from every kind of module on every supported Node; what can
// be seen of musl here; the shape of the package. Ends in a table, also in out/matrix.md.
//   node scripts/matrix.mjs [MAJOR|arm64 ...]

import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { format, none } from './counts.mjs';
import { nodes } from './matrix-nodes.mjs';
import { muslChecks } from './matrix-musl.mjs';
import { packageChecks } from './matrix-package.mjs';
import { checkPrebuilds } from './prebuilds.mjs';
import { capture, root } from './process.mjs';

const PROGRAMS = {
	import: 'esm.mjs',
	require: 'cjs.cjs',
	'one instance': 'same.mjs',
	worker: 'worker.mjs',
	sources: 'sources.mjs',
};

/** The tarball, installed in a folder of its own. */
async function install(folder) {
	await capture(process.execPath, [path.join(root, 'scripts/build.mjs')]);
	const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
	await capture('npm', args);
	const tarball = path.join(
		folder,
		readdirSync(folder).find((name) => name.endsWith('.tgz')),
	);
	const app = path.join(folder, 'app');
	mkdirSync(app);
	writeFileSync(path.join(app, 'package.json'), '{ "private": true }\n');
	const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
	await capture('npm', ['install', ...flags, tarball], { cwd: app });
	for (const kind of ['node', 'types']) {
		cpSync(path.join(root, 'test/consumers', kind), path.join(app, kind), { recursive: true });
	}
	return { app, tarball };
}

/** Every program on one Node, then which binary it was. */
async function tryNode({ command, arch }, app) {
	const [file, ...before] = command;
	const run = (...args) => capture(file, [...before, ...args], { cwd: app, env: { PATH: '' } });
	const cells = {};
	const attempt = async (name, work) => {
		try {
			cells[name] = (await work()) ?? 'ok';
		} catch (error) {
			cells[name] = 'FAILED';
			console.log(error.output ?? error.stack);
		}
	};
	for (const [name, program] of Object.entries(PROGRAMS)) {
		await attempt(name, async () => {
			await run(path.join('node', program));
		});
	}
	await attempt('doctor', async () => {
		const report = JSON.parse(await run('node_modules/event-ports/dist/cli.js', 'doctor', '--json'));
		const { binary, features } = report;
		const expected = `/prebuilds/linux-${arch}/event-ports.glibc.node`;
		if (binary.origin !== 'prebuilt' || !binary.file.endsWith(expected) || !binary.current) {
			throw new Error(`it loaded ${JSON.stringify(binary)}`);
		}
		return features.io_uring === 0 ? 'io_uring' : 'no io_uring';
	});
	return cells;
}

async function tryChecks(checks) {
	const cells = {};
	for (const [name, check] of Object.entries(checks)) {
		try {
			cells[name] = (await check()) ?? 'ok';
		} catch (error) {
			cells[name] = /^skipped/.test(error.message) ? error.message : 'FAILED';
			if (cells[name] === 'FAILED') console.log(error.output ?? error.stack);
		}
		console.log(`${cells[name].padEnd(10)} ${name}`);
	}
	return cells;
}

function table(columns) {
	const names = Object.keys(PROGRAMS).concat('doctor');
	const line = (cells) => `| ${cells.join(' | ')} |`;
	return [
		line(['', ...Object.keys(columns)]),
		line(['---', ...Object.keys(columns).map(() => '---')]),
		...names.map((name) => line([name, ...Object.values(columns).map((cells) => cells[name])])),
	].join('\n');
}

const majors = process.argv.slice(2);
const { binaries } = await checkPrebuilds();
const folder = mkdtempSync(path.join(tmpdir(), 'event-ports-matrix-'));
try {
	const { app, tarball } = await install(folder);
	const columns = {};
	for (const node of await nodes(majors.length > 0 ? majors : undefined)) {
		columns[node.name] = await tryNode(node, app);
		console.log(node.name, columns[node.name]);
	}
	const rest = await tryChecks({ ...packageChecks(app, tarball), ...muslChecks(folder) });
	const sizes = binaries.map(
		({ file, size, glibc }) => `| ${file} | ${size} | ${glibc ? `glibc ${glibc}` : 'musl'} |`,
	);
	const text = [
		table(columns),
		['| binary | bytes | floor |', '| --- | --- | --- |', ...sizes].join('\n'),
		Object.entries(rest)
			.map(([name, result]) => `- ${name}: ${result}`)
			.join('\n'),
	].join('\n\n');
	mkdirSync(path.join(root, 'out'), { recursive: true });
	writeFileSync(path.join(root, 'out/matrix.md'), `${text}\n`);
	console.log(`\n${text}\n`);
	const results = [...Object.values(columns), rest].flatMap((cells) => Object.values(cells));
	const failed = results.filter((result) => result === 'FAILED').length;
	const skipped = results.filter((result) => /^skipped/.test(result)).length;
	console.log(format({ ...none(), passed: results.length - failed - skipped, failed, skipped }));
	process.exitCode = failed > 0 ? 1 : 0;
} finally {
	rmSync(folder, { recursive: true, force: true });
}
