// lighttpd on its backend "solaris-eventports": three workers over one listening socket; asks
// port_getn for the number of events before it takes them.

import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { capture } from '../process.mjs';
import { flags } from './packages.mjs';
import { buildFolder, freePort, load, runFolder, withServers } from './server.mjs';

async function build(prefix) {
	const folder = await buildFolder('lighttpd', ['src/fdevent_impl.c']);
	const program = path.join(folder, 'src/lighttpd');
	if (existsSync(program)) return program;
	for (const file of ['aclocal.m4', 'configure', 'config.h.in', 'Makefile.in', 'src/Makefile.in'])
		utimesSync(path.join(folder, file), new Date(), new Date());
	const { cflags, libs } = await flags(prefix);
	// It looks for event ports on Solaris only, and takes them for it where __sun is defined.
	const told = '-D__sun -DHAVE_PORT_H=1 -DHAVE_PORT_CREATE=1';
	const without = ['pcre2', 'pcre', 'zlib', 'bzip2'].map((name) => `--without-${name}`);
	await capture(
		'./configure',
		['--quiet', '--disable-shared', ...without, 'CFLAGS=-O1 -g -w', `CPPFLAGS=${cflags} ${told}`, `LIBS=${libs}`],
		{ cwd: folder },
	);
	const make = ['-s', '-C', 'src', `-j${availableParallelism()}`];
	await capture('make', [...make, 'versionstamp', 'parsers'], { cwd: folder });
	await capture('make', [...make, 'lighttpd'], { cwd: folder });
	return program;
}

async function serve(program) {
	const folder = runFolder('lighttpd');
	const body = Buffer.alloc(100_000, 'a line of text\n');
	mkdirSync(path.join(folder, 'html'));
	writeFileSync(path.join(folder, 'html/page'), body);
	const port = await freePort();
	const file = path.join(folder, 'lighttpd.conf');
	writeFileSync(
		file,
		`server.document-root = "${folder}/html"
server.bind = "127.0.0.1"
server.port = ${port}
server.event-handler = "solaris-eventports"
server.max-worker = 3
`,
	);
	await withServers(async (start) => {
		const server = start(program, ['-D', '-f', file]);
		await server.printed(/server started/g);
		for (const keepAlive of [true, false]) await load(`http://127.0.0.1:${port}/page`, body, { keepAlive });
		await server.end(() => server.signal('SIGINT'));
	});
}

export function lighttpdChecks(prefix) {
	return {
		'lighttpd: 3 workers, load, graceful end': async () => serve(await build(prefix)),
	};
}
