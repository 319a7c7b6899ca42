// One port in several threads: an event goes to one, an alert to all, closing ends all.

import type { Worker } from 'node:worker_threads';
import { closeFd, Port, pipe, write } from 'event-ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { message, startWorker, until } from './support.js';

let port: Port;
let workers: Worker[];
beforeEach(() => {
	port = new Port();
	workers = [];
});
afterEach(async () => {
	await Promise.all(workers.map((worker) => worker.terminate()));
	port.close();
});

/** Starts `count` workers on the port; each has `port`, `index` and `post`. */
function start(count: number, source: string): void {
	for (let index = 0; index < count; index++) {
		const prelude = `const port = Port.attach(workerData.fd); const { index } = workerData;
			const post = (value) => parentPort.postMessage(value);\n`;
		workers.push(startWorker(prelude + source, { workerData: { fd: port.fd, index } }));
	}
}

const all = <T>() => Promise.all(workers.map((worker) => message<T>(worker)));
const waiting = (count: number) => until(() => port.stats().waiters === count);

describe('an alert', () => {
	it('wakes every thread that waits, blocked or on its event loop', async () => {
		start(
			4,
			`const options = { min: 2, max: 2 };
			post((index % 2 ? port.getnSync(options) : await port.getn(options)).map((e) => [e.source, e.events, e.user]));`,
		);
		await waiting(4);
		const mine = port.get();
		const answers = all();
		port.alert(7, 42);
		port.clearAlert();
		expect(await answers).toEqual(Array(4).fill([['alert', 7, 42]]));
		expect(await mine).toMatchObject({ source: 'alert', events: 7, user: 42 });
	});
});

describe('an event', () => {
	it.each([
		['blocked', 'for (let e; (e = port.getSync()).source !== "alert"; ) taken.push(e.user);'],
		[
			'on their event loops',
			'for await (const e of port) { if (e.source === "alert") break; taken.push(e.user); }',
		],
		[
			'mixed, in batches',
			`for (;;) {
				const list = index % 2 ? port.getnSync({ max: 32 }) : await port.getn({ max: 32 });
				if (list[0].source === "alert") break;
				for (const e of list) taken.push(e.user);
			}`,
		],
	])('goes to one thread: %s', async (_name, loop) => {
		start(3, `const taken = []; post(0); ${loop} post(taken);`);
		await all();
		const COUNT = 6000;
		for (let i = 0; i < COUNT; i++) {
			port.send(1, i);
			if (i % 100 === 0) await until(() => port.count() === 0);
		}
		await until(() => port.count() === 0);
		const lists = all<number[]>();
		port.alert(1);
		const taken = (await lists).flat().sort((a, b) => a - b);
		expect(taken).toEqual(Array.from({ length: COUNT }, (_, i) => i));
	});

	it('of a descriptor goes to one thread, whoever associated it', async () => {
		start(
			2,
			`post(0); const taken = [];
			for (let e; (e = await port.get()).source !== 'alert'; ) {
				evp.read(e.fd, Buffer.alloc(1)); taken.push(e.user);
				if (e.user < 999) { port.associate(e.fd, POLLIN, e.user + 1); evp.write(e.fd, Buffer.from('x')); }
			}
			post(taken);`,
		);
		await all();
		const [reader, writer] = pipe();
		const { socketpair } = await import('event-ports');
		const [a, b] = socketpair();
		port.associate(b, 1, 0);
		write(a, Buffer.from('x'));
		await until(() => port.count() === 0 && port.stats().delivered.fd === 1);
		port.alert(1);
		const taken = (await all<number[]>()).flat();
		expect(taken).toEqual([0]);
		for (const fd of [reader, writer, a, b]) closeFd(fd);
	});
});

it('4 threads send 250,000 events each, and 4 take each exactly once', async () => {
	const EACH = 250_000;
	start(
		8,
		`post(0);
		if (index < 4) {
			for (let i = 0; i < ${EACH}; ) {
				try { port.send(index, i); i++; } catch (error) { if (error.code !== 'EAGAIN') throw error; Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); }
			}
			post(0);
		} else {
			const seen = Array.from({ length: 4 }, () => new Uint8Array(${EACH}));
			const last = [-1, -1, -1, -1];
			let ordered = true;
			take: for (;;) {
				const list = index % 2 ? port.getnSync({ max: 256 }) : await port.getn({ max: 256 });
				for (const e of list) {
					if (e.source === 'alert') break take;
					seen[e.events][e.user]++;
					ordered &&= e.user > last[e.events];
					last[e.events] = e.user;
				}
			}
			post({ seen, ordered });
		}`,
	);
	// One may have sent all before another has begun.
	const begun = workers.slice(4).map((worker) => message(worker));
	const sent = workers.slice(0, 4).map((worker) => message(worker).then(() => message(worker)));
	await Promise.all([...begun, ...sent]);
	await until(() => port.count() === 0);
	const results = Promise.all(
		workers.slice(4).map((worker) => message<{ seen: Uint8Array[]; ordered: boolean }>(worker)),
	);
	port.alert(1);
	const takers = await results;
	expect(takers.every(({ ordered }) => ordered)).toBe(true);
	for (let sender = 0; sender < 4; sender++) {
		let wrong = 0;
		for (let i = 0; i < EACH; i++) {
			const times = takers.reduce((sum, { seen }) => sum + (seen[sender]?.[i] ?? 0), 0);
			if (times !== 1) wrong++;
		}
		expect(wrong).toBe(0);
	}
	expect(port.stats()).toMatchObject({ slots: 0, queued: 0 });
	expect(port.stats().delivered.user).toBe(4 * EACH);
});

describe('closing', () => {
	it('by the creator ends waits in every thread, and later calls', async () => {
		start(
			4,
			`let first; try { index % 2 ? port.getSync() : await port.get(); } catch (error) { first = error.code; }
			let second; try { port.send(1); } catch (error) { second = error.code; }
			const iterated = []; try { for await (const e of port) iterated.push(e); } catch (error) { iterated.push(error.code); }
			post([first, second, iterated, port.closed, port.fd]);`,
		);
		await waiting(4);
		const answers = all();
		port.close();
		const closed = 'ERR_PORT_CLOSED';
		expect(await answers).toEqual(Array(4).fill([closed, closed, [closed], true, -1]));
	});

	it('by the creator ends iterations in other threads without an error', async () => {
		start(1, `const taken = []; for await (const e of port) taken.push(e.events); post(taken);`);
		await waiting(1);
		port.send(3);
		await until(() => port.count() === 0 && port.stats().waiters === 1);
		const answers = all();
		port.close();
		expect(await answers).toEqual([[3]]);
	});

	it('of an attached Port leaves the others alone', async () => {
		start(
			2,
			`if (index) { post((await port.get()).events); } else { port.close(); post(port.closed); }`,
		);
		const [first] = await Promise.all([message(workers[0] as Worker), waiting(1)]);
		expect(first).toBe(true);
		const answer = message(workers[1] as Worker);
		port.send(5);
		expect(await answer).toBe(5);
	});

	it('keeps the number while a thread has not heard of it', async () => {
		const { fd } = port;
		const flag = new Int32Array(new SharedArrayBuffer(4));
		start(
			1,
			`parentPort.once('message', (flag) => { post(0); Atomics.wait(flag, 0, 0); setImmediate(post, port.closed); }); post(0);`,
		);
		await all();
		const busy = all();
		workers[0]?.postMessage(flag);
		await busy;
		port.close();
		const meanwhile = Array.from({ length: 10 }, () => pipe()).flat();
		expect(meanwhile).not.toContain(fd);
		const answer = all();
		Atomics.store(flag, 0, 1);
		Atomics.notify(flag, 0);
		await answer;
		const afterwards: number[] = [];
		await until(() => {
			afterwards.push(...pipe());
			return afterwards.includes(fd);
		});
		for (const number of [...meanwhile, ...afterwards]) closeFd(number);
	});

	it('while others send and get does no harm', async () => {
		start(
			3,
			`post(0); let done = 0;
			for (let code; code === undefined; done++) {
				try { if (index === 0) port.send(1, done); else if (index === 1) port.getSync({ timeout: 1 }); else await port.get(); }
				catch (error) { if (error.code !== 'EAGAIN') post(code = error.code); }
			}`,
		);
		await all();
		const answers = all();
		await until(() => port.stats().delivered.user > 1000);
		port.close();
		expect(await answers).toEqual(Array(3).fill('ERR_PORT_CLOSED'));
	});
});
