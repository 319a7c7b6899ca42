// libevent: its regression suite on evport.c, and on epoll beside it. One build has both: which one
// is used is said in the environment.

import { existsSync, mkdirSync, utimesSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { capture } from '../process.mjs';
import { compare } from './compare.mjs';
import { flags, out, sourcePackage } from './packages.mjs';

const BACKENDS = ['EVPORT', 'KQUEUE', 'EPOLL', 'DEVPOLL', 'POLL', 'SELECT'];
const PROGRAMS = ['eof', 'closed', 'weof', 'time', 'changelist', 'fdleak', 'dumpevents'];

// Groups of tests that run side by side: most of them wait for timeouts.
const GROUPS = [['http/..'], ['dns/..'], ['main/..'], ['bufferevent/..'], ['thread/..', 'signal/..']];

async function build(prefix) {
	const source = await sourcePackage('libevent', ['evport.c']);
	// Debian's patches are newer than what autotools made; there is nothing to make anew.
	for (const file of ['aclocal.m4', 'configure', 'config.h.in', 'Makefile.in'])
		utimesSync(path.join(source, file), new Date(), new Date());
	const folder = path.join(out, 'build/libevent');
	mkdirSync(folder, { recursive: true });
	const { cflags, libs } = await flags(prefix);
	if (!existsSync(path.join(folder, 'config.status')))
		await capture(
			path.join(source, 'configure'),
			[
				...['--quiet', '--disable-openssl', '--disable-samples', '--disable-static'],
				...['CFLAGS=-O1 -g -w', `CPPFLAGS=${cflags}`, `LIBS=${libs}`],
			],
			{ cwd: folder },
		);
	const make = (...targets) =>
		capture('make', ['-s', `-j${availableParallelism()}`, ...targets], { cwd: folder });
	await make('include/event2/event-config.h');
	await make('test/regress', 'test/test-init', ...PROGRAMS.map((name) => `test/test-${name}`));
	return folder;
}

/** The environment in which only one method is left. */
const only = (backend) => ({
	...process.env,
	...Object.fromEntries(BACKENDS.filter((b) => b !== backend).map((b) => [`EVENT_NO${b}`, 'yes'])),
});

async function output(folder, args, env) {
	try {
		return await capture(path.join(folder, args[0]), args.slice(1), { cwd: folder, env });
	} catch (error) {
		return error.output;
	}
}

/** name → result, of what regress printed. */
function results(text) {
	const found = new Map();
	const starts = [...text.matchAll(/^([\w-]+\/\S+): /gm)];
	for (const [i, start] of starts.entries()) {
		const part = text.slice(start.index, starts[i + 1]?.index);
		const [said] = /\b(OK|SKIPPED|DISABLED)$/m.exec(part) ?? ['FAILED'];
		const failed = said === 'FAILED' || part.includes('FAILED]');
		found.set(start[1], failed ? 'failed' : said === 'OK' ? 'passed' : 'skipped');
	}
	return found;
}

async function suite(folder, backend) {
	const env = only(backend);
	const shown = await output(folder, ['test/test-init'], { ...env, EVENT_SHOW_METHOD: '1' });
	if (!shown.includes(`libevent using: ${backend.toLowerCase()}`))
		throw new Error(`not ${backend}: ${shown}`);
	// The rest first: what it leaves out it calls skipped.
	const rest = GROUPS.flat().map((group) => `:${group}`);
	const runs = [rest, ...GROUPS].map((tests) => output(folder, ['test/regress', ...tests], env));
	const programs = PROGRAMS.map(async (name) => {
		const program = path.join(folder, `test/test-${name}`);
		const ended = await capture(program, [], { cwd: folder, env }).then(
			() => 'passed',
			() => 'failed',
		);
		return [`test-${name}`, ended];
	});
	const found = new Map(await Promise.all(programs));
	for (const text of await Promise.all(runs)) for (const [name, result] of results(text)) found.set(name, result);
	// Tests of time that failed beside others have another try, alone.
	for (const [name, result] of found)
		if (result === 'failed' && name.includes('/'))
			found.set(name, results(await output(folder, ['test/regress', name], env)).get(name) ?? 'failed');
	return found;
}

export async function libevent(prefix) {
	const folder = await build(prefix);
	const [port, epoll] = await Promise.all([suite(folder, 'EVPORT'), suite(folder, 'EPOLL')]);
	return compare('libevent', port, epoll);
}
