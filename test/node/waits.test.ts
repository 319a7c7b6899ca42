// Gets that wait on the event loop: order, ends, iteration, what keeps the process alive.

import { AsyncLocalStorage } from 'node:async_hooks';
import { writeSync } from 'node:fs';
import {
	AlertEvent,
	closeFd,
	FdEvent,
	POLLIN,
	Port,
	type PortEvent,
	pipe,
	UserEvent,
} from 'event-ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram, turn, until } from './support.js';

const closed = expect.objectContaining({ code: 'ERR_PORT_CLOSED' });

let port: Port;
beforeEach(() => {
	port = new Port();
});
afterEach(() => port.close());

/** The number of each event, as a get delivers it. */
const numbers = (events: PortEvent[]) => events.map((event) => event.events);

describe('get', () => {
	it('resolves with what is there', async () => {
		port.send(1, 'there');
		expect(await port.get()).toEqual(new UserEvent(1, 'there'));
	});

	it('times out by the real clock, whatever a test runner puts in its place', async () => {
		const outcome = await runProgram(`
			globalThis.setTimeout = globalThis.clearTimeout = () => 1;
			performance.now = process.hrtime.bigint = () => 0;
			console.log(await new Port().get({ timeout: 1 }));
		`);
		expect(outcome).toMatchObject({ code: 0, stdout: 'null\n', stderr: '' });
	});

	it('waits for a message, a descriptor and an alert', async () => {
		setImmediate(() => port.send(1, 'later'));
		expect(await port.get()).toEqual(new UserEvent(1, 'later'));

		const [reader, writer] = pipe();
		port.associate(reader, POLLIN, 'pipe');
		setImmediate(() => writeSync(writer, 'x'));
		expect(await port.get()).toEqual(new FdEvent(reader, POLLIN, 'pipe'));
		closeFd(reader);
		closeFd(writer);

		setImmediate(() => port.alert(3, { all: true }));
		expect(await port.get()).toEqual(new AlertEvent(3, { all: true }));
	});

	it('gives null when its time has passed', async () => {
		const start = process.hrtime.bigint();
		expect(await port.get({ timeout: 2.5 })).toBeNull();
		expect(process.hrtime.bigint() - start).toBeGreaterThanOrEqual(2_500_000n);
		expect(await port.get({ timeout: 0 })).toBeNull();
		expect(port.stats().waiters).toBe(0);
	});

	it('gives a short batch when its time has passed', async () => {
		port.send(1);
		const events = port.getn({ min: 3, max: 5, timeout: 20 });
		await turn();
		port.send(2);
		expect(numbers(await events)).toEqual([1, 2]);
		expect(await port.getn({ min: 2, timeout: 0 })).toEqual([]);
	});

	it('takes a batch as soon as it is whole', async () => {
		const events = port.getn({ min: 3, max: 4 });
		for (let i = 0; i < 6; i++) port.send(i);
		expect(numbers(await events)).toEqual([0, 1, 2, 3]);
		expect(port.count()).toBe(2);
	});

	it('collects more descriptors than the kernel reports at once', async () => {
		const pipes = Array.from({ length: 600 }, () => pipe());
		for (const [reader] of pipes) port.associate(reader, POLLIN);
		const events = port.getn({ min: 600, max: 600 });
		await turn();
		for (const [, writer] of pipes) writeSync(writer, 'x');
		expect(new Set((await events).map((e) => (e as FdEvent).fd)).size).toBe(600);
		for (const fd of pipes.flat()) closeFd(fd);
	});

	it('serves the fewest wanted first, the newest first among equals', async () => {
		const order: string[] = [];
		const note = (name: string) => (events: PortEvent[]) => order.push(`${name}${events.length}`);
		const waits = [
			port.getn({ min: 2, max: 2 }).then(note('older-two:')),
			port.getn({ min: 1, max: 1 }).then(note('older-one:')),
			port.getn({ min: 2, max: 2 }).then(note('newer-two:')),
			port.getn({ min: 1, max: 1 }).then(note('newer-one:')),
		];
		expect(port.stats().waiters).toBe(1);
		for (let i = 0; i < 6; i++) port.send(i);
		await Promise.all(waits);
		expect(order).toEqual(['newer-one:1', 'older-one:1', 'newer-two:2', 'older-two:2']);
		expect(port.stats().waiters).toBe(0);
	});

	it('gets its copy of an alert that was cleared at once', async () => {
		const waiting = [port.get(), port.getn({ min: 9, max: 9 })];
		port.alert(1, { first: true });
		port.alert(2, { second: true });
		port.clearAlert();
		const late = port.get();
		expect(await Promise.all(waiting)).toEqual([
			new AlertEvent(1, { first: true }),
			[new AlertEvent(1, { first: true })],
		]);
		port.send(5);
		expect(await late).toEqual(new UserEvent(5, undefined));
	});

	it('gets an alert that was cleared at once before what was sent', async () => {
		const waiting = port.get();
		port.send(5);
		port.alert(1);
		port.clearAlert();
		expect(await waiting).toEqual(new AlertEvent(1, undefined));
		expect(await port.get()).toEqual(new UserEvent(5, undefined));
	});

	it('whose time passed meanwhile gets the alert that came in time', async () => {
		for (const beside of [0, 1]) {
			await new Promise(setImmediate); // from here to the timers the loop doesn't look at the port
			const others = Array.from({ length: beside }, () => port.get());
			const late = [port.get({ timeout: 1 }), port.getn({ min: 2, timeout: 1 })];
			port.alert(1, { for: 'all' });
			port.clearAlert();
			const began = performance.now();
			while (performance.now() - began < 3);
			const alert = new AlertEvent(1, { for: 'all' });
			const told = await Promise.all([...late, ...others]);
			expect(told).toEqual([alert, [alert], ...others.map(() => alert)]);
		}
	});

	it('keeps its alert when another one begins to wait for less', async () => {
		const waiting = port.getn({ min: 3 });
		port.alert(1);
		port.clearAlert();
		const late = port.get();
		expect(await waiting).toEqual([new AlertEvent(1, undefined)]);
		port.send(2);
		expect(await late).toEqual(new UserEvent(2, undefined));
	});

	it('lets the event loop turn while a port is flooded', async () => {
		let turned = false;
		setImmediate(() => {
			turned = true;
		});
		let taken = 0;
		while (!turned) {
			port.send(taken);
			expect((await port.get())?.events).toBe(taken++);
		}
		expect(taken).toBeGreaterThan(1);
	});

	it('that has to go through the event loop finds alert mode on', async () => {
		for (let i = 0; i < 300; i++) port.send(i);
		const seen: (string | undefined)[] = [];
		for (let i = 0; i < 400; i++) {
			if (i === 200) port.alert(1);
			if (i === 350) port.clearAlert();
			seen.push((await port.get())?.source);
		}
		expect(seen).toEqual([
			...Array(200).fill('user'),
			...Array(150).fill('alert'),
			...Array(50).fill('user'),
		]);
	});

	it('rejects when the port is closed', async () => {
		const waiting = [port.get(), port.getn({ min: 2 }), port.get({ timeout: 10_000 })];
		port.close();
		for (const wait of waiting) await expect(wait).rejects.toEqual(closed);
	});

	it('of an attached Port alone rejects when that one is closed', async () => {
		const other = Port.attach(port.fd);
		const mine = port.get();
		const its = other.get();
		other.close();
		await expect(its).rejects.toEqual(closed);
		port.send(1);
		expect(await mine).toEqual(new UserEvent(1, undefined));
	});

	it('restores the context of whoever awaits', async () => {
		const storage = new AsyncLocalStorage<string>();
		const seen = await Promise.all(
			['a', 'b']
				.map((name) =>
					storage.run(name, async () => {
						await port.get();
						return storage.getStore();
					}),
				)
				.concat(
					storage.run('sender', async () => {
						await turn();
						port.send(1);
						port.send(2);
						return 'sent';
					}),
				),
		);
		expect(seen).toEqual(['a', 'b', 'sent']);
	});
});

describe('an AbortSignal', () => {
	it('that is aborted already takes no event', async () => {
		port.send(1);
		await expect(port.get({ signal: AbortSignal.abort() })).rejects.toMatchObject({
			name: 'AbortError',
			code: 20,
		});
		expect(port.count()).toBe(1);
	});

	it('ends a wait with its reason, and loses no event', async () => {
		const controller = new AbortController();
		const first = port.get({ signal: controller.signal });
		const second = port.getn({ min: 2, signal: controller.signal });
		const reason = new Error('enough');
		controller.abort(reason);
		await expect(first).rejects.toBe(reason);
		await expect(second).rejects.toBe(reason);
		expect(port.stats().waiters).toBe(0);
		port.send(1);
		expect(port.getSync({ timeout: 0 })).toEqual(new UserEvent(1, undefined));
	});

	it('is not listened to any longer than the wait', async () => {
		const { signal } = new AbortController();
		let listeners = 0;
		const { addEventListener: add, removeEventListener: remove } = signal;
		signal.addEventListener = function (this: AbortSignal, ...given: unknown[]) {
			listeners++;
			return Reflect.apply(add, this, given);
		};
		signal.removeEventListener = function (this: AbortSignal, ...given: unknown[]) {
			listeners--;
			return Reflect.apply(remove, this, given);
		};
		expect(await port.get({ signal, timeout: 1 })).toBeNull();
		setImmediate(() => port.send(1));
		await port.get({ signal });
		expect(listeners).toBe(0);
	});
});

describe('for await', () => {
	it('takes one event at a time and leaves the rest', async () => {
		for (let i = 0; i < 10; i++) port.send(i);
		const taken: number[] = [];
		for await (const event of port) {
			taken.push(event.events);
			if (event.events === 4) break;
		}
		expect(taken).toEqual([0, 1, 2, 3, 4]);
		expect(port.count()).toBe(5);
	});

	it('takes events as they come', async () => {
		const taken: number[] = [];
		const sender = (async () => {
			for (let i = 0; i < 2000; i++) {
				port.send(i);
				if (i % 7 === 0) await turn();
			}
		})();
		for await (const { events } of port) {
			taken.push(events);
			if (events === 1999) break;
		}
		await sender;
		expect(taken).toEqual(Array.from({ length: 2000 }, (_, i) => i));
	});

	it('ends when the port is closed', async () => {
		port.send(1);
		let taken = 0;
		setImmediate(() => port.close());
		for await (const _ of port) taken++;
		expect(taken).toBe(1);
	});

	it('leaves no wait behind when it is left by an exception', async () => {
		port.send(1);
		const loop = async () => {
			for await (const _ of port) throw new Error('from the body');
		};
		await expect(loop()).rejects.toThrow('from the body');
		expect(port.stats()).toMatchObject({ waiters: 0, queued: 0 });
		port.send(2);
		expect(await port.get()).toEqual(new UserEvent(2, undefined));
	});

	it('is ended by return() while it waits', async () => {
		const iterator = port[Symbol.asyncIterator]();
		const waiting = [iterator.next(), iterator.next()];
		expect(port.stats().waiters).toBe(1);
		expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
		for (const next of waiting) expect(await next).toEqual({ done: true, value: undefined });
		expect(port.stats().waiters).toBe(0);
		expect(await iterator.next()).toEqual({ done: true, value: undefined });
	});

	it('answers several calls of next() in their order', async () => {
		const iterator = port[Symbol.asyncIterator]();
		const waiting = [iterator.next(), iterator.next(), iterator.next()];
		for (let i = 1; i <= 3; i++) port.send(i);
		const later = iterator.next();
		port.send(4);
		const seen = await Promise.all([...waiting, later]);
		expect(seen.map(({ value }) => value?.events)).toEqual([1, 2, 3, 4]);
		expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
	});

	it('is ended by its disposal', async () => {
		const batches = port.batches();
		const waiting = batches.next();
		await batches[Symbol.asyncDispose]();
		expect(await waiting).toEqual({ done: true, value: undefined });
		expect(port.stats().waiters).toBe(0);
	});

	it('gives batches', async () => {
		for (let i = 0; i < 10; i++) port.send(i);
		const sizes: number[] = [];
		for await (const events of port.batches({ min: 2, max: 4, timeout: 5 })) {
			sizes.push(events.length);
			if (events.length < 2) break;
		}
		expect(sizes).toEqual([4, 4, 2, 0]);
	});

	it('of batches that a signal ended tells the reason once', async () => {
		const controller = new AbortController();
		const reason = new Error('enough');
		const batches = port.batches({ signal: controller.signal });
		const waits = [batches.next(), batches.next()];
		controller.abort(reason);
		await expect(waits[0]).rejects.toBe(reason);
		expect(await waits[1]).toEqual({ done: true, value: undefined });
		expect(await batches.next()).toEqual({ done: true, value: undefined });
	});

	it('of batches is ended by a signal, with its reason', async () => {
		const controller = new AbortController();
		setImmediate(() => controller.abort());
		const loop = async () => {
			for await (const _ of port.batches({ signal: controller.signal })) expect.fail('no event');
		};
		await expect(loop()).rejects.toMatchObject({ name: 'AbortError' });
		await expect(loop()).rejects.toMatchObject({ name: 'AbortError' });
	});
});

describe('ref', () => {
	it('tells and is told', () => {
		expect(port.hasRef()).toBe(true);
		expect(port.unref()).toBe(port);
		expect(port.hasRef()).toBe(false);
		expect(port.ref().hasRef()).toBe(true);
	});

	it.each([
		['an idle port', '', 0, ''],
		['a ref that waits', 'setTimeout(() => port.send(1), 20).unref();', 0, 'event'],
		['an unref that waits', 'port.unref();', 13, ''],
		['an unref while it waits', 'setImmediate(() => port.unref());', 13, ''],
		['an unref with a timeout', 'port.unref(); options = { timeout: 60_000 };', 13, ''],
		[
			'a ref while it waits',
			'port.unref(); setImmediate(() => { port.ref(); setTimeout(() => port.send(1), 20).unref(); });',
			0,
			'event',
		],
	])('%s: the process lives as long as it should', async (name, code, exit, printed) => {
		const wait = name === 'an idle port' ? '' : "await port.get(options); console.log('event');";
		const program = `const port = new Port(); let options; ${code} ${wait}`;
		const outcome = await runProgram(program);
		// 13: the top-level await was never answered, and nothing was left to wait for.
		expect(outcome).toMatchObject({ code: exit, signal: null, stdout: printed && `${printed}\n` });
	});
});

describe('no thread', () => {
	it('waits for us', async () => {
		const outcome = await runProgram(`
			import { readdirSync } from 'node:fs';
			const threads = () => readdirSync('/proc/self/task').length;
			const before = threads();
			const port = new Port();
			const waiting = Promise.all([port.get(), port.get()]);
			setImmediate(() => { port.send(1); port.send(2); });
			await waiting;
			console.log(threads() - before);
		`);
		expect(outcome).toMatchObject({ code: 0, stdout: '0\n' });
	});
});

describe('many gets', () => {
	it('each get one event', async () => {
		const waits = Array.from({ length: 1000 }, () => port.get());
		for (let i = 0; i < 1000; i++) port.send(i);
		const taken = (await Promise.all(waits)).map((event) => event?.events as number);
		expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
		await until(() => port.stats().waiters === 0);
	});
});
