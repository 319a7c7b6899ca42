// How gets are answered: by what is there, or by a wait.

import { type Binding, ROWS } from './binding.js';
import { portClosed } from './errors.js';
import { native } from './native.js';
import type { Abortable, BatchOptions, WaitOptions } from './options.js';
import * as validate from './validate.js';
import { type Shape, Wait } from './waits.js';

const COUNT_MAX = 0x7fffffff;
const DEFAULT_BATCH = 64;

/** @internal How many events a get wants at least, and takes at most. */
export interface Range {
	readonly min: number;
	readonly max: number;
}

/** @internal */
export const SINGLE: Range = { min: 1, max: 1 };

/** @internal */
export const one: Shape = (binding, count) => (count === 0 ? null : binding.event(0));

/** @internal */
export const many: Shape = (binding, count, max) => binding.list(count, max);

/** @internal */
export function range(options: BatchOptions | undefined): Range {
	if (options === undefined) return { min: 1, max: DEFAULT_BATCH };
	validate.object('options', options);
	const { min = 1 } = options;
	validate.integer('options.min', min, 1, COUNT_MAX);
	const { max = Math.max(min, DEFAULT_BATCH) } = options;
	validate.integer('options.max', max, min, COUNT_MAX);
	return { min, max };
}

/** @internal Into the columns, without waiting: up to `max` if `wanted` are there. */
export function take(binding: Binding, max: number, wanted: number): number {
	return checked(binding, native.take(binding.handle, Math.min(max, ROWS), wanted));
}

/** @internal The same, but nothing while it is the event loop's turn. */
export function takeInTurn(binding: Binding, max: number, wanted: number): number {
	return checked(binding, native.takeInTurn(binding.handle, Math.min(max, ROWS), wanted));
}

function checked(binding: Binding, count: number): number {
	if (count < 0) throw binding.failure(count, 'port_getn');
	return count;
}

/** @internal What get() and getn() promise. Throws what they reject with. */
export function retrieve<R>(
	port: { readonly closed: boolean },
	binding: Binding,
	options: (WaitOptions & Abortable) | undefined,
	{ min, max }: Range,
	shape: Shape,
): Promise<R> {
	let timeout = -1;
	let signal: AbortSignal | undefined;
	if (options !== undefined) {
		validate.object('options', options);
		timeout = validate.timeout(options.timeout);
		signal = validate.signal(options.signal);
		signal?.throwIfAborted();
		if (port.closed) throw portClosed(); // by a getter of the options: its handle may be another's by now
	}
	const count = timeout === 0 ? take(binding, max, 0) : takeInTurn(binding, max, min);
	if (count > 0 || timeout === 0) return Promise.resolve(shape(binding, count, max) as R);
	return binding.wait(new Wait(port, min, max, shape, undefined), timeout, signal);
}
