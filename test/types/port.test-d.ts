// What the compiler knows about the public API.

import {
	type AioOrder,
	type AlertEvent,
	EventView,
	type FdEvent,
	listen,
	type OtherEvent,
	Port,
	type PortError,
	type PortEvent,
	type PortStats,
	Source,
	sendn,
	type TimerState,
	type UserEvent,
	watch,
} from 'event-ports';
import { describe, expectTypeOf, it } from 'vitest';

interface Job {
	id: number;
}
declare const port: Port<Job>;
declare const event: PortEvent<Job>;

describe('events', () => {
	it('are told apart by source', () => {
		if (event.source === 'fd') {
			expectTypeOf(event).toEqualTypeOf<FdEvent<Job>>();
			expectTypeOf(event.fd).toBeNumber();
		}
		if (event.source === 'user') expectTypeOf(event).toEqualTypeOf<UserEvent<Job>>();
		if (event.source === 'alert') expectTypeOf(event).toEqualTypeOf<AlertEvent<Job>>();
		if (event.source === 'other') expectTypeOf(event).toEqualTypeOf<OtherEvent<Job>>();
		expectTypeOf<Extract<PortEvent, { source: 'fd' | 'user' | 'alert' }>>().toEqualTypeOf<
			FdEvent | UserEvent | AlertEvent
		>();
	});

	it('have fields that are read only', () => {
		// @ts-expect-error: an event is a fact
		event.source = 'fd';
		// @ts-expect-error: only descriptors' events have one
		event.fd;
	});
});

describe('a Port', () => {
	it('knows its values', () => {
		expectTypeOf(port.get()).resolves.toEqualTypeOf<PortEvent<Job> | null>();
		expectTypeOf(port.getn({ min: 1 })).resolves.toEqualTypeOf<PortEvent<Job>[]>();
		expectTypeOf(port.getSync()).toEqualTypeOf<PortEvent<Job> | null>();
		expectTypeOf(port.getnSync()).toEqualTypeOf<PortEvent<Job>[]>();
		expectTypeOf(new Port().getSync()).toEqualTypeOf<PortEvent<unknown> | null>();
		expectTypeOf(Port.attach<Job>(3)).toEqualTypeOf<Port<Job>>();
		port.send(1, { id: 1 });
		port.send(1);
		// @ts-expect-error: not a Job
		port.send(1, 'text');
		// @ts-expect-error: not a Job
		port.associate(1, 1, 2);
	});

	it('is iterable and disposable', async () => {
		expectTypeOf(port).toExtend<AsyncIterable<PortEvent<Job>>>();
		expectTypeOf(port).toExtend<Disposable & AsyncDisposable>();
		for await (const one of port) expectTypeOf(one).toEqualTypeOf<PortEvent<Job>>();
		for await (const some of port.batches({ max: 2 })) {
			expectTypeOf(some).toEqualTypeOf<PortEvent<Job>[]>();
		}
	});

	it('gives iterations that are disposable', () => {
		expectTypeOf(port[Symbol.asyncIterator]()).toExtend<AsyncDisposable>();
		expectTypeOf(port.batches()).toExtend<AsyncDisposable>();
		expectTypeOf(watch('name')).toExtend<AsyncDisposable>();
	});

	it('tells a timer in milliseconds or nanoseconds', () => {
		const timer = port.after(1);
		expectTypeOf(timer.get()).toEqualTypeOf<TimerState>();
		expectTypeOf(timer.get({ bigint: true })).toEqualTypeOf<TimerState<bigint>>();
		const exact = Math.random() < 0.5;
		expectTypeOf(timer.get({ bigint: exact })).toEqualTypeOf<TimerState<number | bigint>>();
	});

	it('answers in values', () => {
		expectTypeOf(port.alert(1, undefined, { update: true })).toBeBoolean();
		expectTypeOf(port.associateAll([{ fd: 1, events: 1, user: { id: 2 } }])).toEqualTypeOf<
			(Error | null)[]
		>();
		expectTypeOf(port.stats()).toEqualTypeOf<PortStats>();
		expectTypeOf(port.ref().unref()).toEqualTypeOf<Port<Job>>();
		expectTypeOf(sendn([port, port], 1, { id: 3 }).sent).toBeNumber();
		const view = new EventView<Job>(8);
		expectTypeOf(port.take(view)).toBeNumber();
		expectTypeOf(view.user(0)).toEqualTypeOf<Job>();
	});
});

it('what may be left out may be undefined', () => {
	expectTypeOf(listen).toBeCallableWith({ port: 0, host: undefined, backlog: undefined });
	expectTypeOf(listen).toBeCallableWith({ path: '/x', reusePort: undefined });
	const order: AioOrder<Job> = { operation: 'fsync', fd: 1, user: undefined };
	expectTypeOf(order.user).toEqualTypeOf<Job | undefined>();
});

it('constants are literals', () => {
	expectTypeOf(Source.FD).toEqualTypeOf<4>();
	expectTypeOf<PortError['errno']>().toBeNumber();
});
