// A port as this thread knows it, behind every Port object that names it: the addon's handle,
// the cookies, the gets that wait.

import type { RecordableHistogram } from 'node:perf_hooks';
import type { Filling } from './aio-requests.js';
import { now, setTimeout } from './clock.js';
import { CookieTable } from './cookies.js';
import { channels } from './diagnostics.js';
import { callFailed, cookieCantCross, PortError, portClosed } from './errors.js';
import { AlertEvent, FdEvent, OtherEvent, type PortEvent, UserEvent } from './events.js';
import type { FileTable } from './file-table.js';
import type { FileEntry, Particular } from './files.js';
import * as later from './later.js';
import { CANT_CROSS, native, SOURCE_FILE_STANDING, SOURCE_POSTED } from './native.js';
import type { TimerList } from './timers.js';
import { type Wait, WaitList } from './waits.js';

const EBADF = -9;
const EINVAL = -22;
const EBADFD = -77;

/** @internal What a row of the columns becomes, by its PORT_SOURCE_*. */
export type Decoder = (binding: Binding, row: number) => unknown;
const decoders: Decoder[] = [];
// Of these the file is loaded with the first call on it or, here, with the first event of another
// thread's.
const LATER: Readonly<Record<number, () => unknown>> = {
	1: later.aio,
	2: later.timers,
	7: later.files,
	[SOURCE_FILE_STANDING]: later.files,
};

function decoderOf(kind: number): Decoder {
	if (decoders[kind] === undefined) LATER[kind]?.();
	return decoders[kind] ?? decodeOther;
}

// Of a source that Node has no calls for.
function decodeOther(b: Binding, row: number): unknown {
	const [number, about, bits] = [source[row], object[row], events[row]] as [number, number, number];
	return new OtherEvent(number, about, bits, b.user(row, false));
}

/** @internal For the file of a source: how its rows become events. */
export function decodeSource(source: number, decoder: Decoder): void {
	decoders[source] = decoder;
}

// By handle. A value in flight may lead back to its port, so what isn't waiting is held weakly.
const known: (WeakRef<Binding> | undefined)[] = [];
const waiting: (Binding | undefined)[] = [];

/** @internal */
export const columns = native.setup({
	ready: (handle, count, alerted) => waiting[handle]?.ready(count, alerted),
	notice: (handle, closed) => known[handle]?.deref()?.notice(closed),
	checkpoint: () => {},
});
const { events, source, object, user, raw, start, length, bytes } = columns;
/** @internal Rows of the columns: what one call can carry. */
export const ROWS = events.length;

// Ports that were collected without close() let go of the port.
const collected = new FinalizationRegistry<WeakRef<Binding>>((binding) => {
	const handle = known.indexOf(binding);
	if (handle < 0) return;
	known[handle] = undefined;
	native.release(handle);
});

/** @internal */
export class Binding {
	readonly handle: number;
	readonly fd: number;
	readonly cookies: CookieTable;
	readonly waits = new WaitList();
	/** Associations of files; made with the first (files.ts). */
	files: FileTable<FileEntry> | undefined;
	/** By their keys, what was ended by exceptions that are still queued, while it is associated anew. */
	readonly ended = new Map<number, Particular[]>();
	/** Made with the first timer (timers.ts). */
	timers: TimerList | undefined;
	/** Requests that fill buffers, by their places in the addon's table (aio-requests.ts). */
	readonly requests: (Filling | undefined)[] = [];
	closed = false;
	#ports = 0; // Port objects that share this
	#ref = true;
	#alert = 0; // code of the alert this thread set last
	/** How long gets waited, in nanoseconds; made when asked for. */
	histogram: RecordableHistogram | null = null;
	readonly #alertsReplaced: number[] = []; // a wait may have a copy of them (3.15)
	readonly #associated = new Map<number, number>(); // descriptor to a code of the table

	private constructor(handle: number) {
		this.handle = handle;
		this.fd = native.number(handle);
		this.cookies = new CookieTable(() => this.#reclaim());
		const weak = new WeakRef<Binding>(this);
		known[handle] = weak;
		collected.register(this, weak, this);
		if (channels.open.hasSubscribers) channels.open.publish({ fd: this.fd });
	}

	static create(limit: number): Binding {
		const handle = native.create(limit);
		if (handle < 0) throw new PortError(handle, 'port_create');
		return new Binding(handle);
	}

	/** The one binding of the port behind a descriptor. */
	static attach(fd: number): Binding {
		let handle = native.attach(fd);
		if (handle === EBADFD) {
			handle = native.redeem(fd);
			if (handle === EINVAL) handle = EBADFD; // nor a ticket
		}
		if (handle < 0) throw new PortError(handle, 'port_attach');
		const before = known[handle];
		if (before === undefined) return new Binding(handle);
		const binding = before.deref();
		if (binding !== undefined) return binding;
		// Collected, though not yet let go of: what its cookies meant is gone.
		known[handle] = undefined;
		native.release(handle);
		return Binding.attach(fd);
	}

	/** Every binding of this thread. */
	static all(): Binding[] {
		return known.flatMap((binding) => binding?.deref() ?? []);
	}

	// --- Life.

	/** One more Port object shares this. */
	join(): void {
		this.#ports++;
	}

	/** One Port object less; the last one lets go of the port. */
	leave(port: object): void {
		this.#end((wait) => wait.port === port);
		if (--this.#ports === 0) this.#letGo();
	}

	/** Closed for the whole process by the Port that created it. */
	closeEverywhere(): void {
		native.close(this.handle);
		this.#letGo();
	}

	/** Cookies came back, or another thread closed the port. */
	notice(closed: boolean): void {
		if (closed) this.#letGo();
		else this.#reclaim();
	}

	#letGo(): void {
		if (this.closed) return;
		this.closed = true;
		this.#end(() => true);
		if (channels.close.hasSubscribers) channels.close.publish({ fd: this.fd });
		this.#associated.clear();
		this.files?.clear();
		this.ended.clear();
		this.timers?.end();
		this.requests.length = 0;
		this.cookies.clear();
		known[this.handle] = undefined;
		waiting[this.handle] = undefined;
		collected.unregister(this);
		native.release(this.handle);
	}

	#end(which: (wait: Wait) => boolean): void {
		for (const wait of this.waits.all()) {
			if (!which(wait) || !this.waits.remove(wait)) continue;
			this.#waited(wait, 0);
			if (wait.atClose === undefined) wait.reject(portClosed());
			else wait.resolve(wait.atClose as never);
		}
		this.#rearm();
	}

	/** What a failing call throws: of a closed port there is nothing else to say. */
	failure(errno: number, syscall: string, path?: string): Error {
		if (errno === EBADF) this.#letGo(); // the news from elsewhere is late
		const error = this.closed
			? portClosed()
			: errno === CANT_CROSS
				? cookieCantCross()
				: callFailed(errno, syscall, path);
		if (channels.error.hasSubscribers) channels.error.publish({ fd: this.fd, error });
		return error;
	}

	// --- Cookies of associations and of the alert.

	/** What port_associate answered: the descriptor's former value is replaced, or goes with its association. */
	associated(fd: number, code: number, rc: number): void {
		if (this.#associated.size === 0 && !CookieTable.holds(code)) return;
		if (rc === CANT_CROSS) {
			this.cookies.release(code); // nothing was asked of the port: the association there may be stays
			return;
		}
		this.forget(fd);
		if (rc < 0) this.cookies.release(code);
		else if (CookieTable.holds(code)) this.#associated.set(fd, code);
	}

	/** The descriptor is no longer associated: its value goes. */
	forget(fd: number): void {
		const code = this.#associated.get(fd);
		if (code === undefined) return;
		this.#associated.delete(fd);
		this.cookies.release(code);
	}

	alert(flags: number, bits: number, value: unknown): number {
		const code = this.cookies.encode(value);
		const rc = native.alert(this.handle, flags, bits, code);
		if (rc < 0) {
			this.cookies.release(code);
			return rc;
		}
		if (this.waits.first === undefined) this.cookies.release(this.#alert);
		else this.#alertsReplaced.push(this.#alert);
		this.#alert = code;
		return rc;
	}

	#reclaim(): void {
		const count = native.reclaim(this.handle);
		for (let row = 0; row < count; row++) {
			this.cookies.release(CookieTable.own(object[row] as number));
		}
		if (count === ROWS) this.#reclaim();
	}

	// --- From columns to events.

	event<T>(row: number): PortEvent<T> {
		const event = this.decode(row) as PortEvent<T>;
		if (channels.event.hasSubscribers) channels.event.publish({ fd: this.fd, event });
		return event;
	}

	/** The same, told to nobody. */
	decode(row: number): unknown {
		return decoderOf(source[row] as number)(this, row);
	}

	user<T>(row: number, once: boolean): T {
		return this.cookies.value(user[row] as number, once, raw, row) as T;
	}

	/** What a message with bytes carries, copied out of the columns. */
	bytes(row: number): Buffer {
		const from = start[row] as number;
		const count = length[row] as number;
		const own = Buffer.allocUnsafeSlow(count);
		own.set(bytes.subarray(from, from + count));
		return own;
	}

	/** All rows of a batch, and what it left behind up to `max`. */
	list<T>(count: number, max: number): PortEvent<T>[] {
		const list: PortEvent<T>[] = [];
		for (let rows = count; rows > 0; ) {
			const told = channels.event.hasSubscribers;
			for (let row = 0; row < rows; row++) {
				list.push(told ? this.event(row) : (this.decode(row) as PortEvent<T>));
			}
			const left = max - list.length;
			// A full batch of the columns, not of the caller.
			rows = rows === ROWS && left > 0 ? native.take(this.handle, Math.min(left, ROWS), 1) : 0;
		}
		return list;
	}

	// --- Waiting on the event loop.

	/** Puts a get among those that wait. */
	wait(wait: Wait, timeout: number, signal: AbortSignal | undefined): Promise<never> {
		return new Promise<never>((resolve, reject) => {
			wait.resolve = resolve;
			wait.reject = reject;
			if (timeout >= 0) this.#startTimer(wait, timeout);
			if (signal !== undefined) this.#listen(wait, signal);
			this.#waits(wait);
			this.waits.add(wait);
			// Also when it isn't the first: an alert until now was not for it.
			this.#rearm(wait);
		});
	}

	#startTimer(wait: Wait, timeout: number): void {
		const LONGEST = 0x7fffffff; // of setTimeout
		const end = now() + timeout;
		const expire = () => {
			const left = end - now();
			if (left > 0) {
				wait.timer = setTimeout(expire, Math.min(Math.ceil(left), LONGEST));
				if (!this.#ref) wait.timer.unref();
				return;
			}
			this.#expire(wait);
		};
		wait.timer = setTimeout(expire, Math.min(Math.ceil(timeout), LONGEST));
		if (!this.#ref) wait.timer.unref();
	}

	/** Too late: it gets what is there, which may be nothing (2.5.9). */
	#expire(wait: Wait): void {
		this.#rearm(); // an alert that came in time was for it as well (3.15)
		if (!this.waits.remove(wait)) return;
		this.#finish(wait, native.take(this.handle, Math.min(wait.max, ROWS), 0));
		this.#rearm();
	}

	#listen(wait: Wait, signal: AbortSignal): void {
		wait.signal = signal;
		wait.onAbort = () => {
			if (!this.waits.remove(wait)) return;
			this.#waited(wait, 0);
			wait.reject(signal.reason);
			this.#rearm();
		};
		signal.addEventListener('abort', wait.onAbort, { once: true });
	}

	/** Ends waits that match with a value, without an event. */
	cancel(which: (wait: Wait) => boolean, value: unknown): void {
		for (const wait of this.waits.all()) {
			if (!which(wait) || !this.waits.remove(wait)) continue;
			this.#waited(wait, 0);
			wait.resolve(value as never);
		}
		this.#rearm();
	}

	#finish(wait: Wait, count: number): void {
		this.#waited(wait, Math.max(count, 0));
		if (count < 0) wait.reject(this.failure(count, 'port_getn'));
		else wait.resolve(wait.shape(this, count, wait.max) as never);
	}

	/**
	 * Tells the addon for whom it shall call ready(). An alert for others was not for `fresh`.
	 * `rested`: it knows of nobody (an alert it may still have to tell is for nobody either: the
	 * next to wait is `fresh`).
	 */
	#rearm(fresh?: Wait, rested = false): void {
		if (this.closed) return; // the handle may be another's by now
		const { first } = this.waits;
		waiting[this.handle] = first && this;
		if (first === undefined) {
			if (!rested) native.idle(this.handle);
			for (const code of this.#alertsReplaced) this.cookies.release(code);
			this.#alertsReplaced.length = 0;
			return;
		}
		const max = Math.min(first.max, ROWS);
		const rc = native.wait(this.handle, first.min, max, this.#ref);
		if (rc === 0) return;
		if (rc === 1) {
			for (const wait of this.waits.all()) {
				if (wait !== fresh && this.waits.remove(wait)) this.#finish(wait, 1);
			}
		} else {
			this.waits.remove(first);
			this.#waited(first, 0);
			first.reject(this.failure(rc, 'port_getn'));
		}
		this.#rearm();
	}

	/** From the event loop: the first wait's events are in the columns, or everyone's alert. */
	ready(count: number, alerted: boolean): void {
		for (let wait = this.waits.first; wait !== undefined; wait = this.waits.first) {
			this.waits.remove(wait);
			this.#finish(wait, count);
			const next = this.waits.first;
			if (alerted || next === undefined) continue;
			count = native.take(this.handle, Math.min(next.max, ROWS), next.min);
			if (count === 0) break;
		}
		this.#rearm(undefined, true);
	}

	/** Blocks this thread until `wanted` events are there; takes up to `max`. */
	block(max: number, wanted: number, timeout: number): number {
		if (this.histogram === null) return native.get(this.handle, max, wanted, timeout);
		const started = now();
		const count = native.get(this.handle, max, wanted, timeout);
		if (count > 0) this.#record(now() - started);
		return count;
	}

	// --- How long waits last, for those who ask.

	/** From now on the time that gets wait is recorded. */
	monitor(): RecordableHistogram {
		this.histogram ??= later.histograms().createHistogram();
		return this.histogram;
	}

	#record(milliseconds: number): void {
		this.histogram?.record(Math.max(1, Math.round(milliseconds * 1e6)));
	}

	#waits(wait: Wait): void {
		const { fd } = this;
		const { min, max } = wait;
		if (channels.waitStart.hasSubscribers) channels.waitStart.publish({ fd, min, max });
		if (this.histogram !== null || channels.waitEnd.hasSubscribers) {
			wait.started = now();
		}
	}

	#waited(wait: Wait, count: number): void {
		if (wait.started === undefined) return;
		const milliseconds = now() - wait.started;
		if (count > 0) this.#record(milliseconds);
		if (channels.waitEnd.hasSubscribers) {
			channels.waitEnd.publish({ fd: this.fd, milliseconds, count });
		}
	}

	// --- ref and unref.

	get hasRef(): boolean {
		return this.#ref;
	}

	setRef(on: boolean): void {
		if (this.#ref === on) return;
		this.#ref = on;
		for (const { timer } of this.waits.all()) {
			if (timer !== undefined) on ? timer.ref() : timer.unref();
		}
		if (this.waits.first !== undefined) native.setRef(this.handle, on);
	}
}

decodeSource(3, (b, row) => new UserEvent(events[row] as number, b.user(row, true)));
decodeSource(
	SOURCE_POSTED,
	(b, row) => new UserEvent(events[row] as number, b.user(row, true), b.bytes(row)),
);
decodeSource(
	4,
	(b, row) => new FdEvent(object[row] as number, events[row] as number, b.user(row, false)),
);
decodeSource(5, (b, row) => new AlertEvent(events[row] as number, b.user(row, false)));
