// Goal WATCH: 10,000 files watched from TypeScript, against an fs.watch for each.
//
//   node bench/node/watch.mjs [--quick] [--rounds N]
//
// Each side is a process of its own, which watches all files, then has some changed one by one:
// "setup" is the time to watch all of them, "memory" what the process has grown by, "latency" from
// the change to the callback. FILE3: another process changes files 100,000 times while the reader
// sometimes stands still; "unreported" are files whose last state it was not told of.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { FILE_MODIFIED, FileObject, Port } from 'event-ports';
import { median } from '../judge.mjs';
import { compare, optionsOf } from './support.mjs';

const PROBES = 200;
const STALL = 20; // ms that the reader stands still

/** Watches files; calls back with the index of one that changed. */
const watchers = {
	port(files, changed) {
		const port = new Port();
		for (const [i, file] of files.entries()) port.watchFile(new FileObject(file), FILE_MODIFIED, i);
		(async () => {
			for await (const events of port.batches({ max: 256 })) for (const { user } of events) changed(user);
		})();
	},
	'fs.watch'(files, changed) {
		for (const [i, file] of files.entries()) fs.watch(file, () => changed(i));
	},
};

const resident = () => {
	globalThis.gc();
	return process.memoryUsage.rss();
};

async function side(who, folder, count) {
	const files = Array.from({ length: count }, (_, i) => path.join(folder, `f${i}`));
	let hear = () => {};
	const before = resident();
	const start = performance.now();
	watchers[who](files, (i) => hear(i));
	const setup_ms = performance.now() - start;
	const memory_bytes = resident() - before;
	const latencies = [];
	for (let probe = 0; probe < PROBES; probe++) {
		const index = (probe * 7919) % count;
		const heard = new Promise((resolve) => {
			hear = (i) => i === index && resolve(performance.now());
		});
		const fd = fs.openSync(files[index], 'a');
		await new Promise((resolve) => setImmediate(resolve));
		const changed = performance.now();
		fs.writeSync(fd, 'x');
		latencies.push((await heard) - changed);
		fs.closeSync(fd);
	}
	return { setup_ms, memory_bytes, latency_us: median(latencies) * 1000 };
}

/** Under load from another process: files of whose last state nobody told. */
async function loaded(who, folder, count, changes) {
	const files = Array.from({ length: count }, (_, i) => path.join(folder, `f${i}`));
	const told = new Map();
	let reported = 0;
	watchers[who](files, (i) => {
		reported++;
		told.set(i, fs.statSync(files[i], { bigint: true }).mtimeNs);
		if (reported % 500 === 0) for (const until = performance.now() + STALL; performance.now() < until; );
	});
	const writer = fork(fileURLToPath(import.meta.url), ['write', folder, String(count), String(changes)]);
	const [code] = await once(writer, 'exit');
	if (code !== 0) throw new Error('the writer failed');
	// Quiet: nothing was told in ten turns of the event loop with a millisecond each.
	for (let quiet = 0, last = -1; quiet < 10; quiet = reported === last ? quiet + 1 : 0) {
		last = reported;
		await new Promise((resolve) => setTimeout(resolve, 1));
	}
	const stale = files.filter((file, i) => told.get(i) !== fs.statSync(file, { bigint: true }).mtimeNs);
	return { unreported: stale.length, reported };
}

function write(folder, count, changes) {
	const fds = Array.from({ length: count }, (_, i) => fs.openSync(path.join(folder, `f${i}`), 'a'));
	for (let i = 0; i < changes; i++) fs.writeSync(fds[(i * 7919) % count], 'x');
}

async function inProcess(...args) {
	const child = fork(fileURLToPath(import.meta.url), args, { execArgv: ['--expose-gc'] });
	const [figures] = await once(child, 'message');
	child.kill('SIGKILL');
	return figures;
}

async function bench({ quick, rounds }) {
	const count = quick ? 1000 : 10_000;
	const changes = String(quick ? 10_000 : 100_000);
	const folder = fs.mkdtempSync(path.join(tmpdir(), 'event-ports-bench-'));
	for (let i = 0; i < count; i++) fs.writeFileSync(path.join(folder, `f${i}`), '');
	const sides = (...args) =>
		Object.fromEntries(Object.keys(watchers).map((who) => [who, () => inProcess(args[0], who, folder, ...args.slice(1))]));
	await compare('watch', `what=idle files=${count}`, rounds, sides('side', String(count)));
	await compare('watch', `what=load files=${count}`, Math.min(rounds, 3), sides('loaded', String(count), changes));
	fs.rmSync(folder, { recursive: true });
}

const [role, ...args] = process.argv.slice(2);
if (role === 'side') process.send(await side(args[0], args[1], Number(args[2])));
else if (role === 'loaded') process.send(await loaded(args[0], args[1], Number(args[2]), Number(args[3])));
else if (role === 'write') write(args[0], Number(args[1]), Number(args[2]));
else await bench(optionsOf());
