import { closeSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
	accept,
	closeFd,
	connect,
	connectError,
	listen,
	localAddress,
	POLLIN,
	POLLOUT,
	Port,
	PortError,
	peerAddress,
	pipe,
	read,
	type SocketPlace,
	setNoDelay,
	shutdown,
	socketpair,
	write,
	writev,
} from 'event-ports';
import { afterEach, describe, expect, test } from 'vitest';
import { message, startWorker } from './support.js';

const open = new Set<number>();
const keep = (fd: number | null): number => {
	if (fd === null) throw new Error('nobody waits');
	open.add(fd);
	return fd;
};
const close = (fd: number) => {
	open.delete(fd);
	closeFd(fd);
};

afterEach(() => {
	for (const fd of open) close(fd);
});

const bytes = (text: string) => Buffer.from(text);
const failing = (call: () => unknown): PortError => {
	try {
		call();
	} catch (error) {
		if (error instanceof PortError) return error;
		throw error;
	}
	throw new Error('it did not fail');
};

function readText(fd: number): string | null {
	const buffer = Buffer.alloc(256);
	const count = read(fd, buffer);
	return count === null ? null : buffer.toString('utf8', 0, count);
}

function connected(): { listener: number; client: number; server: number } {
	const listener = keep(listen({ port: 0 }));
	const { port } = localAddress(listener) as { port: number };
	const client = keep(connect({ port }));
	return { listener, client, server: keep(accept(listener)) };
}

/** Flags of open(2) as the kernel has them. */
function flagsOf(fd: number): number {
	const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
	return Number.parseInt(/^flags:\s+(\d+)/m.exec(info)?.[1] ?? '', 8);
}

describe('stream sockets', () => {
	test('listen, connect, accept, both ways, and the end', () => {
		const { listener, client, server } = connected();
		expect(accept(listener)).toBeNull();
		expect(connectError(client)).toBeNull();
		expect(readText(server)).toBeNull();
		expect(write(client, bytes('question'))).toBe(8);
		expect(readText(server)).toBe('question');
		expect(write(server, bytes('the answer'), 4)).toBe(6);
		expect(write(server, bytes('!?'), 0, 1)).toBe(1);
		expect(readText(client)).toBe('answer!');
		shutdown(client);
		expect(readText(server)).toBe('');
		expect(write(server, bytes('still'))).toBe(5);
		expect(readText(client)).toBe('still');
	});

	test.each<[string, () => SocketPlace & { where?: string }]>([
		['IPv6', () => ({ host: '::1', port: 0 })],
		['an abstract name', () => ({ path: `\0event-ports-${process.pid}` })],
		['a path', () => ({ path: path.join(mkdtempSync(path.join(tmpdir(), 'evp-')), 's') })],
	])('at %s', (_name, make) => {
		const place = make();
		const listener = keep(listen(place));
		const here = localAddress(listener);
		const target = here.family === 'Unix' ? place : { host: here.address, port: here.port };
		const client = keep(connect(target));
		const server = keep(accept(listener));
		write(client, bytes('hello'));
		expect(readText(server)).toBe('hello');
		if (here.family === 'Unix') expect(here.path).toBe(place.path);
		else expect(peerAddress(client)).toEqual(here);
		if (place.path?.startsWith('/')) rmSync(path.dirname(place.path), { recursive: true });
	});

	test('peers know each other by address', () => {
		const { client, server } = connected();
		expect(peerAddress(server)).toEqual(localAddress(client));
		expect(peerAddress(client)).toMatchObject({ family: 'IPv4', address: '127.0.0.1' });
	});

	test('a buffer of more than 2 GiB is written from where it was asked for', () => {
		const [reader, writer] = pipe().map(keep) as [number, number];
		const vast = Buffer.alloc(2 ** 31 + 16);
		vast.write('here', 2 ** 31 + 4);
		expect(write(writer, vast, 2 ** 31 + 4, 4)).toBe(4);
		const into = Buffer.alloc(8);
		expect(into.toString('utf8', 0, read(reader, into) ?? 0)).toBe('here');
		expect(write(writer, vast)).toBeGreaterThan(0);
	});

	test('a write that only fits in part says so, then waits for POLLOUT', async () => {
		const [here, there] = socketpair().map(keep) as [number, number];
		const lots = Buffer.alloc(8 << 20, 7);
		const first = write(here, lots);
		expect(first).toBeGreaterThan(0);
		expect(first).toBeLessThan(lots.length);
		expect(write(here, lots)).toBeNull();
		using port = new Port();
		port.associate(here, POLLOUT);
		expect(port.getSync({ timeout: 0 })).toBeNull();
		while (read(there, lots) !== null);
		expect(port.getSync()).toMatchObject({ source: 'fd', fd: here, events: POLLOUT });
	});

	test('writev sends all parts in order, empty ones too', () => {
		const [here, there] = socketpair().map(keep) as [number, number];
		expect(writev(here, [bytes('a'), bytes(''), new Uint8Array([98, 99]).subarray(1)])).toBe(2);
		expect(readText(there)).toBe('ac');
		expect(writev(here, Array(100).fill(bytes('x')))).toBe(64);
		expect(readText(there)).toBe('x'.repeat(64));
		expect(writev(here, new Proxy([bytes('p'), bytes('q')], {}))).toBe(2);
		expect(readText(there)).toBe('pq');
		const [reader, writer] = pipe().map(keep) as [number, number];
		expect(writev(writer, [bytes('through '), bytes('a pipe')])).toBe(14);
		expect(readText(reader)).toBe('through a pipe');
	});

	test('descriptors are non-blocking and close-on-exec', () => {
		const { listener, client, server } = connected();
		const O_NONBLOCK = 0o4000;
		const O_CLOEXEC = 0o2000000;
		for (const fd of [listener, client, server, ...pipe().map(keep), ...socketpair().map(keep)]) {
			expect(flagsOf(fd) & (O_NONBLOCK | O_CLOEXEC)).toBe(O_NONBLOCK | O_CLOEXEC);
		}
	});
});

describe('failures', () => {
	test('are Errors of the system, named by their call', () => {
		const { listener, client, server } = connected();
		const { port } = localAddress(listener) as { port: number };
		expect(failing(() => listen({ port }))).toMatchObject({
			code: 'EADDRINUSE',
			syscall: 'listen',
			errno: -98,
		});
		expect(failing(() => listen({ host: 'localhost', port: 0 })).code).toBe('EINVAL');
		expect(failing(() => accept(client)).code).toBe('EINVAL');
		expect(failing(() => setNoDelay(socketpair().map(keep)[0] as number)).code).toBe('ENOTSUP');
		expect(failing(() => listen({ path: 'x'.repeat(108) })).code).toBe('ENAMETOOLONG');
		expect(failing(() => connect({ path: '/nowhere/at/all' })).code).toBe('ENOENT');
		close(client);
		expect(failing(() => read(client, Buffer.alloc(1))).code).toBe('EBADF');
		expect(failing(() => closeFd(client)).code).toBe('EBADF');
		write(server, bytes('to nobody'));
		expect(failing(() => write(server, bytes('again'))).code).toMatch(/^(EPIPE|ECONNRESET)$/);
	});

	test('a refused connection', async () => {
		const listener = listen({ port: 0 });
		const { port } = localAddress(listener) as { port: number };
		closeFd(listener);
		using events = new Port();
		// Over loopback the refusal may come before connect(2) has returned.
		let error: PortError | null;
		try {
			const fd = keep(connect({ port }));
			events.associate(fd, POLLOUT);
			await events.get();
			error = connectError(fd);
		} catch (early) {
			error = early as PortError;
		}
		expect(error).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
	});

	test('a pipe without readers is EPIPE, no signal', () => {
		const [reader, writer] = pipe().map(keep) as [number, number];
		close(reader);
		expect(failing(() => write(writer, bytes('x'))).code).toBe('EPIPE');
	});

	test('wrong arguments', () => {
		const type = expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' });
		const range = expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' });
		const wrong = (value: unknown) => value as never;
		expect(() => listen(wrong(undefined))).toThrow(type);
		expect(() => listen({ host: wrong(1), port: 1 })).toThrow(type);
		expect(() => listen({ port: 65_536 })).toThrow(range);
		expect(() => listen({ port: 0, backlog: 0 })).toThrow(range);
		expect(() => connect({ path: wrong(1) })).toThrow(type);
		const value = expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' });
		expect(() => listen({ host: '127.0.0.1\0', port: 0 })).toThrow(value);
		expect(() => connect({ path: '/tmp/a\0b' })).toThrow(value);
		expect(() => accept(-1)).toThrow(range);
		expect(() => read(0, wrong('text'))).toThrow(type);
		expect(() => write(1, wrong('text'))).toThrow(type);
		expect(() => write(1, wrong(undefined))).toThrow(type);
		expect(() => write(1, bytes('abc'), 4)).toThrow(range);
		expect(() => write(1, bytes('abc'), 1, 3)).toThrow(range);
		expect(() => writev(1, wrong(bytes('abc')))).toThrow(type);
		expect(() => shutdown(0, wrong('half'))).toThrow(/must be one of: read, write, both/);
		expect(() => shutdown(0, wrong(Object.create(null)))).toThrow(type);
		expect(() => closeFd(1.5)).toThrow(range);
	});
});

describe('with a port', () => {
	test('closeFd ends the associations first: no slot, no event, no mix-up', () => {
		const [here, there] = socketpair().map(keep) as [number, number];
		using port = new Port<string>();
		port.associate(here, POLLIN, 'old');
		expect(port.stats().slots).toBe(1);
		write(there, bytes('x'));
		close(here);
		expect(port.stats().slots).toBe(0);
		const [again, peer] = socketpair().map(keep) as [number, number];
		expect([again, peer]).toContain(here);
		write(peer, bytes('y'));
		expect(port.getSync({ timeout: 0 })).toBeNull();
		port.associate(again, POLLIN, 'new');
		expect(port.getSync()).toMatchObject({ fd: again, user: 'new' });
	});

	test("closeFd of a port's number closes the port: its waits end", async () => {
		const port = new Port();
		const number = port.fd;
		const waiting = [port.get(), port.getn({ min: 2 })].map((wait) => wait.catch((error) => error));
		closeFd(number);
		expect(port.closed).toBe(true);
		expect(() => Port.attach(number)).toThrow(PortError);
		for (const ended of waiting) expect(await ended).toMatchObject({ code: 'ERR_PORT_CLOSED' });
		port.close();
	});

	test("closeFd of another thread's port closes it there too", async () => {
		const worker = startWorker(`
			const port = new Port();
			parentPort.postMessage(port.fd);
			port.get().catch((error) => parentPort.postMessage([error.code, port.closed]));`);
		closeFd(await message<number>(worker));
		expect(await message(worker)).toEqual(['ERR_PORT_CLOSED', true]);
	});

	test('a port whose number was closed by others takes no other file with it', () => {
		const port = new Port();
		closeSync(port.fd);
		// The number goes to the lowest but one, or two, or as many as are free.
		let pair: number[];
		do pair = socketpair().map(keep);
		while (!pair.includes(port.fd));
		const [here, there] = pair as [number, number];
		port.close();
		write(there, bytes('x'));
		expect(read(here, Buffer.alloc(4))).toBe(1);
	});
});
