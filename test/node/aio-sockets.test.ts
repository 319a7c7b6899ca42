// Sockets on completions: accept, connect, recv and send of port.aio. aio-threads.test.ts runs all
// of this on the other engine.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
	type AioEvent,
	accept,
	closeFd,
	listen,
	localAddress,
	POLLIN,
	Port,
	PortError,
	peerAddress,
	read,
	shutdown,
	socketpair,
	write,
} from 'event-ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { message, startWorker } from './support.js';

let port: Port;
beforeEach(() => {
	port = new Port();
});
afterEach(() => port.close());

const next = async () => (await port.get()) as AioEvent;
const opened = () => fs.readdirSync('/proc/self/fd').length;

/** A listener on a free port of the loopback. */
function listening(): { listener: number; place: { port: number } } {
	const listener = listen({ port: 0 });
	return { listener, place: { port: (localAddress(listener) as { port: number }).port } };
}

/** Waits until a socket has something to be read, by the readiness of another port. */
async function readable(fd: number): Promise<void> {
	using other = new Port();
	other.associate(fd, POLLIN);
	await other.get();
}

describe('accept and connect', () => {
	it('bring a socket each, and bytes go through', async () => {
		const { listener, place } = listening();
		port.aio.accept(listener, 'server');
		port.aio.connect(place, 'client');
		const fds = new Map<unknown, number>();
		for (let i = 0; i < 2; i++) {
			const event = await next();
			expect(event).toMatchObject({ bytes: 0, error: null, events: 0 });
			expect(event.operation).toBe(event.user === 'server' ? 'accept' : 'connect');
			fds.set(event.user, event.fd as number);
		}
		const server = fds.get('server') as number;
		const client = fds.get('client') as number;
		expect(localAddress(server)).toEqual(peerAddress(client));
		const buffer = Buffer.alloc(16);
		port.aio.recv(server, buffer, 1);
		port.aio.send(client, Buffer.from('hello'), 2);
		const events = [await next(), await next()].sort((a, b) => Number(a.user) - Number(b.user));
		expect(events).toMatchObject([
			{ operation: 'recv', bytes: 5, fd: null, error: null },
			{ operation: 'send', bytes: 5, fd: null, error: null },
		]);
		expect(buffer.toString('latin1', 0, 5)).toBe('hello');
		for (const fd of [server, client, listener]) closeFd(fd);
	});

	it('fail as an event, and leave no descriptor', async () => {
		const { listener, place } = listening();
		closeFd(listener);
		// What a wait and a first request need is there from then on.
		const waiting = next();
		port.aio.connect(place);
		await waiting;
		const before = opened();
		port.aio.connect(place);
		expect((await next()).error).toMatchObject({ code: 'ECONNREFUSED', syscall: 'aio_connect' });
		port.aio.connect({ path: path.join(os.tmpdir(), 'nobody-is-here') });
		expect(await next()).toMatchObject({ fd: null, error: { code: 'ENOENT' } });
		const [a, b] = socketpair();
		port.aio.accept(a);
		expect((await next()).error).toMatchObject({ code: 'EINVAL', syscall: 'aio_accept' });
		for (const fd of [a, b]) closeFd(fd);
		expect(opened()).toBe(before);
	});

	it('refuse what is no place', () => {
		expect(() => port.aio.connect({ port: 70_000 })).toThrow(RangeError);
		expect(() => port.aio.connect({ host: 'localhost', port: 1 })).toThrow(
			expect.objectContaining({ code: 'EINVAL' }),
		);
		expect(() => port.aio.connect(undefined as never)).toThrow(TypeError);
		expect(port.stats().slots).toBe(0);
	});

	it('end with their port, and take nobody with them', async () => {
		const { listener, place } = listening();
		const other = new Port();
		for (let i = 0; i < 8; i++) other.aio.accept(listener);
		other.close();
		const client = await port.aio.promises.connect(place);
		await readable(listener);
		const server = accept(listener) as number;
		expect(peerAddress(server)).toEqual(localAddress(client));
		for (const fd of [server, client, listener]) closeFd(fd);
	});

	it('that were not retrieved are closed with their port', async () => {
		const { listener, place } = listening();
		const other = new Port();
		other.aio.accept(listener);
		const client = await port.aio.promises.connect(place);
		while (other.count() === 0) await new Promise(setImmediate); // asks the engine, too
		other.close();
		// The end is read: nobody holds the other side any more.
		expect(await port.aio.promises.recv(client, Buffer.alloc(1))).toBe(0);
		for (const fd of [client, listener]) closeFd(fd);
	});
});

describe('recv and send', () => {
	let here: number;
	let there: number;
	beforeEach(() => {
		[here, there] = socketpair();
	});
	afterEach(() => {
		for (const fd of [here, there]) closeFd(fd);
	});

	it('wait for the peer, though the socket does not block', async () => {
		const buffer = Buffer.alloc(8);
		port.aio.recv(here, buffer);
		expect(await port.get({ timeout: 0 })).toBeNull();
		write(there, Buffer.from('late'));
		expect(await next()).toMatchObject({ bytes: 4 });
		expect(buffer.toString('latin1', 0, 4)).toBe('late');
	});

	it('send what fits once something does', async () => {
		const chunk = Buffer.alloc(65_536, 7);
		let sent = 0;
		for (let count = write(here, chunk); count !== null; count = write(here, chunk)) sent += count;
		port.aio.send(here, Buffer.alloc(100, 8));
		const into = Buffer.alloc(1 << 20);
		let received = 0;
		let event: AioEvent | null = null;
		while (event === null || received < sent + event.bytes) {
			received += read(there, into) ?? 0;
			event ??= (await port.get({ timeout: 1 })) as AioEvent | null;
		}
		expect(event).toMatchObject({ operation: 'send', error: null, bytes: 100 });
	});

	it('tell of the end and of a closed peer', async () => {
		shutdown(there);
		port.aio.recv(here, Buffer.alloc(8));
		expect(await next()).toMatchObject({ bytes: 0, error: null });
		shutdown(here);
		port.aio.send(here, Buffer.from('x'));
		expect((await next()).error).toMatchObject({ code: 'EPIPE', syscall: 'aio_send' });
	});

	it('of what is not connected fail at once', async () => {
		const { listener } = listening();
		port.aio.send(listener, Buffer.alloc(8));
		expect((await next()).error).toMatchObject({ code: 'EPIPE' });
		port.aio.recv(listener, Buffer.alloc(8));
		expect((await next()).error).toMatchObject({ code: 'ENOTCONN' });
		closeFd(listener);
	});

	it('are not for files', async () => {
		const file = fs.openSync('/proc/self/exe', 'r');
		port.aio.recv(file, Buffer.alloc(8));
		expect((await next()).error).toMatchObject({ code: 'ENOTSOCK' });
		const [reader, writer] = [fs.openSync('/dev/zero', 'r'), fs.openSync('/dev/null', 'w')];
		port.aio.send(writer, Buffer.alloc(8));
		expect((await next()).error).toMatchObject({ code: 'ENOTSOCK' });
		for (const fd of [file, reader, writer]) fs.closeSync(fd);
	});

	it('gather and scatter in a list', async () => {
		const parts = [Buffer.alloc(2), Buffer.alloc(100)];
		const made = port.aio.submit([
			{ operation: 'recv', fd: here, buffer: parts, user: 'recv' },
			{
				operation: 'send',
				fd: there,
				buffer: [Buffer.from('ab'), Buffer.from('cde')],
				user: 'send',
			},
		]);
		expect(made.some((one) => one instanceof PortError)).toBe(false);
		for (let i = 0; i < 2; i++) expect((await next()).bytes).toBe(5);
		expect(Buffer.concat(parts).toString('latin1', 0, 5)).toBe('abcde');
	});

	it('are cancelled', async () => {
		const request = port.aio.recv(here, Buffer.alloc(8));
		expect(request.cancel()).toBe('canceled');
		expect((await next()).error).toMatchObject({ code: 'ECANCELED', syscall: 'aio_recv' });
		write(there, Buffer.from('x'));
		await readable(here); // what came afterwards is still there
	});

	it('are cancelled by closing their descriptor, for its successor loses nothing', async () => {
		const [a, b] = socketpair();
		for (let i = 0; i < 10; i++) port.aio.recv(a, Buffer.alloc(8), i);
		closeFd(a);
		const [c, d] = socketpair();
		expect(c).toBe(a);
		write(d, Buffer.from('for the new one'));
		for (let i = 0; i < 10; i++) expect((await next()).error).toMatchObject({ code: 'ECANCELED' });
		expect(read(c, Buffer.alloc(64))).toBe(15);
		for (const fd of [b, c, d]) closeFd(fd);
	});

	it('take nothing for a port that is closed', async () => {
		const other = new Port();
		other.aio.recv(here, Buffer.alloc(8));
		other.close();
		write(there, Buffer.from('kept'));
		expect(await port.aio.promises.recv(here, Buffer.alloc(8))).toBe(4);
	});

	it('take nothing for a thread that has ended', async () => {
		const worker = startWorker(`
			const port = new Port();
			for (let i = 0; i < 100; i++) port.aio.recv(${here}, Buffer.alloc(8));
			parentPort.postMessage(port.stats().slots);
			await port.get();
		`);
		expect(await message(worker)).toBe(100);
		await worker.terminate();
		write(there, Buffer.from('kept'));
		expect(await port.aio.promises.recv(here, Buffer.alloc(8))).toBe(4);
	});

	it('whose buffer was detached write to nobody', async () => {
		const buffer = new Uint8Array(8);
		port.aio.recv(here, buffer);
		const moved = structuredClone(buffer, { transfer: [buffer.buffer] });
		write(there, Buffer.from('x'));
		expect((await next()).error).toMatchObject({ code: 'EFAULT', syscall: 'aio_recv' });
		expect(moved[0]).toBe(0);
	});

	it('keep what was copied when the orders change the port', () => {
		const orders = function* () {
			yield { operation: 'send' as const, fd: there, buffer: Buffer.from('outer') };
			port.aio.send(there, Buffer.from('inner'));
			yield { operation: 'send' as const, fd: there, buffer: new Uint8Array(0) };
			throw new Error('of the program');
		};
		expect(() => port.aio.submit(orders())).toThrow('of the program');
		const into = Buffer.alloc(64);
		expect(into.toString('latin1', 0, read(here, into) ?? 0)).toBe('inner');
	});
});

it('a hundred connections echo through completions alone', async () => {
	const { listener, place } = listening();
	const COUNT = 100;
	const { promises } = port.aio;
	const serve = async () => {
		const fd = await promises.accept(listener);
		const buffer = Buffer.alloc(4096);
		for (let n = await promises.recv(fd, buffer); n > 0; n = await promises.recv(fd, buffer)) {
			let at = 0;
			while (at < n) at += await promises.send(fd, buffer.subarray(at, n));
		}
		closeFd(fd);
	};
	const ask = async (i: number) => {
		const fd = await promises.connect(place);
		const sent = Buffer.alloc(10_000, i);
		const got: Buffer[] = [];
		const sending = (async () => {
			for (let at = 0; at < sent.length; ) at += await promises.send(fd, sent.subarray(at));
			shutdown(fd);
		})();
		const buffer = Buffer.alloc(3000);
		for (let n = await promises.recv(fd, buffer); n > 0; n = await promises.recv(fd, buffer)) {
			got.push(Buffer.from(buffer.subarray(0, n)));
		}
		await sending;
		closeFd(fd);
		expect(Buffer.concat(got).equals(sent)).toBe(true);
	};
	await Promise.all([serve(), ask(0)]); // makes the promises' port
	const before = opened();
	await Promise.all(Array.from({ length: COUNT }, (_, i) => [serve(), ask(i)]).flat());
	expect(opened()).toBe(before);
	closeFd(listener);
});
