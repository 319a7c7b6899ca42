// Messages that carry bytes: what arrives is a copy of what went, however it is retrieved.

import { EventView, Port, UserEvent } from 'event-ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { message, startWorker } from './support.js';

let port: Port;
beforeEach(() => {
	port = new Port();
});
afterEach(() => port.close());

const pattern = (length: number) =>
	Buffer.from(Array.from({ length }, (_, i) => (i * 7 + length) % 256));

describe('post', () => {
	it.each([0, 1, 5, 1000, 4095, 4096])('carries %i bytes', (length) => {
		port.post(pattern(length), 3, 'mine');
		const event = port.getSync();
		expect(event).toEqual(new UserEvent(3, 'mine', pattern(length)));
		expect(port.stats()).toMatchObject({ slots: 0, queued: 0 });
	});

	it('takes any view of memory, and copies at once', () => {
		const words = Uint16Array.of(1, 2, 3).subarray(1);
		const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(9);
		port.post(words);
		port.post(new DataView(Uint8Array.of(7, 8, 9).buffer, 1, 1));
		port.post(shared);
		words.fill(0);
		shared.fill(0);
		const bytes = port
			.getnSync({ min: 3 })
			.map((event) => event.source === 'user' && [...(event.bytes ?? [])]);
		expect(bytes).toEqual([[2, 0, 3, 0], [8], [9, 9, 9]]);
	});

	it('refuses a view of memory that is gone', () => {
		const memory = new ArrayBuffer(8);
		const view = new DataView(memory);
		structuredClone(memory, { transfer: [memory] });
		expect(() => port.post(view)).toThrow(
			expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
		);
	});

	it('refuses what does not fit', () => {
		expect(() => port.post(new Uint8Array(4097))).toThrow(
			expect.objectContaining({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }),
		);
		expect(() => port.post('text' as never)).toThrow(
			expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }),
		);
		expect(() => port.post(Buffer.alloc(1), 0.5)).toThrow(
			expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
		);
		expect(port.count()).toBe(0);
	});

	it('fails at the limit, and changes nothing', () => {
		const small = new Port({ limit: 2 });
		small.post(Buffer.from('a'));
		small.post(Buffer.from('b'));
		expect(() => small.post(Buffer.from('c'))).toThrow(
			expect.objectContaining({ code: 'EAGAIN', syscall: 'port_post' }),
		);
		expect(small.getnSync({ min: 2 }).map((event) => 'bytes' in event && `${event.bytes}`)).toEqual(
			['a', 'b'],
		);
		small.post(Buffer.from('d'));
		expect(small.getSync()).toMatchObject({ bytes: Buffer.from('d') });
		small.close();
	});
});

describe('received bytes', () => {
	it('stay what they are when more are received', () => {
		port.post(Buffer.from('first'));
		const first = port.getSync();
		port.post(Buffer.from('other'));
		port.getSync();
		expect(first).toMatchObject({ bytes: Buffer.from('first') });
	});

	it('come in order among other messages, awaited, in batches of any size', async () => {
		const COUNT = 3000;
		for (let i = 0; i < COUNT; i++) {
			if (i % 3 === 0) port.send(i, i);
			else port.post(Buffer.from(String(i)), i, i);
		}
		const events = await port.getn({ min: COUNT, max: COUNT });
		const told = events.map(
			(event) => event.source === 'user' && [event.events, event.bytes && `${event.bytes}`],
		);
		expect(told).toEqual(
			Array.from({ length: COUNT }, (_, i) => [i, i % 3 === 0 ? undefined : String(i)]),
		);
	});

	it('come to a get that waits on the event loop', async () => {
		const wait = port.get();
		port.post(Buffer.from('later'), 5);
		expect(await wait).toEqual(new UserEvent(5, undefined, Buffer.from('later')));
	});

	it('are in a view', () => {
		const view = new EventView(4);
		port.post(Buffer.from('one'), 1);
		port.send(2);
		expect(port.take(view)).toBe(2);
		expect([view.source(0), view.source(1)]).toEqual([3, 3]);
		expect([view.bytes(0), view.bytes(1)]).toEqual([Buffer.from('one'), undefined]);
		port.send(3);
		port.take(view);
		expect(view.bytes(0)).toBeUndefined();
	});

	it('reach another thread', async () => {
		const worker = startWorker(
			`const port = Port.attach(workerData.fd);
			const { bytes } = port.getSync();
			port.post(bytes.reverse(), 2);
			parentPort.postMessage(0);`,
			{ workerData: { fd: port.fd } },
		);
		port.post(Buffer.from('abc'), 1);
		await message(worker);
		await worker.terminate();
		expect(port.getSync()).toMatchObject({ events: 2, bytes: Buffer.from('cba') });
	});
});
