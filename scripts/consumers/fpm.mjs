// PHP-FPM on events/port.c: a master that forks, buries and replaces workers, reads what they say
// on their standard error, and goes on in a new image on SIGUSR2.

import { existsSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { availableParallelism, userInfo } from 'node:os';
import path from 'node:path';
import { capture } from '../process.mjs';
import { flags } from './packages.mjs';
import { buildFolder, freePort, runFolder, withServers } from './server.mjs';

const REQUESTS = 1000;
const PARALLEL = 20;

async function build(prefix) {
	const folder = await buildFolder('php8.2', ['sapi/fpm/fpm/events/port.c']);
	const program = path.join(folder, 'sapi/fpm/php-fpm');
	if (existsSync(program)) return program;
	const { cflags, libs } = await flags(prefix);
	const without = ['--disable-all', '--disable-cli', '--disable-cgi', '--disable-phpdbg'];
	await capture(
		'./configure',
		['--quiet', '--enable-fpm', ...without, 'CFLAGS=-O0 -w', `CPPFLAGS=${cflags}`, `LIBS=${libs}`],
		{ cwd: folder },
	);
	await capture('make', ['-s', `-j${availableParallelism()}`], { cwd: folder });
	return program;
}

const BEGIN = 1;
const PARAMS = 4;
const STDIN = 5;
const STDOUT = 6;

function record(type, body) {
	const head = Buffer.from([1, type, 0, 1, 0, 0, 0, 0]);
	head.writeUInt16BE(body.length, 4);
	return Buffer.concat([head, body]);
}

/** What a page prints, by a request of FastCGI on a connection of its own. */
async function fetchPage(port, page, body) {
	const params = {
		...{ SCRIPT_FILENAME: page, REQUEST_METHOD: 'POST', CONTENT_TYPE: 'text/plain' },
		...{ CONTENT_LENGTH: String(body.length), SERVER_PROTOCOL: 'HTTP/1.1' },
	};
	const pairs = Object.entries(params).map(([k, v]) => Buffer.from([k.length, v.length, ...Buffer.from(k + v)]));
	const socket = net.connect(port, '127.0.0.1');
	socket.write(
		Buffer.concat([
			...[record(BEGIN, Buffer.from([0, 1, 0, 0, 0, 0, 0, 0])), record(PARAMS, Buffer.concat(pairs))],
			...[record(PARAMS, Buffer.alloc(0)), record(STDIN, body), record(STDIN, Buffer.alloc(0))],
		]),
	);
	const got = Buffer.concat(await socket.toArray());
	let printed = '';
	for (let at = 0; at + 8 <= got.length; ) {
		const length = got.readUInt16BE(at + 4);
		if (got[at + 1] === STDOUT) printed += got.toString('latin1', at + 8, at + 8 + length);
		at += 8 + length + got[at + 6];
	}
	return printed.slice(printed.indexOf('\r\n\r\n') + 4);
}

async function load(port, page) {
	let left = REQUESTS;
	const client = async () => {
		while (left > 0) {
			const body = Buffer.alloc(1 + ((left-- * 7919) % 30_000), 'x');
			const printed = await fetchPage(port, page, body);
			if (printed !== `read ${body.length}`) throw new Error(`printed ${printed}, of ${body.length} bytes`);
		}
	};
	await Promise.all(Array.from({ length: PARALLEL }, client));
}

async function serve(program) {
	const folder = runFolder('php-fpm');
	const port = await freePort();
	const page = path.join(folder, 'page.php');
	writeFileSync(
		page,
		`<?php fwrite(fopen('php://stderr', 'w'), "at work\\n");
echo 'read ', strlen(file_get_contents('php://input'));
`,
	);
	const file = path.join(folder, 'fpm.conf');
	writeFileSync(
		file,
		`[global]
error_log = ${folder}/log
log_level = debug
daemonize = no
events.mechanism = port
[www]
user = ${userInfo().username}
listen = 127.0.0.1:${port}
pm = dynamic
pm.max_children = 6
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 3
pm.max_requests = 100
catch_workers_output = yes
`,
	);
	await withServers(async (start) => {
		const server = start(program, ['-n', '-F', '-O', '-R', '-y', file]);
		const ready = (times) => server.printed(/ready to handle connections/g, times);
		await ready(1);
		await server.printed(/event module is port/g);
		await load(port, page);
		server.signal('SIGUSR2'); // a new image, the same process and socket
		await ready(2);
		await load(port, page);
		await server.printed(/said into stderr: "at work"/g, 2 * REQUESTS);
		await server.end(() => server.signal('SIGQUIT'));
	});
}

export function fpmChecks(prefix) {
	return {
		'PHP-FPM: workers come and go, their words, a new image, graceful end': async () => serve(await build(prefix)),
	};
}
