// Asynchronous I/O of a port. The file aio-threads.test.ts runs all of this on the other engine.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type AioEvent, type AioRequest, EventView, Port, PortError } from 'event-ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { message, outcomeOf, startProgram, startWorker } from './support.js';

const SIZE = 1 << 20;
let port: Port;
let folder: string;
let file: string;
let fd: number;
const pattern = Buffer.from(Array.from({ length: SIZE }, (_, i) => (i * 7 + (i >> 8)) & 0xff));

beforeEach(() => {
	port = new Port();
	folder = fs.mkdtempSync(path.join(os.tmpdir(), 'aio-'));
	file = path.join(folder, 'data');
	fs.writeFileSync(file, pattern);
	fd = fs.openSync(file, 'r+');
});
afterEach(() => {
	port.close();
	fs.closeSync(fd);
	fs.rmSync(folder, { recursive: true });
});

/** A pipe with both ends in one descriptor. */
function fifo(): number {
	const name = path.join(folder, 'fifo');
	execFileSync('mkfifo', [name]);
	return fs.openSync(name, 'r+');
}

const next = async () => (await port.get()) as AioEvent;

describe('requests', () => {
	it('run on the engine that was asked for', () => {
		const { engine, reason } = port.capabilities.aio;
		expect(engine).toBe(process.env['EVENT_PORTS_AIO'] === 'pool' ? 'threads' : 'io_uring');
		expect(reason).not.toBe('');
	});

	it('read and write where they are told to', async () => {
		const buffer = Buffer.alloc(4096);
		port.aio.read(fd, buffer, 8192, { page: 2 });
		expect(await next()).toMatchObject({
			source: 'aio',
			operation: 'read',
			bytes: 4096,
			error: null,
			user: { page: 2 },
		});
		expect(buffer.equals(pattern.subarray(8192, 12288))).toBe(true);
		port.aio.write(fd, Buffer.from('hello'), SIZE);
		expect(await next()).toMatchObject({ operation: 'write', bytes: 5 });
		port.aio.read(fd, buffer, SIZE);
		expect(await next()).toMatchObject({ bytes: 5 });
		expect(buffer.toString('latin1', 0, 5)).toBe('hello');
		port.aio.read(fd, buffer, SIZE + 5);
		expect(await next()).toMatchObject({ bytes: 0, error: null });
		expect(port.stats()).toMatchObject({ slots: 0, delivered: { aio: 4 } });
	});

	it('take what is written at once', async () => {
		const data = Buffer.alloc(65536, 1);
		port.aio.write(fd, data, 0);
		data.fill(2);
		await next();
		expect(
			fs
				.readFileSync(file)
				.subarray(0, 65536)
				.every((byte) => byte === 1),
		).toBe(true);
	});

	it('scatter and gather', async () => {
		const parts = [Buffer.alloc(3), new Uint32Array(2), Buffer.alloc(100)];
		port.aio.readv(fd, parts, 10);
		expect(await next()).toMatchObject({ bytes: 111 });
		const all = Buffer.concat(parts.map((p) => Buffer.from(p.buffer, p.byteOffset, p.byteLength)));
		expect(all.equals(pattern.subarray(10, 121))).toBe(true);
		port.aio.writev(fd, [Buffer.from('ab'), Buffer.alloc(0), Buffer.from('c')], 0);
		expect(await next()).toMatchObject({ bytes: 3 });
		expect(fs.readFileSync(file, 'latin1').slice(0, 3)).toBe('abc');
	});

	it('sync', async () => {
		port.aio.fsync(fd, 1);
		expect(await next()).toMatchObject({ operation: 'fsync', bytes: 0, error: null, user: 1 });
		port.aio.fdatasync(fd, 2);
		expect(await next()).toMatchObject({ operation: 'fdatasync', error: null, user: 2 });
	});

	it('reach positions beyond 32 bits', async () => {
		const far = 2 ** 40 + 3;
		fs.ftruncateSync(fd, 0);
		port.aio.write(fd, Buffer.from('far'), far);
		expect(await next()).toMatchObject({ bytes: 3 });
		expect(fs.fstatSync(fd).size).toBe(far + 3);
		port.aio.read(fd, Buffer.alloc(8), Number.MAX_SAFE_INTEGER);
		expect((await next()).bytes).toBe(0);
	});

	it('append with O_APPEND, whatever the position', async () => {
		const append = fs.openSync(file, 'a');
		port.aio.write(append, Buffer.from('end'), 0);
		expect(await next()).toMatchObject({ bytes: 3 });
		fs.closeSync(append);
		expect(fs.readFileSync(file).subarray(SIZE).toString()).toBe('end');
	});

	it('bypass the cache with O_DIRECT from any buffer', async () => {
		let direct: number;
		try {
			direct = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_DIRECT);
		} catch {
			return; // tmpfs
		}
		const odd = new Uint8Array(8192 + 1).subarray(1);
		port.aio.read(direct, odd, 4096);
		expect(await next()).toMatchObject({ bytes: 8192 });
		expect(Buffer.compare(odd, pattern.subarray(4096, 12288))).toBe(0);
		fs.closeSync(direct);
	});

	it('go into one call as a list, each with its own fate', async () => {
		const full = new Port<number>({ limit: 3 });
		const orders = Array.from({ length: 5 }, (_, i) => ({
			operation: 'read' as const,
			fd,
			buffer: Buffer.alloc(16),
			position: i * 16,
			user: i,
		}));
		const made = full.aio.submit(orders);
		expect(made.map((one) => one instanceof PortError && one.code)).toEqual([
			false,
			false,
			false,
			'EAGAIN',
			'EAGAIN',
		]);
		const events = await full.getn({ min: 3 });
		expect(events.map((event) => event.user).sort()).toEqual([0, 1, 2]);
		expect(orders[2]?.buffer.equals(pattern.subarray(32, 48))).toBe(true);
		full.close();
	});

	it('are seen through a view as well', async () => {
		const view = new EventView<string>();
		const buffer = Buffer.alloc(64);
		port.aio.read(fd, buffer, 0, 'seen');
		while (port.take(view as never) === 0) await new Promise(setImmediate);
		expect([view.source(0), view.events(0), view.user(0)]).toEqual([1, 64, 'seen']);
		expect(buffer.equals(pattern.subarray(0, 64))).toBe(true);
	});
});

describe('failures', () => {
	it('of length there are none: a buffer of more than one request moves is filled as far', async () => {
		const long = Buffer.alloc(0x7ffff000 + 4096);
		port.aio.read(fd, long, SIZE - 3, 'one');
		expect(await next()).toMatchObject({ bytes: 3, error: null, user: 'one' });
		port.aio.readv(fd, [Buffer.alloc(1), long], SIZE - 2);
		expect(await next()).toMatchObject({ bytes: 2, error: null });
		expect(long.subarray(0, 4)).toEqual(
			Buffer.from([...pattern.subarray(-1), ...pattern.subarray(-2), 0]),
		);
	});

	it.each(['toString', '__proto__', ['read'], ['connect']])('%j is no operation', (operation) => {
		const order = { operation: operation as 'read', fd, buffer: Buffer.alloc(1), position: 0 };
		expect(() => port.aio.submit([order])).toThrow(
			expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
		);
		expect(port.count()).toBe(0);
	});

	it('an operation that throws when it is printed is none either', () => {
		const operation = new Proxy(port, {}) as never;
		expect(() => port.aio.submit([{ operation, fd }])).toThrow(
			expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
		);
	});

	it('are the event of the request', async () => {
		port.aio.read(fs.openSync(folder, 'r'), Buffer.alloc(8), 0);
		expect((await next()).error).toMatchObject({ code: 'EISDIR', syscall: 'aio_read' });
		const readOnly = fs.openSync(file, 'r');
		port.aio.write(readOnly, Buffer.alloc(8), 0);
		expect((await next()).error).toMatchObject({ code: 'EBADF', syscall: 'aio_write' });
		fs.closeSync(readOnly);
		const full = fs.openSync('/dev/full', 'w');
		port.aio.write(full, Buffer.alloc(8), 0);
		expect((await next()).error).toMatchObject({ code: 'ENOSPC' });
		fs.closeSync(full);
	});

	it('of a descriptor that is closed are EBADF', async () => {
		const closed = 999_999; // one that was open just now may be the port's own by then
		for (const operation of ['read', 'write'] as const) {
			port.aio[operation](closed, Buffer.alloc(8), 0);
			expect((await next()).error).toMatchObject({ code: 'EBADF', syscall: `aio_${operation}` });
		}
		for (const operation of ['fsync', 'fdatasync'] as const) {
			port.aio[operation](closed);
			expect((await next()).error).toMatchObject({ code: 'EBADF', syscall: `aio_${operation}` });
		}
	});

	it('are none for no bytes, nor for more than the file has', async () => {
		port.aio.read(fd, new Uint8Array(0), 0);
		expect(await next()).toMatchObject({ bytes: 0, error: null });
		port.aio.writev(fd, [], SIZE);
		expect(await next()).toMatchObject({ bytes: 0, error: null });
		expect(fs.fstatSync(fd).size).toBe(SIZE);
		const large = Buffer.alloc(2 * SIZE, 1);
		port.aio.read(fd, large, 0);
		expect(await next()).toMatchObject({ bytes: SIZE, error: null });
		expect(large.subarray(0, SIZE).equals(pattern)).toBe(true);
		expect(large.subarray(SIZE).every((byte) => byte === 1)).toBe(true);
	});

	it('in place of a list are none', () => {
		const type = expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' });
		const giving = (iterator: unknown) => ({ [Symbol.iterator]: () => iterator }) as never;
		for (const iterator of [5, {}, { next: () => 5 }]) {
			expect(() => port.aio.submit(giving(iterator))).toThrow(type);
		}
	});

	it('in a list of orders submit nothing', () => {
		const order = { operation: 'read' as const, fd, buffer: Buffer.alloc(8), position: 0 };
		for (const wrong of [
			{ ...order, operation: 'rewind' },
			{ ...order, operation: 'toString' },
			{ ...order, position: -1 },
			{ ...order, fd: 1.5 },
			{ ...order, buffer: [Buffer.alloc(1), 'text'] },
		]) {
			expect(() => port.aio.submit([order, wrong as never])).toThrow();
		}
		expect(port.stats().slots).toBe(0);
	});

	it('are none with 64 KiB of memory that may be locked', async () => {
		const program = `
			import { openSync } from 'node:fs';
			import { Port } from 'event-ports';
			const port = new Port();
			const fd = openSync(process.execPath, 'r');
			const orders = Array.from({ length: 1000 }, (_, i) => (
				{ operation: 'read', fd, buffer: Buffer.alloc(4096), position: i * 4096 }));
			port.aio.submit(orders);
			let bytes = 0;
			for (let n = 0; n < 1000; n++) bytes += (await port.get()).bytes;
			console.log(bytes);
		`;
		const script = `ulimit -l 64; exec "$0" --input-type=module -e "$1"`;
		const said = execFileSync('sh', ['-ec', script, process.execPath, program], {
			encoding: 'utf8',
		});
		expect(said).toBe('4096000\n');
	});

	it('throw where there can be no request', () => {
		const buffer = Buffer.alloc(8);
		expect(() => port.aio.read(-1, buffer, 0)).toThrow(RangeError);
		expect(() => port.aio.read(fd, buffer, -1)).toThrow(RangeError);
		expect(() => port.aio.read(fd, buffer, 2 ** 53)).toThrow(RangeError);
		expect(() => port.aio.read(fd, 'text' as never, 0)).toThrow(TypeError);
		const type = expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' });
		expect(() => port.aio.read(fd, undefined as never, 0)).toThrow(type);
		expect(() => port.aio.write(fd, [buffer] as never, 0)).toThrow(type);
		expect(() => port.aio.recv(fd, undefined as never)).toThrow(type);
		expect(() => port.aio.submit(undefined as never)).toThrow(type);
		expect(() => port.aio.submit([undefined as never])).toThrow(type);
		const bare = { operation: 'read', fd, position: 0 } as never;
		expect(() => port.aio.submit([bare])).toThrow(type);
		expect(() => port.aio.read(fd, new DataView(new ArrayBuffer(8)) as never, 0)).toThrow(
			TypeError,
		);
		expect(port.stats().slots).toBe(0);
		port.close();
		expect(() => port.aio).toThrow(expect.objectContaining({ code: 'ERR_PORT_CLOSED' }));
	});
});

it('a port that its orders close while they are read takes none, nor does another', () => {
	const own = new Port();
	let other: Port | undefined;
	const order = {
		operation: 'fsync' as const,
		fd,
		get user() {
			own.close();
			other = new Port(); // has its place
			return { a: 'value' };
		},
	};
	expect(() => own.aio.submit([order])).toThrow(
		expect.objectContaining({ code: 'ERR_PORT_CLOSED' }),
	);
	expect(other?.stats().slots).toBe(0);
	other?.close();
});

describe('cancelling', () => {
	it('ends a request that waits, with its event', async () => {
		const pipe = fifo();
		const request = port.aio.read(pipe, Buffer.alloc(8), 0);
		expect(request.cancel()).toBe('canceled');
		expect((await next()).error).toMatchObject({ code: 'ECANCELED' });
		expect(request.cancel()).toBe('done');
		fs.closeSync(pipe);
	});

	it('knows a request that was done a million requests ago', () => {
		const buffer = Buffer.alloc(1);
		const request = port.aio.read(fd, buffer, 0);
		port.getSync();
		for (let i = 1; i < 2 ** 20; i++) {
			// each in the place of the one before
			port.aio.read(fd, buffer, 0);
			port.getSync();
		}
		const pipe = fifo();
		port.aio.read(pipe, buffer, 0, 'another');
		expect(request.cancel()).toBe('done');
		fs.writeSync(pipe, 'x');
		expect(port.getSync()).toMatchObject({ user: 'another', bytes: 1, error: null });
		fs.closeSync(pipe);
	});

	it('leaves every byte right and every request one event', async () => {
		const COUNT = 2048;
		const DEPTH = 64;
		const written: boolean[] = [];
		const seen = new Set<number>();
		let made = 0;
		const more = () => {
			const block = made++;
			const request: AioRequest = port.aio.write(
				fd,
				Buffer.alloc(512, block % 251),
				block * 512,
				block,
			);
			if (block % 3 === 0) request.cancel();
		};
		while (made < DEPTH) more();
		while (seen.size < COUNT) {
			for (const event of (await port.getn()) as AioEvent<number>[]) {
				expect(seen.has(event.user)).toBe(false);
				seen.add(event.user);
				if (event.error === null) expect(event.bytes).toBe(512);
				else expect(event.error.code).toBe('ECANCELED');
				written[event.user] = event.error === null;
				if (made < COUNT) more();
			}
		}
		expect(port.stats().slots).toBe(0);
		const data = fs.readFileSync(file);
		for (let block = 0; block < COUNT; block++) {
			const want = written[block]
				? Buffer.alloc(512, block % 251)
				: pattern.subarray(block * 512, block * 512 + 512);
			expect(data.subarray(block * 512, block * 512 + 512).equals(want)).toBe(true);
		}
	});
});

describe('a buffer', () => {
	it('that a later order of the list detaches or shrinks is written as it is then', async () => {
		await port.aio.promises.read(fd, Buffer.alloc(64), 1); // leaves its bytes in the addon's memory
		const gone = new Uint8Array(8).fill(65);
		const Resizable = ArrayBuffer as unknown as new (
			length: number,
			options: object,
		) => ArrayBuffer;
		const memory = new Resizable(8, { maxByteLength: 8 });
		const shrunk = new Uint8Array(memory).fill(66);
		port.aio.submit([
			{ operation: 'write', fd, buffer: gone, position: 0, user: 'gone' },
			{ operation: 'write', fd, buffer: [shrunk], position: 8, user: 'shrunk' },
			{
				operation: 'fdatasync',
				get fd() {
					structuredClone(gone.buffer, { transfer: [gone.buffer] });
					(memory as unknown as { resize(length: number): void }).resize(2);
					return fd;
				},
			},
		]);
		const events = port.getnSync({ min: 3 }) as AioEvent[];
		const written = new Map(events.map((event) => [event.user, event.bytes]));
		expect([written.get('gone'), written.get('shrunk')]).toEqual([0, 2]);
		const expected = Buffer.from(pattern.subarray(0, 16));
		expected.fill(66, 8, 10);
		expect(fs.readFileSync(file).subarray(0, 16)).toEqual(expected);
	});

	it('has the length that it has, whatever a subclass tells', async () => {
		class Longer extends Uint8Array {
			override get byteLength(): number {
				return 64;
			}
		}
		expect(await port.aio.promises.write(fd, new Longer(4), 0)).toBe(4);
		class Elsewhere extends Uint16Array {
			override get byteLength(): number {
				return 0;
			}
			override get byteOffset(): number {
				return 1;
			}
		}
		await port.aio.promises.read(fd, Buffer.alloc(64), 64); // leaves its bytes in the addon's memory
		expect(await port.aio.promises.write(fd, new Elsewhere(4).fill(0x4141), 0)).toBe(8);
		expect(fs.readFileSync(file, 'latin1').slice(0, 8)).toBe('AAAAAAAA');
		const [one, two] = [new Elsewhere(2), new Elsewhere(2)];
		expect(await port.aio.promises.read(fd, one, 0)).toBe(4);
		expect(await port.aio.promises.readv(fd, [two, one.fill(0)], 0)).toBe(8);
		expect([...one, ...two]).toEqual(Array(4).fill(0x4141));
	});

	it('of a vector has that, too, when it is filled', async () => {
		class Shorter extends Uint16Array {
			override get byteLength(): number {
				return 0;
			}
		}
		const parts = [new Shorter(2), new Shorter(2)];
		port.aio.readv(fd, parts, 0);
		expect(await next()).toMatchObject({ bytes: 8, error: null });
		expect(Buffer.concat(parts.map(({ buffer }) => Buffer.from(buffer)))).toEqual(
			pattern.subarray(0, 8),
		);
	});

	// Those of this Node: Float16Array came with 24.
	const kinds = Object.getOwnPropertyNames(globalThis).filter((name) =>
		/^(Big)?(Int|Uint|Float)\d+(Clamped)?Array$/.test(name),
	);
	it.each(kinds)('may be a %s', async (name) => {
		const Kind = (globalThis as never)[name] as Uint8ArrayConstructor;
		const given = new Kind(pattern.buffer.slice(0, 64), 8, 4);
		const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
		const taken = new Kind(4);
		const inside = () => Buffer.from(taken.buffer);
		port.aio.write(fd, given, 100);
		expect(await next()).toMatchObject({ bytes: bytes.length });
		expect(fs.readFileSync(file).subarray(100, 100 + bytes.length)).toEqual(bytes);
		port.aio.read(fd, taken, 100);
		expect(await next()).toMatchObject({ bytes: bytes.length, error: null });
		expect(inside()).toEqual(bytes);
		port.aio.writev(fd, [given, given], 300);
		expect(await next()).toMatchObject({ bytes: 2 * bytes.length });
		port.aio.readv(fd, [new Uint8Array(bytes.length), taken], 300);
		inside().fill(0);
		expect(await next()).toMatchObject({ bytes: 2 * bytes.length, error: null });
		expect(inside()).toEqual(bytes);
	});

	it('that was detached is not written to', async () => {
		const buffer = new Uint8Array(4096);
		port.aio.read(fd, buffer, 0);
		const moved = structuredClone(buffer, { transfer: [buffer.buffer] });
		expect((await next()).error).toMatchObject({ code: 'EFAULT' });
		expect(moved.every((byte) => byte === 0)).toBe(true);
	});

	it('that has shrunk gets what it has room for, and an error', async () => {
		const Resizable = ArrayBuffer as new (size: number, options: object) => ArrayBuffer;
		const memory = new Resizable(64, { maxByteLength: 64 });
		port.aio.read(fd, new Uint8Array(memory), 0);
		(memory as unknown as { resize(size: number): void }).resize(16);
		expect((await next()).error).toMatchObject({ code: 'EFAULT' });
	});
});

describe('promises', () => {
	it('resolve to the number of bytes', async () => {
		const { promises } = port.aio;
		const buffers = Array.from({ length: 100 }, () => Buffer.alloc(1000));
		const reads = buffers.map((buffer, i) => promises.read(fd, buffer, i * 1000));
		expect(await Promise.all(reads)).toEqual(Array(100).fill(1000));
		expect(Buffer.concat(buffers).equals(pattern.subarray(0, 100_000))).toBe(true);
		expect(await promises.write(fd, Buffer.from('x'), 0)).toBe(1);
		expect(await promises.fsync(fd)).toBeUndefined();
		await expect(promises.write(fs.openSync(file, 'r'), Buffer.alloc(1), 0)).rejects.toMatchObject({
			code: 'EBADF',
		});
	});

	it('reject on a port that was closed before the first of them', async () => {
		const { promises } = port.aio;
		port.close();
		await expect(promises.read(fd, Buffer.alloc(1), 0)).rejects.toMatchObject({
			code: 'ERR_PORT_CLOSED',
		});
	});

	it('reject when the port is closed', async () => {
		const pipe = fifo();
		const promise = port.aio.promises.read(pipe, Buffer.alloc(8), 0);
		port.close();
		await expect(promise).rejects.toMatchObject({ code: 'ERR_PORT_CLOSED' });
		fs.writeSync(pipe, 'x');
		fs.closeSync(pipe);
	});
});

const THOUSAND = `
	const port = new Port();
	const { execFileSync } = await import('node:child_process');
	const { mkdtempSync, openSync, rmSync } = await import('node:fs');
	const folder = mkdtempSync('/tmp/aio-');
	execFileSync('mkfifo', [folder + '/fifo']);
	const pipe = openSync(folder + '/fifo', 'r+');
	rmSync(folder, { recursive: true });
	for (let i = 0; i < 1000; i++) port.aio.read(pipe, Buffer.alloc(4096), 0, {});
`;

describe('a thousand requests in flight', () => {
	it('end with their worker', async () => {
		const worker = startWorker(
			`${THOUSAND} parentPort.postMessage(port.stats().slots); await port.get();`,
		);
		expect(await message(worker)).toBe(1000);
		await worker.terminate();
		port.aio.read(fd, Buffer.alloc(8), 0);
		expect((await next()).bytes).toBe(8);
	});

	it('do not hold up the process', async () => {
		const child = startProgram(`${THOUSAND} process.exit(7);`);
		expect(await outcomeOf(child)).toMatchObject({ code: 7 });
	});

	it('end with their port', async () => {
		const pipe = fifo();
		const other = new Port();
		for (let i = 0; i < 1000; i++) other.aio.read(pipe, Buffer.alloc(16), 0, {});
		other.close();
		fs.writeSync(pipe, Buffer.alloc(16_000));
		port.aio.read(fd, Buffer.alloc(8), 0);
		expect((await next()).bytes).toBe(8);
		fs.closeSync(pipe);
	});
});
