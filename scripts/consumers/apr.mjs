// APR on poll/unix/port.c: its own tests of polling and of what is built on it.

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { capture } from '../process.mjs';
import { flags } from './packages.mjs';
import { buildFolder } from './server.mjs';

const TESTS = ['testpoll', 'testpipe', 'testproc', 'testsock', 'testsockets', 'testsockopt', 'testud'];
const HELPERS = ['readchild', 'sockchild', 'proc_child', 'tryread'];

async function build(prefix) {
	const folder = await buildFolder('apr', ['poll/unix/port.c']);
	const tests = path.join(folder, 'test');
	if (existsSync(path.join(tests, 'testall'))) return tests;
	const { cflags, libs } = await flags(prefix);
	const given = ['CFLAGS=-O1 -g -w', `CPPFLAGS=${cflags} -D_GNU_SOURCE`, `LIBS=${libs}`];
	await capture('./configure', ['--quiet', '--disable-static', ...given], { cwd: folder });
	const jobs = ['-s', `-j${availableParallelism()}`];
	await capture('make', jobs, { cwd: folder });
	await capture('make', [...jobs, ...HELPERS, 'testall'], { cwd: tests });
	return tests;
}

export function aprChecks(prefix) {
	return {
		'APR: its tests of polling, pipes, processes, sockets': async () => {
			const folder = await build(prefix);
			const uses = await capture('grep', ['-c', 'define HAVE_PORT_CREATE 1', '../include/arch/unix/apr_private.h'], {
				cwd: folder,
			});
			if (uses.trim() !== '1') throw new Error('it did not find port_create');
			const text = await capture('./testall', TESTS, { cwd: folder });
			if (!text.includes('All tests passed.')) throw new Error(text);
		},
	};
}
