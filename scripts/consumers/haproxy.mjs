// HAProxy on ev_evports.c: a port of each of four threads; checks, proxying, reloads under load.

import { existsSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { capture } from '../process.mjs';
import { flags } from './packages.mjs';
import { buildFolder, freePort, load, runFolder, withServers } from './server.mjs';

async function build(prefix) {
	const folder = await buildFolder('haproxy', ['src/ev_evports.c']);
	const program = path.join(folder, 'haproxy');
	if (existsSync(program)) return program;
	const { cflags, libs } = await flags(prefix);
	const options = ['USE_EPOLL=', 'USE_EVPORTS=1', 'USE_THREAD=1', 'USE_CRYPT_H=', 'USE_LIBCRYPT='];
	await capture(
		'make',
		[
			...['-s', `-j${availableParallelism()}`, 'TARGET=linux-glibc', ...options, 'CPU_CFLAGS=-O1'],
			...[`ADDINC=${cflags}`, `ADDLIB=${libs}`, 'haproxy'],
		],
		{ cwd: folder },
	);
	return program;
}

const configuration = (front, back) => `global
	nbthread 4
	maxconn 1000
defaults
	mode http
	timeout connect 5s
	timeout client 30s
	timeout server 30s
frontend front
	bind 127.0.0.1:${front}
	http-request return status 200 content-type text/plain string "hello" if { path /own }
	default_backend back
backend back
	server one 127.0.0.1:${back} check inter 50ms
	server two 127.0.0.1:${back} check inter 50ms
`;

async function serve(program) {
	const folder = runFolder('haproxy');
	const body = Buffer.alloc(100_000, 'a line of text\n');
	const backend = http.createServer((_, response) => response.end(body));
	await new Promise((resolve) => backend.listen(0, '127.0.0.1', resolve));
	const front = await freePort();
	const file = path.join(folder, 'haproxy.cfg');
	writeFileSync(file, configuration(front, backend.address().port));
	try {
		await withServers(async (start) => {
			const master = start(program, ['-W', '-f', file]);
			const ready = /Loading success/g;
			await master.printed(ready);
			const at = (name) => `http://127.0.0.1:${front}/${name}`;
			for (const keepAlive of [true, false]) {
				await load(at('own'), Buffer.from('hello'), { keepAlive });
				await load(at('page'), body, { keepAlive });
			}
			const reloads = async () => {
				for (let round = 1; round <= 3; round++) {
					master.signal('SIGUSR2');
					await master.printed(ready, round + 1);
					// Told by its loop: before that it drops signals.
					await master.printed(/Former worker \(\d+\) exited with code 0/g, round);
				}
			};
			await Promise.all([load(at('page'), body, { count: 4000, keepAlive: false }), reloads()]);
			await master.end(() => master.signal('SIGUSR1'));
			const trouble = /\[(ALERT|EMERG)\].*/.exec(master.text);
			if (trouble) throw new Error(trouble[0]);
		});
	} finally {
		backend.close();
		backend.closeAllConnections();
	}
}

export function haproxyChecks(prefix) {
	return {
		'HAProxy: 4 threads, checks, reloads under load, end': async () => {
			const program = await build(prefix);
			const said = await capture(program, ['-vv']);
			if (!said.includes('will use evports')) throw new Error(said);
			await serve(program);
		},
	};
}
