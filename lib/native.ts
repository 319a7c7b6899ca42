// The addon, described. The only file that touches it. Failures are negative errnos; nothing
// throws. What doesn't fit into a few numbers crosses in columns that both sides hold.

import { loadAddon } from './addon-file.js';
import type { AioCalls } from './aio-calls.js';
import { nativeMissing } from './errors.js';
import type { FileCalls } from './file-calls.js';
import * as later from './later.js';
import type { SocketCalls } from './socket-calls.js';
import type { TimerCalls } from './timer-calls.js';

/** @internal One row an event, one N-API call a batch. Valid until the next call. */
export interface Columns {
	readonly events: Int32Array;
	readonly source: Int32Array;
	readonly object: Float64Array;
	/** Cookies, as cookies.ts encodes them. */
	readonly user: Float64Array;
	/** The 64 bits of a cookie that `user` can't say. */
	readonly raw: BigUint64Array;
	/** Of rows whose source is SOURCE_POSTED: where their bytes begin in `bytes`, and how many. `length` also of aioPrepare(). */
	readonly start: Int32Array;
	readonly length: Int32Array;
	readonly bytes: Uint8Array;
}

/** @internal In `source`: a message with bytes; 3 for everyone else. */
export const SOURCE_POSTED = 8;
/** @internal In `source`: a file whose association is spent. */
export const SOURCE_FILE = 7;
/** @internal In `source`: a file whose association stands. */
export const SOURCE_FILE_STANDING = 9;
/** @internal In place of an errno: this `user` would have to cross to another process. */
export const CANT_CROSS = -4096;

/** @internal */
export interface Callbacks {
	/**
	 * `count` events were taken for the wait registered by wait(), or -errno; `alerted`: the one
	 * event is for every wait. As after idle().
	 */
	ready(handle: number, count: number, alerted: boolean): void;
	/** The port was closed by another thread, or cookies came back (reclaim()). */
	notice(handle: number, closed: boolean): void;
	/** Does nothing: that it can't be called tells a blocked get() that its worker is ending. */
	checkpoint(): void;
}

/** @internal */
export interface Native extends AioCalls, FileCalls, SocketCalls, TimerCalls {
	/** Once, before anything else. */
	setup(callbacks: Callbacks): Columns;
	create(limit: number): number;
	/** A port of this process by its descriptor; the same handle for the same port. */
	attach(fd: number): number;
	number(handle: number): number;
	/** A new descriptor that gives the port to whoever redeems it. */
	ticket(handle: number): number;
	/** The handle of the port of a ticket. */
	redeem(ticket: number): number;
	/** This environment lets go of the port; the last one closes its descriptor. */
	release(handle: number): void;
	/** Ends every wait of this process on the port; calls on it fail from now on. */
	close(handle: number): void;

	associate(handle: number, fd: number, events: number, user: number): number;
	dissociate(handle: number, fd: number): number;
	/** object, events, user in; -errno of each in `source`. Returns how many failed. */
	associateAll(handle: number, count: number): number;
	/** The handle in `source`, events, user in the first row: arguments cost more. undefined: sent; else -errno. */
	send(): number | undefined;
	/** A message with a copy of the bytes. */
	post(handle: number, events: number, user: number, bytes: Uint8Array): number;
	/** Handles in `source`, user in; -errno of each in `source`. Returns how many were sent. */
	sendn(count: number, events: number): number;
	alert(handle: number, flags: number, events: number, user: number): number;

	/** Without waiting: up to `max` if `wanted` are there. */
	take(handle: number, max: number, wanted: number): number;
	/**
	 * As take(); 0 also where it is the event loop's turn, for 4096 events or a millisecond were answered on the spot
	 * since the last one. Then wait() comes back from there.
	 */
	takeInTurn(handle: number, max: number, wanted: number): number;
	/** Blocks this thread; milliseconds, negative: for ever. Fewer than `wanted`: timeout. */
	get(handle: number, max: number, wanted: number, timeout: number): number;
	/**
	 * Asks for `ready`. 1: an alert meant for those who waited until now is in the first row, nothing
	 * else was done.
	 */
	wait(handle: number, min: number, max: number, ref: boolean): number;
	/** Nobody waits any more. */
	idle(handle: number): void;
	setRef(handle: number, ref: boolean): void;

	count(handle: number): number;
	/** Into `object`: limit, slots, queued, waiters, members, ports, alert, wakeups, delivered[8]. */
	info(handle: number): void;
	/** 0 or the errno, by the name of a system call or of what is done with it. */
	features(): Readonly<Record<string, number>>;
	/** Into `object`: pids of the processes that hold the port, this one first. Returns how many. */
	members(handle: number): number;
	/** Who associated this open file, once others may: 0 nobody, 1 this process, 2 another one. */
	holder(handle: number, fd: number): number;
	/** Into `object`: own cookies that other environments retrieved. Returns how many. */
	reclaim(handle: number): number;
}

function load(): { native: Native; file: string; sourceId: string } {
	try {
		const { addon, file } = loadAddon();
		return { native: addon.instance() as Native, file, sourceId: addon.sourceId };
	} catch (error) {
		throw nativeMissing(error);
	}
}

const loaded = load();
/**
 * @internal A prototype rather than the addon's own object, which has so many properties that V8 keeps them
 * in a hash table: of a prototype's it knows what they are, and calls them without a look.
 */
export const native: Native = process.env['PORT_DEBUG']
	? later.trace().traced(loaded.native, process.env['PORT_DEBUG'])
	: Object.create(loaded.native);
/** @internal The binary that `native` is. */
export const nativeFile = loaded.file;
/** @internal Of what sources it says it is. */
export const nativeSource = loaded.sourceId;
