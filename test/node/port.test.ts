// One port, one thread: what each call does, blocking retrieval, events as values.

import { openSync, writeSync } from 'node:fs';
import { inspect } from 'node:util';
import {
	AlertEvent,
	closeFd,
	EventView,
	FdEvent,
	POLLIN,
	POLLOUT,
	Port,
	PortError,
	pipe,
	Source,
	sendn,
	UserEvent,
} from 'event-ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDescriptors } from './support.js';

let port: Port;
beforeEach(() => {
	port = new Port();
});
afterEach(() => port.close());

describe('messages', () => {
	it('come in the order in which they were sent', () => {
		for (let i = 0; i < 5; i++) port.send(i, `message ${i}`);
		const events = port.getnSync({ max: 10 });
		expect(events).toEqual([0, 1, 2, 3, 4].map((i) => new UserEvent(i, `message ${i}`)));
		expect(port.getSync({ timeout: 0 })).toBeNull();
	});

	it('carry any 32-bit number', () => {
		for (const events of [0, -1, 0x7fffffff, -0x80000000]) {
			port.send(events);
			expect(port.getSync()).toMatchObject({ source: 'user', events });
		}
	});

	it('fill the port up to its limit and no further', () => {
		const small = new Port({ limit: 3 });
		for (let i = 0; i < 3; i++) small.send(i);
		expect(() => small.send(3)).toThrow(expect.objectContaining({ code: 'EAGAIN', errno: -11 }));
		expect(small.stats()).toMatchObject({ limit: 3, slots: 3, queued: 3 });
		expect(small.getnSync({ max: 8 }).map((event) => event.events)).toEqual([0, 1, 2]);
		small.send(4);
		small.close();
	});

	it('of a port that is not shared come from one process', () => {
		expect(port.members).toEqual([process.pid]);
		expect(port.stats().members).toBe(1);
	});

	it('go to many ports at once, each with its own outcome', () => {
		const full = new Port({ limit: 1 });
		const gone = new Port();
		full.send(0);
		gone.close();
		const { sent, errors } = sendn([port, full, gone, port], 7, { job: 1 });
		expect(sent).toBe(2);
		expect(errors).toMatchObject([null, { code: 'EAGAIN' }, { code: 'ERR_PORT_CLOSED' }, null]);
		expect(port.getnSync({ min: 2 })).toEqual([
			new UserEvent(7, { job: 1 }),
			new UserEvent(7, { job: 1 }),
		]);
		expect(full.count()).toBe(1);
		full.close();
		expect(sendn([], 1)).toEqual({ sent: 0, errors: [] });
	});

	it('are taken in batches longer than one call of the addon', () => {
		for (let i = 0; i < 5000; i++) port.send(i);
		const events = port.getnSync({ min: 3000, max: 4500 });
		expect(events.map((event) => event.events)).toEqual(Array.from({ length: 4500 }, (_, i) => i));
		expect(port.count()).toBe(500);
	});
});

describe('descriptors', () => {
	let reader: number;
	let writer: number;
	beforeEach(() => {
		[reader, writer] = pipe();
	});
	afterEach(() => {
		closeFd(reader);
		closeFd(writer);
	});

	it('give one event an association, with the last user value', () => {
		port.associate(reader, POLLIN, 'first');
		port.associate(reader, POLLIN, 'second');
		writeSync(writer, 'x');
		expect(port.getSync()).toEqual(new FdEvent(reader, POLLIN, 'second'));
		expect(port.getSync({ timeout: 0 })).toBeNull();
		port.associate(reader, POLLIN, 'third');
		expect(port.getSync()).toEqual(new FdEvent(reader, POLLIN, 'third'));
	});

	it('are looked at when they are associated', () => {
		port.associate(writer, POLLOUT);
		expect(port.count()).toBe(1);
		expect(port.getSync({ timeout: 0 })).toMatchObject({ source: 'fd', events: POLLOUT });
	});

	it('that are regular files are ready at once', () => {
		const file = openSync('/etc/hostname', 'r');
		port.associate(file, POLLIN | POLLOUT, 1);
		expect(port.getSync({ timeout: 0 })).toEqual(new FdEvent(file, POLLIN | POLLOUT, 1));
		closeFd(file);
	});

	it('are silent once dissociated', () => {
		port.associate(reader, POLLIN);
		writeSync(writer, 'x');
		expect(port.count()).toBe(1);
		port.dissociate(reader);
		expect(port.getSync({ timeout: 0 })).toBeNull();
		expect(() => port.dissociate(reader)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
		expect(port.stats().slots).toBe(0);
	});

	it('are associated many at a time', () => {
		writeSync(writer, 'x');
		const errors = port.associateAll([
			{ fd: reader, events: POLLIN, user: 'reader' },
			{ fd: 99_999, events: POLLIN, user: 'nobody' },
			{ fd: writer, events: POLLOUT, user: 'writer' },
		]);
		expect(errors).toMatchObject([null, { code: 'EBADFD', syscall: 'port_associate' }, null]);
		const users = port.getnSync({ min: 2 }).map((event) => event.user);
		expect(users.sort()).toEqual(['reader', 'writer']);
	});

	it('may be ports', () => {
		const inner = new Port();
		port.associate(inner.fd, POLLIN, 'inner');
		expect(port.getSync({ timeout: 0 })).toBeNull();
		inner.send(1);
		expect(port.getSync()).toEqual(new FdEvent(inner.fd, POLLIN, 'inner'));
		inner.close();
	});
});

describe('alert mode', () => {
	it('answers every get until it is cleared, and keeps the queue', () => {
		port.send(1);
		expect(port.alert(9, 'stop')).toBe(true);
		expect(port.getSync()).toEqual(new AlertEvent(9, 'stop'));
		expect(port.getnSync({ min: 5, max: 5 })).toEqual([new AlertEvent(9, 'stop')]);
		expect(port.alert(8, 'other', { update: true })).toBe(false);
		expect(port.getSync()).toEqual(new AlertEvent(9, 'stop'));
		expect(port.alert(7, 'other')).toBe(true);
		expect(port.getSync()).toEqual(new AlertEvent(7, 'other'));
		expect(port.stats()).toMatchObject({ alert: 7, queued: 1, slots: 1 });
		port.clearAlert();
		port.clearAlert();
		expect(port.getSync()).toEqual(new UserEvent(1, undefined));
	});
});

describe('timeouts', () => {
	it('are values', () => {
		expect(port.getSync({ timeout: 0.5 })).toBeNull();
		port.send(1);
		expect(port.getnSync({ min: 2, timeout: 1 })).toEqual([new UserEvent(1, undefined)]);
		expect(port.getnSync({ min: 2, timeout: 0 })).toEqual([]);
	});

	it('are never early', () => {
		const start = process.hrtime.bigint();
		expect(port.getSync({ timeout: 20.25 })).toBeNull();
		expect(process.hrtime.bigint() - start).toBeGreaterThanOrEqual(20_250_000n);
	});
});

describe('a view', () => {
	it('holds events by row until it is filled again', () => {
		const view = new EventView<unknown>(4);
		port.send(5, 'five');
		port.send(-6, 6);
		port.associate(port.fd, POLLIN, { self: true });
		expect(port.take(view)).toBe(3);
		expect(view.length).toBe(3);
		const rows = [0, 1, 2].map((row) => [view.source(row), view.events(row), view.user(row)]);
		expect(rows).toEqual([
			[Source.USER, 5, 'five'],
			[Source.USER, -6, 6],
			[Source.FD, POLLIN, { self: true }],
		]);
		expect(view.object(2)).toBe(port.fd);
		port.send(1);
		expect(view.user(0)).toBe('five');
		expect(port.take(view)).toBe(1);
		expect([view.length, view.user(0), view.user(1)]).toEqual([1, undefined, undefined]);
	});

	it('takes no more than it has room for', () => {
		for (let i = 0; i < 10; i++) port.send(i);
		expect(port.take(new EventView(4))).toBe(4);
		expect(port.count()).toBe(6);
	});
});

describe('a port', () => {
	it('counts', () => {
		port.send(1);
		port.send(2);
		port.getSync();
		const stats = port.stats();
		expect(stats).toMatchObject({ queued: 1, slots: 1, waiters: 0, members: 1, limit: 65536 });
		expect(stats.delivered).toEqual({ aio: 0, timer: 0, user: 1, fd: 0, alert: 0, mq: 0, file: 0 });
		expect(stats.ports).toBeGreaterThanOrEqual(1);
		expect(port.count()).toBe(1);
	});

	it('shows itself and its events', () => {
		port.send(1);
		expect(inspect(port)).toBe(`Port { fd: ${port.fd}, queued: 1, waiting: 0, ref: true }`);
		port.unref();
		expect(inspect(port)).toContain('ref: false');
		expect(inspect(new FdEvent(3, 0x4011, 'u'))).toBe(
			"FdEvent { fd: 3, events: POLLIN|POLLHUP|0x4000, user: 'u' }",
		);
		expect(inspect(new FdEvent(3, 0, 0))).toContain('events: 0x0');
		port.close();
		expect(inspect(port)).toBe('Port { closed: true }');
	});

	it('closes once, and its descriptors with it', () => {
		port.close();
		const before = openDescriptors();
		const other = new Port();
		other.send(1, {});
		expect(openDescriptors().length).toBeGreaterThan(before.length);
		other.close();
		other.close();
		expect([other.closed, other.fd]).toEqual([true, -1]);
		expect(openDescriptors()).toEqual(before);
	});

	it('is disposable', async () => {
		const other = new Port();
		other[Symbol.dispose]();
		expect(other.closed).toBe(true);
		await port[Symbol.asyncDispose]();
		expect(port.closed).toBe(true);
	});

	it('refuses every call once closed', async () => {
		port.close();
		const closed = expect.objectContaining({ code: 'ERR_PORT_CLOSED' });
		for (const call of [
			() => port.associate(0, POLLIN),
			() => port.associateAll([]),
			() => port.dissociate(0),
			() => port.send(1),
			() => port.alert(1),
			() => port.clearAlert(),
			() => port.getSync(),
			() => port.getnSync(),
			() => port.take(new EventView()),
			() => port.count(),
			() => port.stats(),
			() => port[Symbol.asyncIterator](),
			() => port.batches(),
		]) {
			expect(call).toThrow(closed);
		}
		await expect(port.get()).rejects.toEqual(closed);
		await expect(port.getn()).rejects.toEqual(closed);
	});

	it('is attached by its number in the same thread, and outlives that', () => {
		const other = Port.attach<unknown>(port.fd);
		other.send(1, { same: 'thread' });
		expect(port.getSync()).toEqual(new UserEvent(1, { same: 'thread' }));
		other.close();
		expect([other.closed, port.closed]).toEqual([true, false]);
		port.send(2);
		const another = Port.attach(port.fd);
		port.close();
		expect(another.closed).toBe(true);
		expect(() => another.send(1)).toThrow(expect.objectContaining({ code: 'ERR_PORT_CLOSED' }));
	});

	it('can be found only by the number of a port', () => {
		expect(() => Port.attach(99_999)).toThrow(PortError);
		expect(() => Port.attach(99_999)).toThrow(expect.objectContaining({ code: 'EBADF' }));
		expect(() => Port.attach(1)).toThrow(
			expect.objectContaining({ code: 'EBADFD', errno: -77, syscall: 'port_attach' }),
		);
	});
});
