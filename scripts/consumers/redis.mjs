// Redis on ae_evport.c: redis-benchmark, which has the same backend, and parts of its own suite.

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { capture } from '../process.mjs';
import { flags } from './packages.mjs';
import { buildFolder, freePort, withServers } from './server.mjs';

// Of its suite: what lives from events and takes seconds. Diskless replication is not there: it reads
// a pipe to its end, and ae_evport.c drops POLLHUP, which is all that the end reports.
const UNITS = ['unit/type/list', 'unit/multi', 'unit/pubsub', 'unit/networking', 'unit/querybuf', 'unit/pause'];
// Of these not what presupposes more than ae_evport.c and a port give: replication again, and that of two requests
// which both lie there when their descriptors are associated the older is told first.
const BEYOND = ['/replica (paused|offset)', '/after P?UNSUBSCRIBE without arguments'];

/** With the shared libport, or its archive and the flags that wrap libc's calls. */
async function build(prefix, archive) {
	const folder = await buildFolder('redis', ['src/ae_evport.c'], archive ? 'redis-archive' : 'redis');
	if (existsSync(path.join(folder, 'src/redis-benchmark'))) return folder;
	const { cflags, libs, staticLibs } = await flags(prefix);
	// Its Makefile names libraries before the objects that need them.
	const whole = '-Wl,--whole-archive,-Bstatic -lport -Wl,--no-whole-archive,-Bdynamic';
	const linkage = `-Wl,--no-as-needed ${archive ? staticLibs.replace('-lport', whole) : libs}`;
	await capture(
		'make',
		[
			...['-s', '-C', 'src', `-j${availableParallelism()}`, 'redis-server', 'redis-cli', 'redis-benchmark'],
			...['MALLOC=libc', 'OPTIMIZATION=-O1', `REDIS_CFLAGS=-DHAVE_EVPORT=1 ${cflags}`],
			`REDIS_LDFLAGS=${linkage}`,
		],
		{ cwd: folder },
	);
	return folder;
}

const command = (folder, name) => path.join(folder, 'src', name);

/** redis-benchmark, which has the same backend, with threads and pipelines. */
async function benchmark(folder) {
	const at = ['-p', String(await freePort())];
	await withServers(async (start) => {
		const server = start(command(folder, 'redis-server'), ['--port', at[1], '--save', '', '--io-threads', '2']);
		await server.printed(/Ready to accept connections/g);
		const ask = (...args) => capture(command(folder, 'redis-cli'), [...at, ...args]);
		const info = await ask('info', 'server');
		if (!info.includes('multiplexing_api:evport')) throw new Error(info);
		const run = (...args) => capture(command(folder, 'redis-benchmark'), [...at, '-q', ...args]);
		await run('-n', '10000', '-c', '50', '-t', 'set,get,lpush,lrange_100');
		await run('-n', '50000', '-c', '100', '-P', '16', '--threads', '2', '-t', 'incr');
		if (!(await ask('get', 'counter:__rand_int__')).startsWith('50000')) throw new Error('increments were lost');
		await ask('shutdown', 'nosave');
		await server.ended;
	});
}

export function redisChecks(prefix) {
	let built;
	const source = () => {
		built ??= build(prefix, false);
		return built;
	};
	return {
		'Redis: redis-benchmark, with threads and pipelines, end': async () => benchmark(await source()),
		'Redis: the same, linked with the archive': async () => benchmark(await build(prefix, true)),
		'Redis: parts of its own suite': async () => {
			const folder = await source();
			const args = ['--clients', '2', ...UNITS.flatMap((unit) => ['--single', unit])];
			args.push(...BEYOND.flatMap((pattern) => ['--skiptest', pattern]));
			const text = await capture('./runtest', args, { cwd: folder });
			if (!text.includes('All tests passed')) throw new Error(text);
		},
	};
}
