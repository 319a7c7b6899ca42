// Timers of a port: handles that the process keeps until they are deleted.

import { type InspectOptionsStylized, inspect } from 'node:util';
import { type Binding, columns, decodeSource } from './binding.js';
import { CookieTable } from './cookies.js';
import { PortError, portClosed, timerDeleted } from './errors.js';
import { TimerEvent } from './events.js';
import { native } from './native.js';
import * as validate from './validate.js';

const INDICES = 2 ** 26; // an id is a generation and an index (native/sources/timer_table.hpp)
const EINVAL = -22;

/**
 * When a timer expires. Numbers are milliseconds, with fractions; bigints are nanoseconds.
 *
 * @example
 * ```ts
 * timer.set({ value: 100, interval: 20 }); // in 100 ms, then every 20
 * timer.set({ value: Date.now() + 60_000, absolute: true });
 * timer.set({ value: 1_500_000n }); // in 1.5 ms
 * ```
 */
export interface TimerSetting {
	/** Time to the first expiration, or its time if `absolute`; 0 disarms. */
	readonly value: number | bigint;
	/** Time between further expirations; 0, the default: there are none. */
	readonly interval?: number | bigint | undefined;
	/** `value` is a time since the epoch, and follows the wall clock when that is set. */
	readonly absolute?: boolean | undefined;
}

/**
 * What is left of a timer, in milliseconds or, where asked for, in nanoseconds.
 *
 * @example
 * ```ts
 * const { value, interval } = timer.get();
 * ```
 */
export interface TimerState<N extends number | bigint = number> {
	/** Until the next expiration; 0: disarmed. */
	readonly value: N;
	/** Between expirations; 0: it expires once. */
	readonly interval: N;
}

// What this thread made, by the index in their id: of all ports, since the process has one table of
// them, and without holes, which would make a dictionary of it.
const made: (Timer<never> | undefined)[] = [];

/** @internal The timers that this thread made for one port; leads back to the port only weakly. */
export class TimerList {
	readonly #binding: WeakRef<Binding>;
	closed = false;

	constructor(binding: Binding) {
		this.#binding = new WeakRef(binding);
		collected.register(binding, this);
	}

	add(index: number, timer: Timer<never>): void {
		while (made.length <= index) made.push(undefined);
		const before = made[index];
		if (before !== undefined) listOf(before).remove(index, before); // another thread deleted it
		made[index] = timer;
	}

	at(index: number): Timer<never> | undefined {
		return made[index];
	}

	remove(index: number, timer: Timer<never>): void {
		if (made[index] !== timer) return;
		made[index] = undefined;
		const code = codeOf(timer);
		if (CookieTable.holds(code)) this.#binding.deref()?.cookies.release(code);
	}

	/** The port is closed here, or nobody can reach it any more. */
	end(): void {
		if (this.closed) return;
		this.closed = true;
		for (let index = 0; index < made.length; index++) {
			const timer = made[index];
			if (timer !== undefined && listOf(timer) === this) made[index] = undefined;
		}
	}
}

const collected = new FinalizationRegistry<TimerList>((list) => list.end());
let idOf: (timer: Timer<never>) => number;
let codeOf: (timer: Timer<never>) => number;
let listOf: (timer: Timer<never>) => TimerList;

function indexOf(id: number): number {
	return id - Math.floor(id / INDICES) * INDICES;
}

/**
 * A timer of a port (section 6 of the contract), made by {@link Port.after}, {@link Port.every} or
 * {@link Port.at}. It takes one place in the port until it is deleted. It belongs to the process:
 * it goes on when the thread that made it ends, and ends when the port is closed for all. It
 * doesn't keep the process alive: a get that waits does.
 *
 * @typeParam T - what `user` values are
 *
 * @example
 * ```ts
 * const idle = port.after(30_000, connection);
 * idle.set({ value: 30_000 }); // again from now
 * idle.delete();
 * ```
 */
export class Timer<T = unknown> implements Disposable {
	readonly #list: TimerList;
	// Its id in two: small integers, whatever the id, take no memory of their own.
	readonly #index: number;
	#generation: number; // -1: deleted here
	readonly #code: number;
	declare private readonly _user: T; // a Timer<A> is no Timer<B>

	static {
		idOf = (timer) => timer.#generation * INDICES + timer.#index;
		codeOf = (timer) => timer.#code;
		listOf = (timer) => timer.#list;
	}

	/** @internal `code` of its cookie, 0 if another thread has it. */
	constructor(list: TimerList, id: number, code: number) {
		this.#list = list;
		this.#generation = Math.floor(id / INDICES);
		this.#index = id - this.#generation * INDICES;
		this.#code = code;
	}

	#check(rc: number, syscall: string): void {
		if (rc >= 0) return;
		if (rc !== EINVAL) throw new PortError(rc, syscall);
		if (this.#list.closed) throw portClosed(); // by a getter of the setting
		this.delete(); // another thread did
		throw timerDeleted();
	}

	#live(): number {
		if (this.#list.closed) throw portClosed();
		if (this.#generation < 0) throw timerDeleted();
		return this.#generation * INDICES + this.#index;
	}

	/**
	 * Arms or disarms it (clause 6.6). An event that is queued stays, and expirations before and
	 * after share one count.
	 *
	 * @throws `ERR_PORT_TIMER_DELETED`, `ERR_PORT_CLOSED`; TypeError or RangeError for times that are
	 *   none
	 *
	 * @example
	 * ```ts
	 * timer.set({ value: 0 }); // disarmed
	 * ```
	 */
	set(setting: TimerSetting): void {
		const id = this.#live();
		validate.object('setting', setting);
		const { value, interval = 0, absolute = false } = setting;
		validate.boolean('setting.absolute', absolute);
		let rc: number;
		if (typeof value === 'number' && typeof interval === 'number') {
			validate.milliseconds('setting.value', value);
			validate.milliseconds('setting.interval', interval);
			rc = native.timerSet(id, value, interval, absolute);
		} else {
			// Both before either is stored: they may be anything.
			const exact = validate.nanoseconds('setting.value', value);
			const every = validate.nanoseconds('setting.interval', interval);
			columns.raw[0] = exact;
			columns.raw[1] = every;
			rc = native.timerSetExact(id, absolute);
		}
		if (rc < 0) this.#check(rc, 'timer_settime');
	}

	/**
	 * How long until the next expiration.
	 *
	 * @param options - `bigint`: in nanoseconds
	 * @throws `ERR_PORT_TIMER_DELETED`, `ERR_PORT_CLOSED`
	 *
	 * @example
	 * ```ts
	 * timer.get().value; // 29999.87
	 * timer.get({ bigint: true }).value; // 29999868153n
	 * ```
	 */
	get(options: { bigint: true }): TimerState<bigint>;
	get(options?: { bigint?: false | undefined }): TimerState;
	get(options: { bigint?: boolean | undefined }): TimerState<number | bigint>;
	get(options: { bigint?: boolean | undefined } = {}): TimerState<number | bigint> {
		const id = this.#live();
		validate.object('options', options);
		const exact = validate.flag('options.bigint', options.bigint);
		this.#check(native.timerGet(id), 'timer_gettime');
		const [value, interval] = columns.raw.subarray(0, 2) as unknown as [bigint, bigint];
		if (exact) return { value, interval };
		return { value: Number(value) / 1e6, interval: Number(interval) / 1e6 };
	}

	/**
	 * Ends it, with an event that is still queued (clause 6.7). Again: does nothing.
	 *
	 * @example
	 * ```ts
	 * timer.delete();
	 * ```
	 */
	delete(): void {
		if (this.#generation < 0) return;
		native.timerDelete(idOf(this as never)); // gone already, if another thread was first
		this.#generation = -1;
		this.#list.remove(this.#index, this as never);
	}

	/** delete(), for `using`. */
	[Symbol.dispose](): void {
		this.delete();
	}

	/** @internal */
	[inspect.custom](_depth: number, options: InspectOptionsStylized, show: typeof inspect): string {
		const gone =
			this.#generation < 0 || this.#list.closed || native.timerGet(idOf(this as never)) < 0;
		return `Timer ${gone ? '{ deleted: true }' : show(this.get(), options)}`;
	}
}

/** @internal */
export function startTimer<T>(
	binding: Binding,
	value: number,
	interval: number,
	absolute: boolean,
	user: T | undefined,
): Timer<T> {
	const code = binding.cookies.encode(user);
	const id = native.timerStart(binding.handle, value, interval, absolute, code);
	if (id < 0) {
		binding.cookies.release(code);
		throw binding.failure(id, 'timer_create');
	}
	binding.timers ??= new TimerList(binding);
	const timer = new Timer<T>(binding.timers, id, code);
	binding.timers.add(indexOf(id), timer as never);
	return timer;
}

function timerOf(binding: Binding, id: number): Timer<never> {
	binding.timers ??= new TimerList(binding);
	const timer = binding.timers.at(indexOf(id));
	// One of another thread: a handle of our own for it.
	return timer !== undefined && idOf(timer) === id ? timer : new Timer(binding.timers, id, 0);
}

const { object, events } = columns;
decodeSource(
	2,
	(binding, row) =>
		new TimerEvent(
			timerOf(binding, object[row] as number),
			events[row] as number,
			binding.user(row, false),
		),
);
