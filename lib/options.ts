// What calls of a port take and give besides events.

import type { RecordableHistogram } from 'node:perf_hooks';

/**
 * How a Port is made.
 *
 * @example
 * ```ts
 * const port = new Port({ limit: 1024 });
 * ```
 */
export interface PortOptions {
	/**
	 * Events and associations the port may hold at once, 1 to 2147483647 (clause 12). Default: the
	 * environment's PORT_MAX_EVENTS, or 65536.
	 */
	limit?: number | undefined;
}

/**
 * How long to wait.
 *
 * @example
 * ```ts
 * const event = port.getSync({ timeout: 0.5 });
 * ```
 */
export interface WaitOptions {
	/**
	 * Milliseconds of the real clock, never of a test runner's fake timers; fractions allowed; 0 doesn't wait, nor for the
	 * event loop to have its turn; default: for ever.
	 */
	timeout?: number | undefined;
}

/**
 * How many events to wait for, and how long.
 *
 * @example
 * ```ts
 * const events = port.getnSync({ min: 8, max: 64, timeout: 10 });
 * ```
 */
export interface BatchOptions extends WaitOptions {
	/** Wait until so many are there, 1 to `max`; default 1. */
	min?: number | undefined;
	/** Take at most so many; default 64, or `min` if that is more. */
	max?: number | undefined;
}

/**
 * What may end a wait from outside.
 *
 * @example
 * ```ts
 * await port.get({ signal: AbortSignal.timeout(1000) });
 * ```
 */
export interface Abortable {
	/** Aborting rejects with the signal's reason; no event is lost. */
	signal?: AbortSignal | undefined;
}

/**
 * One item of {@link Port.associateAll}.
 *
 * @example
 * ```ts
 * const item: Association<string> = { fd: 0, events: POLLIN, user: 'stdin' };
 * ```
 */
export interface Association<T = unknown> {
	/** An open descriptor. */
	fd: number;
	/** Bits of poll(2), such as POLLIN. */
	events: number;
	/** Comes back with the event. */
	user?: T | undefined;
}

/**
 * Counters of a port: a snapshot of all threads' and processes' doings (illumos has a kstat).
 *
 * @example
 * ```ts
 * const { queued, limit } = port.stats();
 * ```
 */
export interface PortStats {
	/** Slots the port may use. */
	limit: number;
	/** Slots in use: associations, and events that wait. */
	slots: number;
	/** Events queued. */
	queued: number;
	/** Threads and event loops that wait. */
	waiters: number;
	/** Processes that use the port. */
	members: number;
	/** Ports open in this process. */
	ports: number;
	/** The events value of alert mode, 0: not in it. */
	alert: number;
	/** System calls made to wake a waiter. */
	wakeups: number;
	/** How long gets of this thread waited, in nanoseconds: null without Port.monitorWaits(). */
	waits: RecordableHistogram | null;
	/** Events retrieved, by source. */
	delivered: {
		/** Asynchronous I/O. */
		aio: number;
		/** Timers. */
		timer: number;
		/** Messages. */
		user: number;
		/** Descriptors. */
		fd: number;
		/** Alerts. */
		alert: number;
		/** Message queues. */
		mq: number;
		/** Files. */
		file: number;
	};
}
