// Goal TS1: random reads of 4 KiB from the page cache, through port.aio against node:fs.
//
//   node bench/node/aio.mjs [--quick] [--rounds N]
//
// Peers take turns (A B A B ...). A round keeps `depth` reads under way until it has made all; what
// is measured is this process's user and system time, all its threads included, a read.

import { closeSync, openSync, read, rmSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Port } from 'event-ports';
import { median } from '../judge.mjs';

const BLOCK = 4096;
const BLOCKS = 16_384; // 64 MiB, all of it in the cache
const DEPTHS = [1, 8, 32, 128];

const { values: options } = parseArgs({
	options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' } },
});

const file = path.join(tmpdir(), `bench-aio-${process.pid}`);
const fd = openSync(file, 'w+');
for (let i = 0; i < BLOCKS; i++) writeSync(fd, Buffer.alloc(BLOCK, i));
const handle = await open(file);
const port = new Port();

let seed = 1;
function position() {
	seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
	return ((seed >>> 8) % BLOCKS) * BLOCK;
}

const check = (bytes) => {
	if (bytes !== BLOCK) throw new Error(`read ${bytes} bytes`);
};

/** `depth` loops that each await one read after the other. */
function byLoops(one) {
	return async (buffers, count) => {
		let left = count;
		const loop = async (buffer) => {
			while (left-- > 0) check(await one(buffer));
		};
		await Promise.all(buffers.map(loop));
	};
}

/** Whatever was retrieved is replaced by as many reads in one call. */
async function byEvents(buffers, count) {
	let left = count;
	let under = 0;
	const more = (list) => {
		const orders = list
			.slice(0, left)
			.map((buffer) => ({ operation: 'read', fd, buffer, position: position(), user: buffer }));
		left -= orders.length;
		under += orders.length;
		if (orders.length > 0) port.aio.submit(orders);
	};
	more(buffers);
	while (under > 0) {
		const events = await port.getn({ max: 128 });
		under -= events.length;
		for (const event of events) check(event.bytes);
		more(events.map((event) => event.user));
	}
}

const peers = {
	port: byEvents,
	'port-promises': byLoops((buffer) => port.aio.promises.read(fd, buffer, position())),
	'fs.read': (buffers, count) =>
		new Promise((resolve) => {
			let left = count;
			let done = 0;
			const next = (buffer) => {
				if (left-- <= 0) return;
				read(fd, buffer, 0, BLOCK, position(), (error, bytes) => {
					if (error) throw error;
					check(bytes);
					if (++done === count) resolve();
					next(buffer);
				});
			};
			for (const buffer of buffers) next(buffer);
		}),
	'FileHandle.read': byLoops(
		async (buffer) => (await handle.read(buffer, 0, BLOCK, position())).bytesRead,
	),
};

for (const depth of DEPTHS) {
	const buffers = Array.from({ length: depth }, () => Buffer.alloc(BLOCK));
	const count = (options.quick ? 2_000 : 20_000) * (depth === 1 ? 1 : 2);
	const seen = Object.fromEntries(Object.keys(peers).map((who) => [who, []]));
	for (let round = -1; round < Number(options.rounds); round++) {
		for (const [who, run] of Object.entries(peers)) {
			const before = process.cpuUsage();
			await run(buffers, count);
			const { user, system } = process.cpuUsage(before);
			if (round >= 0) seen[who].push(((user + system) * 1000) / count); // the first one warms up
		}
	}
	const { engine } = port.capabilities.aio;
	for (const [who, values] of Object.entries(seen)) {
		const cpu_ns = { median: median(values), rounds: values };
		console.log(JSON.stringify({ bench: 'aio', case: `depth=${depth} engine=${engine}`, depth, who, cpu_ns }));
	}
}
port.close();
await handle.close();
closeSync(fd);
rmSync(file);
