// Reads that are made one by one while others of their port are under way: the kernel is handed them together.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type AioEvent, closeFd, Port } from 'event-ports';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { outcomeOf, runProgram } from './support.js';

const BLOCK = 4096;
const BLOCKS = 8;
let folder: string;
let file: string;
let port: Port<number>;

beforeEach(() => {
	folder = fs.mkdtempSync(path.join(os.tmpdir(), 'aio-'));
	file = path.join(folder, 'data');
	fs.writeFileSync(file, Buffer.from(Array.from({ length: BLOCKS * BLOCK }, (_, i) => i / BLOCK)));
	port = new Port();
});
afterEach(() => {
	port.close();
	fs.rmSync(folder, { recursive: true });
});

const program = `
	import { openSync } from 'node:fs';
	import { Port } from 'event-ports';
	const fd = openSync(process.argv[1]);
	const buffers = Array.from({ length: ${BLOCKS} }, () => Buffer.alloc(${BLOCK}));
	const { promises } = new Port().aio;
	const read = (buffer, i) => promises.read(fd, buffer, i * ${BLOCK});
	for (const turn of [1, 2]) {
		console.log((await Promise.all(buffers.map(read))).join(), buffers.map((b) => b[1]).join());
		await new Promise(setImmediate);
	}
`;

it('once a turn, where no get comes before its end', async () => {
	const env = { ...process.env, EVENT_PORTS_AIO: 'io_uring', PORT_DEBUG: 'aioStart,aioFlush' };
	const args = ['--input-type=module', '-e', program, file];
	const { stdout, stderr, code } = await outcomeOf(spawn(process.execPath, args, { env }));
	expect(code).toBe(0);
	const turn = `${Array(BLOCKS).fill(BLOCK).join()} ${[...Array(BLOCKS).keys()].join()}`;
	expect(stdout).toBe(`${turn}\n${turn}\n`);
	const calls = stderr.match(/aio\w+/g);
	const once = [...Array(BLOCKS).fill('aioStart'), 'aioFlush'];
	expect(calls).toEqual([...once, ...once]);
});

it('with a get that blocks in the same turn', () => {
	const fd = fs.openSync(file, 'r');
	const buffers = Array.from({ length: BLOCKS }, () => Buffer.alloc(BLOCK));
	for (const [i, buffer] of buffers.entries()) port.aio.read(fd, buffer, i * BLOCK, i);
	const events = port.getnSync({ min: BLOCKS, max: BLOCKS }) as AioEvent<number>[];
	expect(events.map(({ user, bytes }) => [user, bytes])).toEqual(buffers.map((_, i) => [i, BLOCK]));
	expect(buffers.map((buffer) => buffer[0])).toEqual([...buffers.keys()]);
	closeFd(fd);
});

it('and none reads what has the number of a closed descriptor', () => {
	const fd = fs.openSync(file, 'r');
	const other = path.join(folder, 'other');
	fs.writeFileSync(other, Buffer.alloc(BLOCK, 99));
	const buffers = Array.from({ length: BLOCKS }, () => Buffer.alloc(BLOCK));
	for (const [i, buffer] of buffers.entries()) port.aio.read(fd, buffer, 7 * BLOCK, i);
	closeFd(fd);
	expect(fs.openSync(other, 'r')).toBe(fd);
	const events = port.getnSync({ min: BLOCKS, max: BLOCKS }) as AioEvent<number>[];
	for (const { bytes, error, user } of events) {
		expect(error === null ? bytes : error.code).toBe(error === null ? BLOCK : 'ECANCELED');
		expect(buffers[user]?.[0]).toBe(error === null ? 7 : 0);
	}
	closeFd(fd);
});

// A pipe that is full, and a worker that blocks until something is read of it.
const peer = (name: string) => `
	import fs from 'node:fs';
	import { execFileSync } from 'node:child_process';
	const name = ${JSON.stringify(name)};
	execFileSync('mkfifo', [name]);
	const fd = fs.openSync(name, 'r+');
	fs.writeSync(fd, Buffer.alloc(65536));
	const port = new Port();
	const other = new Port();
	const word = new Int32Array(new SharedArrayBuffer(4));
	port.aio.read(evp.pipe()[0], Buffer.alloc(1), 0); // under way
	new Worker(\`
		const { workerData: { fd, other, word } } = require('node:worker_threads');
		require('node:fs').writeSync(fd, Buffer.alloc(1));
		require('event-ports').Port.attach(other).send(1);
		Atomics.store(word, 0, 1);
		Atomics.notify(word, 0);
	\`, { eval: true, execArgv: [], workerData: { fd, other: other.fd, word } });
	const buffer = Buffer.alloc(65536);
`;

it.each([
	['a get of another port', 'port.aio.read(fd, buffer, 0); other.getSync();'],
	['count()', 'port.aio.read(fd, buffer, 0); while (port.count() === 0);'],
	[
		'submit() itself',
		"port.aio.submit([{ operation: 'read', fd, buffer, position: 0 }]); Atomics.wait(word, 0, 0);",
	],
])('or with %s', async (_, calls) => {
	const { code, stderr } = await runProgram(
		`${peer(path.join(folder, 'pipe'))}${calls}process.exit();`,
	);
	expect(stderr).toBe('');
	expect(code).toBe(0);
});

it('none waits for the end of a turn in which its event is awaited by another thread', async () => {
	const { code, stderr } = await runProgram(
		`
		const port = new Port();
		const word = new Int32Array(new SharedArrayBuffer(4));
		new Worker(\`
			const { Port, pipe } = require('event-ports');
			const { workerData: { number, word } } = require('node:worker_threads');
			const port = Port.attach(number);
			const fd = require('node:fs').openSync(process.execPath);
			while (port.stats().waiters === 0);
			port.aio.read(pipe()[0], Buffer.alloc(1), 0);
			port.aio.read(fd, Buffer.alloc(1), 0);
			Atomics.wait(word, 0, 0);
		\`, { eval: true, execArgv: [], workerData: { number: port.fd, word } });
		port.getSync();
		process.exit();
		`,
	);
	expect(stderr).toBe('');
	expect(code).toBe(0);
});

it('nor for a nextTick that a test runner has put in place of the real one', async () => {
	const source = `
		const { Port, pipe } = require('event-ports');
		process.nextTick = () => {};
		const { promises } = new Port().aio;
		promises.read(pipe()[0], Buffer.alloc(1), 0);
		// By then a get waits.
		setImmediate(async () => {
			const fd = require('node:fs').openSync(process.execPath);
			console.log(await promises.read(fd, Buffer.alloc(1), 0));
			process.exit();
		});
	`;
	const { stdout } = await outcomeOf(spawn(process.execPath, ['-e', source]));
	expect(stdout).toBe('1\n');
});

it('and what io_uring refuses by then has its event', async () => {
	const { stdout } = await runProgram(`
		import fs from 'node:fs';
		const port = new Port();
		port.aio.read(evp.pipe()[0], Buffer.alloc(1), 0);
		setImmediate(() => {
			const rings = fs.readdirSync('/proc/self/fd').filter((number) => {
				try {
					return fs.readlinkSync('/proc/self/fd/' + number).includes('io_uring');
				} catch {
					return false; // that of the folder
				}
			});
			for (const number of rings) fs.closeSync(Number(number));
			port.aio.read(fs.openSync(process.execPath), Buffer.alloc(1), 0, 'refused');
		});
		const { user, error } = await port.get();
		console.log(user, error.code);
		process.exit();
	`);
	expect(stdout).toBe('refused EIO\n');
});
