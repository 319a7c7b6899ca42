// The `user` of an event: 64 bits that only its maker understands (clause 9.4).
//
// Between JavaScript and the addon a cookie is one double:
//   > 0, or a negative int32   the number itself; C and other processes see it as it is
//   0                          undefined (C: NULL)
//   OWN - n                    a value in this thread's table: slot * 256 + generation
//   IMMEDIATE - n              a value that means the same everywhere
//   FOREIGN, BIG               64 bits in the column `raw`, only ever received
// The addon gives the last four their 64-bit form (native/addon/cookies.hpp).
//
// A port has a table of its own in each thread that uses it, so that closing it frees all.

import { type InspectOptionsStylized, inspect } from 'node:util';
import { foreignCookie } from './errors.js';

const INT32_MIN = -(2 ** 31);
const OWN = INT32_MIN - 1;
const OWN_LAST = OWN - (2 ** 32 - 1);
const IMMEDIATE = -(2 ** 33);
const FOREIGN = -(2 ** 34);
const GENERATIONS = 256;
const MAX_SLOTS = 2 ** 24;

const IMMEDIATES: readonly unknown[] = [
	0,
	-0,
	null,
	false,
	true,
	Number.NaN,
	Number.POSITIVE_INFINITY,
	Number.NEGATIVE_INFINITY,
];

/**
 * Stands for a `user` value that can't be had here: an object, string or the like belongs to the
 * thread that sent it, and this event was retrieved by another one. Integers, null, undefined and
 * booleans do cross. Using it as a value throws `ERR_PORT_FOREIGN_COOKIE`.
 *
 * @example
 * ```ts
 * const event = port.getSync();
 * if (event?.user instanceof ForeignCookie) console.log(`not ours: ${event.user.raw}`);
 * ```
 */
export class ForeignCookie {
	/** The 64 bits as another process, or C, would see them. */
	readonly raw: bigint;
	readonly #released: boolean;

	/** @internal */
	constructor(raw: bigint, released = false) {
		this.raw = raw;
		this.#released = released;
	}

	/** @internal Runs nothing of a value that is none, as instanceof does of a Proxy. */
	static is(value: unknown): value is ForeignCookie {
		return typeof value === 'object' && value !== null && #released in value;
	}

	/** Why the value is not here. */
	get reason(): string {
		return this.#released
			? 'the value was replaced or cleared before this copy of its event was retrieved'
			: 'the value belongs to the thread that sent it; only integers, null, undefined and ' +
					'booleans cross to another one';
	}

	/**
	 * Never gives a value.
	 *
	 * @throws TypeError `ERR_PORT_FOREIGN_COOKIE`, always.
	 */
	[Symbol.toPrimitive](): never {
		throw foreignCookie(`A cookie can't be used here: ${this.reason}`);
	}

	/** For JSON.stringify(), which can't write {@link ForeignCookie.raw}: that as hexadecimal text, and the reason. */
	toJSON(): { raw: string; reason: string } {
		return { raw: `0x${this.raw.toString(16)}`, reason: this.reason };
	}

	/** @internal */
	[inspect.custom](_depth: number, options: InspectOptionsStylized): string {
		return options.stylize(
			`ForeignCookie { 0x${this.raw.toString(16)}: ${this.reason} }`,
			'special',
		);
	}
}

function isOwn(code: number): boolean {
	return code <= OWN && code >= OWN_LAST;
}

function immediate(user: unknown): number {
	for (let i = 0; i < IMMEDIATES.length; i++) {
		if (Object.is(IMMEDIATES[i], user)) return IMMEDIATE - i;
	}
	return 0;
}

/** @internal */
export class CookieTable {
	readonly #values: unknown[] = [];
	readonly #generations: number[] = [];
	readonly #free: number[] = [];
	readonly #reclaim: () => void;

	/** `reclaim` frees what other threads retrieved; asked before the table grows far. */
	constructor(reclaim: () => void) {
		this.#reclaim = reclaim;
	}

	/** Values held. */
	get size(): number {
		return this.#values.length - this.#free.length;
	}

	/** The double for a value; a value of the table keeps its place until release() or take(). */
	encode(user: unknown): number {
		if (user === undefined) return 0;
		if (typeof user === 'number') {
			if (user > 0 ? Number.isSafeInteger(user) : user < 0 && (user | 0) === user) return user;
			const code = immediate(user);
			if (code !== 0) return code;
		} else if (user === null || typeof user === 'boolean') {
			return immediate(user);
		} else if (ForeignCookie.is(user)) {
			throw foreignCookie(`A cookie can't be passed on: ${user.reason}`);
		}
		return OWN - this.#hold(user);
	}

	#hold(user: unknown): number {
		let slot = this.#free.pop();
		if (slot === undefined) {
			slot = this.#values.length;
			// Each time it is about to double, so that asking costs nothing.
			if ((slot & (slot - 1)) === 0 && slot !== 0) {
				this.#reclaim();
				slot = this.#free.pop() ?? slot;
			}
			if (slot >= MAX_SLOTS) throw new RangeError('Too many values wait in one port');
			if (slot === this.#generations.length) this.#generations.push(0);
		}
		this.#values[slot] = user;
		return slot * GENERATIONS + (this.#generations[slot] as number);
	}

	/** What a code means, if its value is here and still meant. */
	#slot(code: number): number {
		const index = OWN - code;
		const slot = index >>> 8;
		return this.#generations[slot] === (index & 0xff) ? slot : -1;
	}

	#drop(slot: number): void {
		this.#values[slot] = undefined;
		this.#generations[slot] = ((this.#generations[slot] as number) + 1) % GENERATIONS;
		this.#free.push(slot);
	}

	/** Frees all values, for good. */
	clear(): void {
		this.#values.length = 0;
		this.#generations.length = 0;
		this.#free.length = 0;
	}

	/** Frees the value of a code; others are no one's to free. */
	release(code: number): void {
		if (!isOwn(code)) return;
		const slot = this.#slot(code);
		if (slot >= 0) this.#drop(slot);
	}

	/** Puts another value in the place of a code. False: there is none. */
	replace(code: number, user: unknown): boolean {
		const slot = this.#slot(code);
		if (slot < 0) return false;
		this.#values[slot] = user;
		return true;
	}

	/** The value of a code received; `raw` is asked for the bits where they say more. */
	value(code: number, once: boolean, raw: BigUint64Array, row: number): unknown {
		if (code > 0) return code;
		if (code === 0) return undefined;
		if (code >= INT32_MIN) return code;
		if (code <= FOREIGN) {
			const bits = raw[row] as bigint;
			return code === FOREIGN ? new ForeignCookie(bits) : bits;
		}
		if (code <= IMMEDIATE) return IMMEDIATES[IMMEDIATE - code];
		const slot = this.#slot(code);
		if (slot < 0) return new ForeignCookie(BigInt(OWN - code), true);
		const user = this.#values[slot];
		if (once) this.#drop(slot);
		return user;
	}

	/** Whether a value must be kept in the table for it. */
	static holds(code: number): boolean {
		return isOwn(code);
	}

	/** The code of an entry that another thread gave back. */
	static own(entry: number): number {
		return OWN - entry;
	}
}
