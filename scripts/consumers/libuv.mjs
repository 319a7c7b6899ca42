// libuv on src/unix/sunos.c: its own suite, and on epoll beside it. Everything else is its Linux: what
// sunos.c asks of a system beside event ports has stand-ins in test/consumers/libuv.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { capture, root } from '../process.mjs';
import { compare } from './compare.mjs';
import { flags, out, sourcePackage } from './packages.mjs';

const standIns = path.join(root, 'test/consumers/libuv');
const LINUX = ['proctitle', 'linux-syscalls', 'procfs-exepath', 'random-getrandom', 'random-sysctl-linux'];
const EPOLL = ['epoll', 'linux-core', 'linux-inotify'];
// Where libuv and its tests ask for the platform because of event ports.
const AS_ON_ILLUMOS = {
	'src/unix/core.c': ['-D__sun'],
	'src/unix/sunos.c': ['-D__sun', '-include', 'procfs.h', '-Duv_exepath=exepath_of_illumos'],
	'test/test-fork.c': ['-D__sun', '-U__linux__'],
	'test/test-fs-event.c': ['-D__sun', '-U__linux__'],
	'test/test-poll.c': ['-D__sun'],
};
// They connect to the world outside, and depend on what the network here says to that.
const OUTSIDE = ['tcp_close_while_connecting', 'tcp_connect_timeout'];
const NOBODY = 65534;

/** Its files, by its own list. */
function files(source) {
	const text = readFileSync(path.join(source, 'CMakeLists.txt'), 'utf8');
	const all = (part, pattern) => [...part.matchAll(pattern)].map(([name]) => name);
	const unix = /_FILE_OFFSET_BITS=64[\s\S]*?runner-unix\.c/.exec(text)[0];
	const tests = /list\(APPEND uv_test_sources\s+test\/blackhole-server\.c[\s\S]*?\)/.exec(text)[0];
	return [
		...all(/set\(uv_sources[\s\S]*?\)/.exec(text)[0], /src\/[\w-]+\.c/g),
		...all(unix, /(src\/unix|test)\/[\w-]+\.c/g),
		...LINUX.map((name) => `src/unix/${name}.c`),
		...all(tests, /test\/[\w-]+\.c/g),
	];
}

/** Its program of tests, on one backend. */
async function build(source, prefix, backend) {
	const folder = path.join(out, 'build/libuv', backend);
	mkdirSync(folder, { recursive: true });
	const { cflags, libs } = await flags(prefix);
	const port = backend === 'port';
	const given = ['-O1', '-g', '-w', '-D_GNU_SOURCE', '-D_FILE_OFFSET_BITS=64', '-D_LARGEFILE_SOURCE'];
	if (port) given.push(`-I${standIns}`, ...cflags.split(' ').filter(Boolean));
	for (const part of ['include', 'src', 'test']) given.push(`-I${path.join(source, part)}`);
	const own = port ? ['src/unix/sunos.c'] : EPOLL.map((name) => `src/unix/${name}.c`);
	const list = [...files(source), ...own];
	const object = (file) => path.join(folder, `${file.replaceAll('/', '_')}.o`);
	const left = [...list];
	const compiler = async () => {
		for (let file = left.pop(); file !== undefined; file = left.pop()) {
			const more = port ? (AS_ON_ILLUMOS[file] ?? []) : [];
			await capture('cc', [...given, ...more, '-c', path.join(source, file), '-o', object(file)]);
		}
	};
	await Promise.all(Array.from({ length: availableParallelism() }, compiler));
	const program = path.join(folder, 'run-tests');
	const archive = path.join(folder, 'libuv.a'); // some tests have files of it in them
	const [library, tests] = ['src/', 'test/'].map((part) => list.filter((file) => file.startsWith(part)).map(object));
	await capture('ar', ['rcs', archive, ...library]);
	const rest = port ? [path.join(standIns, 'title.c'), ...libs.split(' ')] : [];
	await capture('cc', ['-o', program, ...tests, archive, ...rest, '-lpthread', '-ldl', '-lrt', '-lutil']);
	return program;
}

/** name → result, of what it printed. */
function results(text) {
	const found = new Map();
	for (const [, not, name, skip] of text.matchAll(/^(not )?ok \d+ - (\S+)( # SKIP)?/gm))
		found.set(name, not ? 'failed' : skip ? 'skipped' : 'passed');
	return found;
}

/** It refuses to run as root, and writes where it is. */
async function suite(source, prefix, program) {
	const folder = mkdtempSync(path.join(tmpdir(), 'event-ports-libuv-'));
	try {
		for (const [from, to] of [[path.join(source, 'test/fixtures'), 'test/fixtures'], [program, 'run-tests'], [path.join(prefix, 'lib'), 'lib']])
			cpSync(from, path.join(folder, to), { recursive: true });
		const env = { ...process.env, HOME: folder, LD_LIBRARY_PATH: path.join(folder, 'lib'), UV_TEST_TIMEOUT_MULTIPLIER: '10' };
		const user = process.getuid() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
		if (user.uid !== undefined) await capture('chown', ['-R', `${user.uid}:${user.gid}`, folder]);
		const run = (...args) =>
			capture('./run-tests', args, { cwd: folder, env, ...user }).catch((error) => error.output ?? `${error}`);
		const found = results(await run());
		// Tests of time that failed on a busy machine have another try, alone.
		for (const [name, result] of found) {
			if (result !== 'failed') continue;
			found.set(name, results(await run(name)).get(name) ?? 'failed');
			console.log(`libuv: ${name} failed, and when it was run alone: ${found.get(name)}`);
		}
		return found;
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

export async function libuv(prefix) {
	const source = await sourcePackage('libuv1', ['src/unix/sunos.c']);
	const fares = {};
	// One after the other: their servers have fixed numbers.
	for (const backend of ['port', 'epoll'])
		fares[backend] = await suite(source, prefix, await build(source, prefix, backend));
	for (const name of OUTSIDE) for (const found of Object.values(fares)) found.delete(name);
	return compare('libuv', fares.port, fares.epoll);
}
