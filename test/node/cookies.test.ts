// The `user` of an event: any value within a thread, kept while it is in flight and no longer.

import { writeSync } from 'node:fs';
import { closeFd, FdEvent, ForeignCookie, POLLIN, Port, pipe, type UserEvent } from 'event-ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { message, PACKAGE, runProgram, startWorker } from './support.js';

let port: Port;
beforeEach(() => {
	port = new Port();
});
afterEach(() => port.close());

const anywhere: unknown[] = [
	undefined,
	null,
	false,
	true,
	0,
	-0,
	1,
	-1,
	0x7fffffff,
	-0x80000000,
	Number.MAX_SAFE_INTEGER,
	Number.NaN,
	Number.POSITIVE_INFINITY,
	Number.NEGATIVE_INFINITY,
];
const here: unknown[] = [
	'',
	'text',
	0.5,
	-0x80000001,
	Number.MIN_SAFE_INTEGER,
	Number.MAX_SAFE_INTEGER + 1,
	2 ** 70,
	-(2 ** 34),
	0n,
	1n << 80n,
	Symbol.iterator,
	{ an: 'object' },
	() => {},
];

it.each([...anywhere, ...here])('%s comes back as it was', (value) => {
	port.send(1, value);
	expect(Object.is(port.getSync()?.user, value)).toBe(true);
	port.alert(1, value);
	expect(Object.is(port.getSync()?.user, value)).toBe(true);
	expect(Object.is(port.getSync()?.user, value)).toBe(true);
	port.clearAlert();
	port.associate(port.fd, POLLIN, value);
	port.send(1);
	expect(Object.is(port.getnSync({ min: 2 })[1]?.user, value)).toBe(true);
});

it('a Proxy is passed as it is, and asked nothing', () => {
	const { proxy, revoke } = Proxy.revocable({}, {});
	revoke();
	port.send(1, proxy);
	expect(port.getSync()?.user === proxy).toBe(true);
});

it('an association replaced gives its last value only', () => {
	const [reader, writer] = pipe();
	port.associate(reader, POLLIN, { first: 1 });
	port.associate(reader, POLLIN, 2);
	writeSync(writer, 'x');
	expect(port.getSync()).toEqual(new FdEvent(reader, POLLIN, 2));
	port.associate(reader, POLLIN, { third: 3 });
	expect(port.getSync()).toEqual(new FdEvent(reader, POLLIN, { third: 3 }));
	closeFd(reader);
	closeFd(writer);
});

it('an association that a refused value would have replaced keeps its own', () => {
	const ends = [pipe(), pipe()];
	const [[one], [other]] = ends as [[number, number], [number, number]];
	port.associate(one, POLLIN, { first: 1 });
	port.associate(other, POLLIN, { first: 2 });
	closeFd(port.ticket()); // from now on no such value crosses
	const refused = { code: 'ERR_PORT_COOKIE_NOT_SHAREABLE' };
	expect(() => port.associate(one, POLLIN, { second: 1 })).toThrow(
		expect.objectContaining(refused),
	);
	expect(port.associateAll([{ fd: other, events: POLLIN, user: { second: 2 } }])).toEqual([
		expect.objectContaining(refused),
	]);
	for (const [, writer] of ends) writeSync(writer, 'x');
	expect(port.getnSync({ min: 2 }).map(({ user }) => user)).toEqual([{ first: 1 }, { first: 2 }]);
	for (const fd of ends.flat()) closeFd(fd);
});

describe('values in flight', () => {
	// A WeakRef to each value, and a collection forced between the steps.
	const run = (steps: string) =>
		runProgram(
			`
			const { setImmediate: turn } = await import('node:timers/promises');
			const port = new Port();
			const refs = [];
			const value = () => { const v = { big: new Array(100).fill(0) }; refs.push(new WeakRef(v)); return v; };
			const alive = async () => {
				for (let i = 0; i < 5; i++) { await turn(); gc(); }
				return refs.filter((ref) => ref.deref() !== undefined).length;
			};
			const [reader, writer] = evp.pipe();
			const print = (...list) => console.log(list.join(' '));
			${steps}
			`,
			['--expose-gc'],
		);

	it.each([
		[
			'messages: until they are retrieved',
			`for (let i = 0; i < 50; i++) port.send(i, value());
			const queued = await alive(); port.getnSync({ max: 50 }); print(queued, await alive());`,
			'50 0',
		],
		[
			'messages: also those that could not be sent',
			`const small = new Port({ limit: 1 }); small.send(1);
			try { small.send(1, value()); } catch {} evp.sendn([small], 1, value()); print(await alive());`,
			'0',
		],
		[
			'an association: while it stands, not only while it is armed',
			`port.associate(reader, POLLIN, value()); evp.write(writer, Buffer.from('x')); port.getSync();
			const before = await alive(); port.associate(reader, POLLIN); print(before, await alive());`,
			'1 0',
		],
		[
			'an association: until dissociate, or a failing associate',
			`port.associate(reader, POLLIN, value()); const before = await alive(); port.dissociate(reader);
			const between = await alive(); try { port.associate(9999, POLLIN, value()); } catch {}
			port.associateAll([{ fd: 9999, events: POLLIN, user: value() }]); print(before, between, await alive());`,
			'1 0 0',
		],
		[
			'an association: until its descriptor is closed',
			`port.associate(reader, POLLIN, value()); const before = await alive(); evp.closeFd(reader); print(before, await alive());`,
			'1 0',
		],
		[
			'an alert: until it is cleared or replaced',
			`port.alert(1, value()); const set = await alive(); port.alert(2, value()); const replaced = await alive();
			port.clearAlert(); print(set, replaced, await alive());`,
			'1 1 0',
		],
		[
			'an alert: until those who waited have it',
			`const wait = port.get(); port.alert(1, value()); port.clearAlert(); gc();
			const user = (await wait).user; print(Object.keys(user)); `,
			'big',
		],
		[
			'everything: until the port is closed',
			`port.send(1, value()); port.alert(1, value()); port.associate(reader, POLLIN, value());
			const before = await alive(); port.close(); print(before, await alive());`,
			'3 0',
		],
		[
			'everything: until the port is collected',
			`let other = new Port(); other.send(1, value()); const { fd } = other; const before = await alive(); other = undefined;
			const after = await alive(); let open = true; try { Port.attach(fd); } catch { open = false; } print(before, after, open);`,
			'1 0 false',
		],
	])('%s', async (_name, steps, printed) => {
		expect(await run(steps)).toMatchObject({ stdout: `${printed}\n`, stderr: '', code: 0 });
	});

	it.each([
		['messages', 'port.send(i, value())'],
		['requests', 'port.aio.fsync(reader, value())'],
	])('come back from threads that retrieved %s and could not use them', async (_name, make) => {
		const outcome = await run(`
			const source = \`
				import { parentPort, workerData } from 'node:worker_threads';
				const { Port, ForeignCookie } = await import(workerData.package);
				const port = Port.attach(workerData.fd);
				let foreign = 0;
				for (let event = port.getSync(); event.source !== 'alert'; event = port.getSync()) {
					if (event.user instanceof ForeignCookie) foreign++;
				}
				parentPort.postMessage(foreign);
			\`;
			const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)), {
				workerData: { fd: port.fd, package: ${JSON.stringify(PACKAGE)} },
			});
			for (let i = 0; i < 3000; i++) ${make};
			while (port.stats().slots > 0) await turn();
			port.alert(1);
			const foreign = await new Promise((resolve) => worker.once('message', resolve));
			print(foreign, await alive());
		`);
		expect(outcome).toMatchObject({ stdout: '3000 0\n', stderr: '', code: 0 });
	});
});

describe('in another thread', () => {
	it('numbers and the like arrive, other values say that they do not', async () => {
		const worker = startWorker(
			`const port = Port.attach(workerData.fd);
			const seen = [];
			for (let event = port.getSync(); event.events !== -1; event = port.getSync()) {
				const { user } = event;
				if (!(user instanceof evp.ForeignCookie)) { seen.push(user); continue; }
				const failures = [() => user + 1, () => \`\${user}\`, () => port.send(1, user)].map((use) => {
					try { return use(); } catch (error) { return error.code; }
				});
				seen.push([failures, user.reason, typeof user.raw]);
			}
			parentPort.postMessage(seen);`,
			{ workerData: { fd: port.fd } },
		);
		for (const value of [...anywhere, 'text', {}]) port.send(1, value);
		port.send(-1);
		const seen = await message<unknown[]>(worker);
		const code = 'ERR_PORT_FOREIGN_COOKIE';
		const foreign = [
			[code, code, code],
			expect.stringContaining('belongs to the thread'),
			'bigint',
		];
		expect(seen).toEqual([...anywhere, foreign, foreign]);
		expect(Object.is(seen[anywhere.findIndex((value) => Object.is(value, -0))], -0)).toBe(true);
		await worker.terminate();
	});

	it('a value sent from there can not be had here', async () => {
		const worker = startWorker(
			`Port.attach(workerData.fd).send(1, { of: 'the worker' }); parentPort.postMessage(0);`,
			{ workerData: { fd: port.fd } },
		);
		await message(worker);
		const event = port.getSync();
		expect(event?.user).toBeInstanceOf(ForeignCookie);
		const { raw, reason } = (event as UserEvent<ForeignCookie>).user;
		expect(JSON.parse(JSON.stringify(event)).user).toEqual({
			raw: `0x${raw.toString(16)}`,
			reason,
		});
	});
});
