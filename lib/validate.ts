// Arguments are checked here, before a call: the addon takes what it is given.

import { invalidType, outOfRange } from './errors.js';

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

/** @internal */
export function ports(value: unknown, index?: number): never {
	if (index === undefined) throw invalidType('ports', 'an array of Ports', value);
	throw invalidType(`ports[${index}]`, 'an instance of Port', value);
}

/** @internal */
export function eventView(value: unknown): never {
	throw invalidType('view', 'an instance of EventView', value);
}
