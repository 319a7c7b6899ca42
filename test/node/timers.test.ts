// Timers: handles, times in both units, counts, threads, and the end with everything armed.

import { readdirSync } from 'node:fs';
import { inspect } from 'node:util';
import { ForeignCookie, Port, PortError, Timer, TimerEvent } from 'event-ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codeOf, message, PACKAGE, runProgram, startWorker, until } from './support.js';

const HOUR = 3_600_000;

let port: Port;
beforeEach(() => {
	port = new Port();
});
afterEach(() => port.close());

function next(): TimerEvent {
	const event = port.getSync();
	expect(event).toBeInstanceOf(TimerEvent);
	return event as TimerEvent;
}

describe('after', () => {
	it('expires once, not before its time, and stays until it is deleted', () => {
		const user = { name: 'connection' };
		const before = performance.now();
		const timer = port.after(2.5, user);
		const event = next();
		expect(performance.now() - before).toBeGreaterThanOrEqual(2.5);
		expect(event).toMatchObject({ source: 'timer', expirations: 1, events: 1 });
		expect(event.timer).toBe(timer);
		expect(event.user).toBe(user);
		expect(port.getSync({ timeout: 5 })).toBeNull();
		expect(port.stats()).toMatchObject({ slots: 1, delivered: { timer: 1 } });
		expect(timer.get()).toEqual({ value: 0, interval: 0 });
		timer.set({ value: 0.1 });
		expect(next().user).toBe(user); // the value is kept as long as the timer
		timer.delete();
		expect(port.stats().slots).toBe(0);
	});

	it('0 is at once', () => {
		port.after(0);
		expect(next().expirations).toBe(1);
	});

	it('a wall clock before 1970 is at once', () => {
		port.at(-1, 1);
		port.at(new Date('1969-12-31'), 2);
		expect([next().user, next().user].sort()).toEqual([1, 2]);
		expect(() => port.after(1).get({ bigint: 1 as unknown as true })).toThrow(
			expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
		);
	});

	it('comes in the order of the times, whatever the order of the calls', () => {
		port.after(3, 3);
		port.after(1, 1);
		port.after(2, 2);
		expect([next(), next(), next()].map((event) => event.user)).toEqual([1, 2, 3]);
	});

	it('wakes gets that wait on the event loop, and the iterator', async () => {
		const timer = port.after(1, 'first');
		expect(await port.get()).toMatchObject({ source: 'timer', user: 'first' });
		timer.set({ value: 1 });
		for await (const event of port) {
			expect(event).toMatchObject({ source: 'timer', expirations: 1 });
			break;
		}
	});
});

describe('every', () => {
	it('counts what nobody retrieved, and starts anew after each event', async () => {
		const before = performance.now();
		const timer = port.every(1);
		const start = performance.now();
		await until(() => performance.now() - start > 10);
		const { expirations } = next();
		expect(expirations).toBeGreaterThanOrEqual(9);
		expect(next().expirations).toBeLessThanOrEqual(performance.now() - before - expirations + 1);
		timer.delete();
		expect(port.getSync({ timeout: 3 })).toBeNull();
	});

	it('tells its interval', () => {
		expect(port.every(HOUR).get().interval).toBe(HOUR);
	});
});

describe('at', () => {
	it.each([
		['a Date', (ms: number) => new Date(ms)],
		['a number', (ms: number) => ms],
	])('takes %s', (_name, make) => {
		const due = Date.now() + 20;
		port.at(make(due), 'now');
		expect(next().user).toBe('now');
		expect(Date.now()).toBeGreaterThanOrEqual(due);
	});

	it('a time that has passed is at once', () => {
		port.at(new Date('2001-01-01'));
		port.at(0);
		expect([next().expirations, next().expirations]).toEqual([1, 1]);
	});

	it('tells what is left', () => {
		const { value } = port.at(Date.now() + HOUR).get();
		expect(value).toBeGreaterThan(HOUR - 60_000);
		expect(value).toBeLessThanOrEqual(HOUR);
	});
});

describe('set and get', () => {
	it('take and tell milliseconds as numbers and nanoseconds as bigints', () => {
		const timer = port.after(HOUR);
		timer.set({ value: 10n ** 12n, interval: 1_500_001n });
		const exact = timer.get({ bigint: true });
		expect(exact.interval).toBe(1_500_001n);
		expect(exact.value).toBeLessThanOrEqual(10n ** 12n);
		expect(exact.value).toBeGreaterThan(10n ** 12n - 60n * 10n ** 9n);
		expect(timer.get().interval).toBe(1.500001);
		timer.set({ value: 0.25, interval: 500_000_000n }); // mixed
		expect(timer.get({ bigint: true }).interval).toBe(500_000_000n);
		expect(next().timer).toBe(timer);
	});

	it('0 disarms', () => {
		const timer = port.every(1);
		next();
		timer.set({ value: 0, interval: 5 });
		port.getSync({ timeout: 0 });
		expect(timer.get().value).toBe(0);
		expect(port.getSync({ timeout: 5 })).toBeNull();
	});

	it('absolute times follow the wall clock', () => {
		const timer = port.after(HOUR);
		timer.set({ value: Date.now() - 1000, absolute: true });
		expect(next().expirations).toBe(1);
		timer.set({ value: BigInt(Date.now() + HOUR) * 1_000_000n, absolute: true });
		expect(timer.get().value).toBeGreaterThan(HOUR - 60_000);
	});

	it('an event that is queued stays, with its count (6.6)', async () => {
		const timer = port.every(0.5);
		await until(() => port.count() === 1);
		timer.set({ value: HOUR });
		expect(port.count()).toBe(1);
		expect(next().expirations).toBeGreaterThanOrEqual(1);
		expect(port.getSync({ timeout: 3 })).toBeNull();
	});

	it('hold the longest times there are', () => {
		const most = 2n ** 63n - 1n;
		const timer = port.after(HOUR);
		timer.set({ value: most, interval: most });
		expect(timer.get({ bigint: true }).interval).toBe(most);
		expect(port.getSync({ timeout: 2 })).toBeNull();
	});
});

describe('delete', () => {
	it('takes a queued event along (6.7)', async () => {
		const timer = port.after(0);
		await until(() => port.count() === 1);
		timer.delete();
		timer.delete();
		expect(port.stats()).toMatchObject({ queued: 0, slots: 0 });
		expect(port.getSync({ timeout: 0 })).toBeNull();
	});

	it('is what `using` does', () => {
		{
			using timer = port.after(HOUR);
			expect(timer).toBeInstanceOf(Timer);
			expect(port.stats().slots).toBe(1);
		}
		expect(port.stats().slots).toBe(0);
	});

	it('makes calls fail by name, and the port say so too', () => {
		const timer = port.after(HOUR);
		timer.delete();
		for (const call of [() => timer.set({ value: 1 }), () => timer.get()]) {
			expect(codeOf(call)).toBe('ERR_PORT_TIMER_DELETED');
		}
		const other = port.after(HOUR);
		expect(inspect(other)).toMatch(/^Timer \{ value: [\d.]+, interval: 0 \}$/);
		port.close();
		for (const call of [
			() => other.set({ value: 1 }),
			() => other.get(),
			() => port.after(1),
			() => port.every(1),
			() => port.at(1),
		]) {
			expect(codeOf(call)).toBe('ERR_PORT_CLOSED');
		}
		other.delete();
		expect(inspect(timer) + inspect(other)).toBe('Timer { deleted: true }Timer { deleted: true }');
	});

	it('of one never harms another that got its place', () => {
		const old = port.after(HOUR, {});
		old.delete();
		const fresh = port.after(0, 'fresh');
		old.delete();
		expect(codeOf(() => old.get())).toBe('ERR_PORT_TIMER_DELETED');
		expect(next().timer).toBe(fresh);
	});
});

describe('arguments', () => {
	it('may close the port: that is what set says then', () => {
		const timer = port.after(HOUR);
		const setting = {
			get value() {
				port.close();
				return HOUR;
			},
		};
		expect(codeOf(() => timer.set(setting))).toBe('ERR_PORT_CLOSED');
	});

	const bad: [string, unknown, string][] = [
		['negative', -1, 'ERR_OUT_OF_RANGE'],
		['not a number', Number.NaN, 'ERR_OUT_OF_RANGE'],
		['endless', Number.POSITIVE_INFINITY, 'ERR_OUT_OF_RANGE'],
		['more than 64 bits', 1e13, 'ERR_OUT_OF_RANGE'],
		['a string', '1', 'ERR_INVALID_ARG_TYPE'],
		['nothing', undefined, 'ERR_INVALID_ARG_TYPE'],
	];
	it.each(bad)('%s is no time', (_name, value, code) => {
		const timer = port.after(HOUR);
		const set = (setting: object) => () => timer.set(setting as never);
		for (const call of [
			() => port.after(value as number),
			() => port.every(value as number),
			() => port.at(value === -1 ? -1e13 : (value as number)), // before 1970 is at once
			set({ value }),
			set({ value, interval: 1n }),
			...(value === undefined ? [] : [set({ value: 1, interval: value })]),
			...(value === undefined ? [] : [set({ value: 1n, interval: value })]),
		]) {
			expect(codeOf(call)).toBe(code);
		}
		expect(timer.get().value).toBeGreaterThan(HOUR - 60_000); // nothing was changed
		expect(port.stats().slots).toBe(1);
	});

	it('other mistakes', () => {
		const timer = port.after(HOUR);
		expect(codeOf(() => port.every(0))).toBe('ERR_OUT_OF_RANGE');
		expect(codeOf(() => port.at(new Date('no date')))).toBe('ERR_OUT_OF_RANGE');
		expect(codeOf(() => timer.set({ value: -1n }))).toBe('ERR_OUT_OF_RANGE');
		expect(codeOf(() => timer.set({ value: 2n ** 63n }))).toBe('ERR_OUT_OF_RANGE');
		expect(codeOf(() => timer.set(undefined as never))).toBe('ERR_INVALID_ARG_TYPE');
		expect(codeOf(() => timer.set({ value: 1, absolute: 1 as never }))).toBe(
			'ERR_INVALID_ARG_TYPE',
		);
		expect(codeOf(() => timer.get(null as never))).toBe('ERR_INVALID_ARG_TYPE');
	});

	it('a full port takes no more, and loses nothing', () => {
		const small = new Port({ limit: 2 });
		const timers = [small.after(0, {}), small.after(HOUR)];
		expect(() => small.after(1, {})).toThrow(
			expect.objectContaining({ code: 'EAGAIN', syscall: 'timer_create' }),
		);
		expect(() => small.after(1)).toThrow(PortError);
		expect(small.getSync()).toMatchObject({ source: 'timer', expirations: 1 });
		timers[1]?.delete();
		small.after(0, 'room');
		expect(small.getSync()).toMatchObject({ user: 'room' });
		small.close();
	});
});

describe('in several threads', () => {
	const prelude = 'const port = Port.attach(workerData.fd);\n';

	it('a worker retrieves, re-arms and deletes what another thread made', async () => {
		const worker = startWorker(
			`${prelude}
			const first = port.getSync(); first.timer.set({ value: 0 });
			const { value } = first.timer.get();
			const second = port.getSync(); second.timer.delete();
			let code; try { second.timer.get(); } catch (error) { code = error.code; }
			parentPort.postMessage([first.user, first.expirations, value, second.user instanceof evp.ForeignCookie, code]);`,
			{ workerData: { fd: port.fd } },
		);
		const answer = message<unknown[]>(worker);
		await until(() => port.stats().waiters === 1);
		const number = port.after(0, 42);
		await until(() => port.stats().delivered.timer === 1);
		const object = port.after(0, {});
		expect(await answer).toEqual([42, 1, 0, true, 'ERR_PORT_TIMER_DELETED']);
		expect(codeOf(() => object.get())).toBe('ERR_PORT_TIMER_DELETED');
		expect(inspect(object)).toBe('Timer { deleted: true }');
		expect(number.get().value).toBe(0);
		expect(port.stats().slots).toBe(1);
		await worker.terminate();
	});

	it('one that a worker made goes on when the worker has ended, until the port is closed', async () => {
		const worker = startWorker(
			`${prelude} port.every(1, { far: 'away' }); parentPort.postMessage(0); port.getSync({ timeout: 1 }); port.get();`,
			{ workerData: { fd: port.fd } },
		);
		await message(worker);
		await worker.terminate();
		port.getnSync({ timeout: 0 });
		const event = next();
		expect(event.user).toBeInstanceOf(ForeignCookie);
		event.timer.delete();
		expect(port.stats().slots).toBe(0);
	});

	it('are given once each, whoever asks', async () => {
		const COUNT = 2000;
		const workers = [0, 1].map(() =>
			startWorker(
				`${prelude}
				const taken = [];
				for (let e; (e = port.getSync()).source !== 'alert'; ) taken.push(e.user);
				parentPort.postMessage(taken);`,
				{ workerData: { fd: port.fd } },
			),
		);
		const answers = Promise.all(workers.map((worker) => message<number[]>(worker)));
		for (let i = 0; i < COUNT; i++) port.after(Math.random(), i + 1);
		await until(() => port.stats().delivered.timer === COUNT);
		port.alert(1);
		const taken = (await answers).flat().sort((a, b) => a - b);
		expect(taken).toEqual(Array.from({ length: COUNT }, (_, i) => i + 1));
	});
});

describe('the end', () => {
	const clean = { code: 0, signal: null, stderr: '', stdout: 'end\n' };
	const armed = `const port = new Port(); port.after(0, {}); port.after(1e9); port.every(0.2, port);`;

	it.each([
		['process.exit with timers armed', `${armed} port.get(); console.log('end'); process.exit(0);`],
		['nothing waited for: timers alone keep no process alive', `${armed} console.log('end');`],
		[
			'a worker terminated while its timers fire',
			`const source = ${JSON.stringify(`const { parentPort } = await import('node:worker_threads');
				const { Port } = await import('${PACKAGE}');
				${armed}
				for (let i = 0; ; i++) { port.getSync(); if (i === 5) parentPort.postMessage(0); }`)};
			for (let i = 0; i < 3; i++) {
				const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)));
				await new Promise((resolve) => worker.once('message', resolve));
				await worker.terminate();
			}
			console.log('end');`,
		],
		[
			'a timer used when its port was collected',
			`let make = () => new Port().after(1e9, {});
			const timer = make();
			for (let i = 0; i < 10; i++) { await new Promise((resolve) => setImmediate(resolve)); gc(); }
			let code; try { timer.get(); } catch (error) { code = error.code; }
			timer.delete();
			console.log(code === 'ERR_PORT_CLOSED' ? 'end' : code);`,
		],
	])('%s', async (_name, program) => {
		expect(await runProgram(program, ['--expose-gc'])).toEqual(clean);
	});

	it('a port that is closed, collected or left to a dead worker leaves no timer behind', async () => {
		// Ids come from one table of the process: a place that was given back is used again.
		const outcome = await runProgram(
			`const memory = () => { gc(); return process.memoryUsage.rss(); };
			const make = () => { const other = new Port(); for (let i = 0; i < 20_000; i++) other.after(1e9, i); return other; };
			make().close();
			const before = memory();
			for (let i = 0; i < 30; i++) make().close();
			const grown = memory() - before;
			console.log(grown < 20_000 * 30 * 32 ? 'end' : grown);`,
			['--expose-gc'],
		);
		expect(outcome).toEqual(clean);
	});

	it('of a port gives its descriptors back', () => {
		const count = () => readdirSync('/proc/self/fd').length;
		new Port().close();
		const before = count();
		for (let i = 0; i < 20; i++) {
			const other = new Port();
			other.after(HOUR);
			other.at(Date.now() + HOUR);
			other.close();
		}
		expect(count()).toBe(before);
	});
});
