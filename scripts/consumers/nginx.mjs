// nginx on ngx_eventport_module.c: a master that forks four workers, each with a port and a periodic
// SIGEV_PORT timer, threads that report by port_send, a proxy to itself; reloaded under load, ended.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { capture, root } from '../process.mjs';
import { flags } from './packages.mjs';
import { buildFolder, freePort, load, runFolder, withServers } from './server.mjs';

const WORKERS = 4;

async function build(prefix) {
	const folder = await buildFolder('nginx', ['src/event/modules/ngx_eventport_module.c']);
	const program = path.join(folder, 'objs/nginx');
	if (existsSync(program)) return program;
	const { cflags, libs } = await flags(prefix);
	// Its epoll and its event ports exclude each other: with the call renamed, epoll is not found.
	const compile = `-O1 -g ${cflags} -D_GNU_SOURCE -Depoll_create=no_epoll -include port.h`;
	const without = ['http_rewrite', 'http_gzip'].map((name) => `--without-${name}_module`);
	await capture(
		'./configure',
		[
			...['--with-threads', ...without, `--add-module=${path.join(root, 'test/consumers/nginx')}`],
			...[`--with-cc-opt=${compile}`, `--with-ld-opt=${libs}`],
		],
		{ cwd: folder },
	);
	await capture('make', ['-s', `-j${availableParallelism()}`], { cwd: folder });
	return program;
}

function configuration({ front, back, events }) {
	return `daemon off;
worker_processes ${WORKERS};
timer_resolution 20ms;
error_log stderr notice;
pid nginx.pid;
events { use eventport; worker_connections 512; ${events} }
http {
	access_log off;
	root html;
	upstream back { server 127.0.0.1:${back}; keepalive 16; }
	server {
		listen 127.0.0.1:${front};
		location /threads/ { alias html/; aio threads; }
		location /proxy/ { proxy_pass http://back/; proxy_http_version 1.1; proxy_set_header Connection ""; }
	}
	server { listen 127.0.0.1:${back}; }
}
`;
}

async function serve(program, events) {
	const folder = runFolder('nginx');
	const body = Buffer.alloc(100_000, 'a line of text\n');
	for (const name of ['html', 'logs', 'conf']) mkdirSync(path.join(folder, name));
	writeFileSync(path.join(folder, 'html/page'), body);
	const [front, back] = [await freePort(), await freePort()];
	writeFileSync(path.join(folder, 'conf/nginx.conf'), configuration({ front, back, events }));
	const args = ['-p', folder, '-e', 'stderr'];
	const at = (where) => `http://127.0.0.1:${front}/${where}page`;
	await withServers(async (start) => {
		const master = start(program, args);
		await master.printed(/start worker process \d/g, WORKERS);
		if (!master.text.includes('using the "eventport" event method')) throw new Error(master.text);
		for (const where of ['', 'threads/', 'proxy/']) await load(at(where), body);
		await load(at('proxy/'), body, { keepAlive: false });
		// Reloads: old workers serve what they accepted, the master keeps the sockets they close.
		const reloads = async () => {
			for (let round = 1; round <= 3; round++) {
				await capture(program, [...args, '-s', 'reload']);
				await master.printed(/start worker process \d/g, WORKERS * (round + 1));
				await master.printed(/worker process \d+ exited with code 0/g, WORKERS * round);
			}
		};
		await Promise.all([load(at(''), body, { count: 6000, keepAlive: false }), reloads()]);
		await master.end(() => master.signal('SIGQUIT'));
		const trouble = /\[(alert|emerg|crit|error)\].*/.exec(master.text);
		if (trouble) throw new Error(trouble[0]);
	});
}

export function nginxChecks(prefix) {
	let built;
	const program = () => {
		built ??= build(prefix);
		return built;
	};
	return {
		'nginx: 4 workers, threads, proxy, reloads under load, end': async () => serve(await program(), ''),
		'nginx: the same, the workers taking turns to accept': async () =>
			serve(await program(), 'accept_mutex on; accept_mutex_delay 10ms; multi_accept on;'),
	};
}
