// Arguments are checked here, before a call: the addon takes what it is given.

import { types } from 'node:util';
import { invalidType, invalidValue, outOfRange } from './errors.js';

const INT32_MIN = -0x80000000;
const INT32_MAX = 0x7fffffff;
const POLL_MAX = 0xffff; // clause 2.2.7

/** @internal */
export function integer(name: string, value: unknown, min: number, max: number): number {
	if (typeof value !== 'number') throw invalidType(name, 'of type number', value);
	if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
	if (value < min || value > max) throw outOfRange(name, `>= ${min} and <= ${max}`, value);
	return value;
}

/** @internal The `events` of a message: any 32-bit number. */
export function int32(name: string, value: unknown): number {
	if (typeof value === 'number' && (value | 0) === value) return value;
	return integer(name, value, INT32_MIN, INT32_MAX);
}

/** @internal */
export function descriptor(name: string, value: unknown): number {
	if (typeof value === 'number' && (value | 0) === value && value >= 0) return value;
	return integer(name, value, 0, INT32_MAX);
}

/** @internal Bits of poll(2). */
export function pollMask(name: string, value: unknown): number {
	return integer(name, value, 0, POLL_MAX);
}

/** @internal */
export function object(name: string, value: unknown): void {
	if (typeof value !== 'object' || value === null) throw invalidType(name, 'of type object', value);
}

/** @internal Milliseconds; undefined and Infinity: -1, for ever. */
export function timeout(value: unknown): number {
	if (value === undefined || value === Number.POSITIVE_INFINITY) return -1;
	if (typeof value !== 'number') throw invalidType('options.timeout', 'of type number', value);
	if (!(value >= 0)) throw outOfRange('options.timeout', '>= 0', value);
	return value;
}

/** @internal */
export function signal(value: unknown): AbortSignal | undefined {
	if (value === undefined || value instanceof AbortSignal) return value;
	throw invalidType('options.signal', 'an instance of AbortSignal', value);
}

const TIME_MAX = 2 ** 63 / 1e6 - 1; // what 64 bits of nanoseconds hold
const EXACT_MAX = 2n ** 63n - 1n;

/** @internal A time, fractions allowed. */
export function milliseconds(name: string, value: unknown): number {
	if (typeof value !== 'number') throw invalidType(name, 'of type number', value);
	if (!(value >= 0 && value <= TIME_MAX)) throw outOfRange(name, `>= 0 and <= ${TIME_MAX}`, value);
	return value;
}

/** @internal Milliseconds since 1970; before that is as good as 1970. */
export function wallTime(name: string, value: unknown): number {
	if (typeof value === 'number' && value < 0 && value >= -TIME_MAX) return 0;
	return milliseconds(name, value);
}

/** @internal A time as a bigint of nanoseconds, or a number of milliseconds. */
export function nanoseconds(name: string, value: unknown): bigint {
	if (typeof value === 'number') return BigInt(Math.ceil(milliseconds(name, value) * 1e6));
	if (typeof value !== 'bigint') throw invalidType(name, 'of type number or bigint', value);
	if (value < 0n || value > EXACT_MAX) throw outOfRange(name, `>= 0n and <= ${EXACT_MAX}n`, value);
	return value;
}

/** @internal */
export function positive(name: string, value: unknown): never {
	throw outOfRange(name, '> 0', value);
}

/** @internal */
export function notZero(name: string): never {
	throw outOfRange(name, `>= ${INT32_MIN} and <= ${INT32_MAX}, and not 0`, 0);
}

/** @internal */
export function typedArray(name: string, value: unknown): never {
	throw invalidType(name, 'an instance of TypedArray', value);
}

/** @internal To be iterated once; what is no iterator after all is told as such while it is. */
export function iterable<T>(name: string, value: Iterable<T>): Iterable<T> {
	if (Array.isArray(value)) return value;
	const make: unknown = Object(value)[Symbol.iterator];
	if (typeof make !== 'function') throw invalidType(name, 'iterable', value);
	const iterator: unknown = make.call(value);
	if (!isObject(iterator) || typeof iterator['next'] !== 'function')
		throw invalidType(name, 'iterable', value);
	return steps(name, iterator as unknown as Iterator<T>);
}

function isObject(value: unknown): value is Record<string, unknown> {
	return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function* steps<T>(name: string, iterator: Iterator<T>): Generator<T> {
	let left = false; // in the middle
	try {
		for (;;) {
			const step = iterator.next();
			if (!isObject(step))
				throw invalidType(`${name}[Symbol.iterator]().next()`, 'an object', step);
			if (step.done) return;
			left = true;
			yield step.value;
			left = false;
		}
	} finally {
		if (left) iterator.return?.();
	}
}

export function oneOf(name: string, value: unknown, allowed: readonly string[]): void {
	if (!allowed.includes(value as string))
		throw invalidValue(name, `one of: ${allowed.join(', ')}`, value);
}

export function boolean(name: string, value: unknown): void {
	if (typeof value !== 'boolean') throw invalidType(name, 'of type boolean', value);
}

/** @internal An option that is off unless it is there; null is no boolean, as in Node. */
export function flag(name: string, value: unknown): boolean {
	if (value !== undefined) boolean(name, value);
	return value === true;
}

/** @internal */
export function ports(value: unknown, index?: number): never {
	if (index === undefined) throw invalidType('ports', 'an array of Ports', value);
	throw invalidType(`ports[${index}]`, 'an instance of Port', value);
}

/** @internal */
export function eventView(value: unknown): never {
	throw invalidType('view', 'an instance of EventView', value);
}

/** Where a view lies; a DataView throws where its buffer was detached or has shrunk. */
function extent(name: string, view: ArrayBufferView): ArrayBufferView {
	try {
		const { buffer, byteOffset, byteLength } = view;
		return { buffer, byteOffset, byteLength };
	} catch {
		// Looking into it throws as well.
		throw invalidValue(
			name,
			'a view of memory that is there',
			Object.prototype.toString.call(view),
		);
	}
}

/** @internal As a Uint8Array whose memory no other thread has. */
export function bytes(name: string, value: unknown, max: number): Uint8Array {
	if (!ArrayBuffer.isView(value))
		throw invalidType(name, 'an instance of Buffer, TypedArray, or DataView', value);
	const { buffer, byteOffset, byteLength } = extent(name, value);
	if (byteLength > max) throw outOfRange(`${name}.byteLength`, `<= ${max}`, byteLength);
	const plain = types.isUint8Array(value) ? value : new Uint8Array(buffer, byteOffset, byteLength);
	return types.isSharedArrayBuffer(buffer) ? Uint8Array.from(plain) : plain;
}

/** @internal A string for the system: no NUL inside. */
export function path(name: string, value: unknown): void {
	if (typeof value !== 'string') throw invalidType(name, 'of type string', value);
	if (value.includes('\0')) throw invalidValue(name, 'a string without null bytes', value);
}

/** @internal */
export function notBigint(name: string, value: unknown): TypeError {
	return invalidType(name, 'of type bigint', value);
}

const STAMP_MAX = 2 ** 63 / 1e6; // of milliseconds, as of bigints: 64 bits of nanoseconds

/** @internal Milliseconds since 1970, or before. */
export function stamp(name: string, value: unknown): void {
	if (typeof value !== 'number') throw invalidType(name, 'of type number', value);
	if (!(Math.abs(value) < STAMP_MAX)) throw outOfRange(name, `within ±${STAMP_MAX}`, value);
}

/** @internal */
export function notStamp(name: string, value: unknown): RangeError {
	return outOfRange(name, '64 bits of nanoseconds', value);
}

/** @internal */
export function notFileObject(value: unknown): TypeError {
	return invalidType('file', 'an instance of FileObject', value);
}
