// ivykis: its own suite, on both methods of iv_fd_port.c: time-outs by port_getn alone, and by a
// SIGEV_PORT timer once a time-out has come up several times.

import { existsSync, readdirSync, utimesSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { capture } from '../process.mjs';
import { flags } from './packages.mjs';
import { buildFolder } from './server.mjs';

const METHODS = { 'port-timer': '', port: 'port-timer' }; // and what is excluded for it
const jobs = `-j${availableParallelism()}`;

async function build(prefix) {
	const folder = await buildFolder('ivykis', ['src/iv_fd_port.c', 'src/iv_fd.c']);
	if (existsSync(path.join(folder, 'src/.libs/libivykis.a'))) return folder;
	// In the order in which each is made of the one before.
	for (const name of ['aclocal.m4', 'configure', 'config.h.in', 'Makefile.in'])
		for (const at of name === 'Makefile.in' ? readdirSync(folder, { recursive: true }) : [name])
			if (path.basename(at) === name) utimesSync(path.join(folder, at), new Date(), new Date());
	const { cflags, libs } = await flags(prefix);
	await capture('./configure', ['--quiet', '--disable-shared', 'CFLAGS=-O1 -g -w', `CPPFLAGS=${cflags}`, `LIBS=${libs}`], {
		cwd: folder,
	});
	await capture('make', ['-s', jobs], { cwd: folder });
	return folder;
}

async function suite(folder, method) {
	const env = { ...process.env, IV_EXCLUDE_POLL_METHOD: METHODS[method] };
	const cwd = path.join(folder, 'test');
	const traced = await capture('./iv_event_raw_test', [], { cwd, env: { ...env, PORT_DEBUG: '1' } });
	if (!traced.includes('port_associate(')) throw new Error(`not on ports:\n${traced}`);
	const text = await capture('make', ['check', jobs], { cwd, env });
	const passed = Number(/^# PASS: +(\d+)$/m.exec(text)?.[1]);
	const total = Number(/^# TOTAL: +(\d+)$/m.exec(text)?.[1]);
	if (!(total > 0) || passed !== total) throw new Error(text);
}

export function ivykisChecks(prefix) {
	let built;
	return Object.fromEntries(
		Object.keys(METHODS).map((method) => [
			`ivykis: its own suite, method ${method}`,
			async () => {
				built ??= build(prefix);
				await suite(await built, method);
			},
		]),
	);
}
