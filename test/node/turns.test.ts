// Whoever takes events without a pause leaves the event loop its turns: timers, sockets, signals. What
// the kernel has is asked for on the spot only where that mostly finds something.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { closeFd, POLLIN, Port, type PortEvent, pipe, read, write } from 'event-ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const LONG_MS = 2; // what a port may answer on the spot is taken in less

let port: Port;
let turns = 0;
let counting = true;
beforeEach(() => {
	port = new Port({ limit: 100_000 });
	counting = true;
	const count = () => {
		turns++;
		if (counting) setImmediate(count);
	};
	setImmediate(count);
});
afterEach(() => {
	counting = false;
	port.close();
});

function send(count: number): void {
	for (let i = 1; i <= count; i++) port.send(i);
}

/** A program that has something to do with an event. */
function work(): void {
	for (const end = performance.now() + LONG_MS; performance.now() < end; );
}

async function single(handle: (event: PortEvent | null) => void, events: number): Promise<void> {
	for (let i = 0; i < events; i++) handle(await port.get());
}

async function iterated(handle: (event: PortEvent | null) => void, events: number): Promise<void> {
	let seen = 0;
	for await (const event of port) {
		handle(event);
		if (++seen === events) break;
	}
}

async function batched(handle: (event: PortEvent | null) => void, events: number): Promise<void> {
	let seen = 0;
	for await (const [event] of port.batches({ max: 1 })) {
		handle(event ?? null);
		if (++seen === events) break;
	}
}

async function wanted(handle: (event: PortEvent | null) => void, events: number): Promise<void> {
	for (let i = 0; i < events; i++) for (const event of await port.getn({ max: 1 })) handle(event);
}

describe('the event loop', () => {
	it.each([single, iterated, batched, wanted])(
		'has a turn before each of %o that takes long',
		async (take) => {
			const EVENTS = 20;
			send(EVENTS);
			const before = turns;
			await take(work, EVENTS);
			expect(turns - before).toBeGreaterThanOrEqual(EVENTS - 2);
		},
	);

	it('has turns among events that take no time, by their number', async () => {
		const EVENTS = 65_536;
		send(EVENTS);
		const before = turns;
		let seen = 0;
		for await (const events of port.batches({ max: 1024 })) {
			seen += events.length;
			if (seen === EVENTS) break;
		}
		expect(turns - before).toBeGreaterThanOrEqual(EVENTS / 4096 - 2);
	});

	it('has as many among those of many ports', async () => {
		const [PORTS, EVENTS, PART] = [32, 16_384, 4096 / 32];
		const before = turns;
		const drain = async () => {
			using one = new Port({ limit: EVENTS });
			for (let i = 1; i <= EVENTS; i++) one.send(i);
			let left = EVENTS;
			for await (const events of one.batches({ max: PART })) {
				left -= events.length;
				if (left === 0) break;
			}
		};
		await Promise.all(Array.from({ length: PORTS }, drain));
		// In the first two turns nobody knows how many they are.
		expect(turns - before).toBeGreaterThanOrEqual((EVENTS - 2 * 4096) / PART - 2);
	});
});

describe('the kernel', () => {
	const byte = Buffer.alloc(1);
	let waits = 0;
	const count = () => waits++;
	let reader: number;
	let writer: number;
	beforeEach(() => {
		[reader, writer] = pipe();
		waits = 0;
		subscribe('event-ports:wait:start', count);
	});
	afterEach(() => {
		unsubscribe('event-ports:wait:start', count);
		closeFd(reader);
		closeFd(writer);
	});

	async function ready(): Promise<void> {
		write(writer, byte);
		port.associate(reader, POLLIN);
		await port.get();
		read(reader, byte);
	}

	/** Ready only when somebody waits. */
	async function notYet(): Promise<void> {
		port.associate(reader, POLLIN);
		const got = port.get();
		write(writer, byte);
		await got;
		read(reader, byte);
	}

	it('answers on the spot where it has events', async () => {
		const TIMES = 100;
		for (let i = 0; i < TIMES; i++) await ready();
		expect(waits).toBeLessThan(TIMES / 2);
	});

	it('is asked once in a while only, where it mostly has none', async () => {
		const SETTLES = 40;
		const TIMES = 32;
		let waited = 0;
		for (let i = 0; i < TIMES; i++) {
			for (let j = 0; j < SETTLES; j++) await notYet();
			waits = 0;
			await ready();
			waited += waits;
		}
		expect(waited).toBeGreaterThan(TIMES / 2);
	});
});
