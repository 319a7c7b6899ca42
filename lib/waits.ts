// Gets that wait on the event loop, in the order of clause 3.10: the fewest wanted first, the
// newest first among equals.

import type { Binding } from './binding.js';
import { clearTimeout } from './clock.js';

/** @internal How a get wants its result: made from `count` rows of the columns. */
export type Shape = (binding: Binding, count: number, max: number) => unknown;

/** @internal */
export class Wait {
	/** Whose get it is. */
	readonly port: object;
	readonly min: number;
	readonly max: number;
	readonly shape: Shape;
	/** What it gets when the port is closed; without, it fails. */
	readonly atClose: unknown;
	resolve!: (value: never) => void;
	reject!: (reason: unknown) => void;
	/** When it began, if anybody wants to know. */
	started: number | undefined;
	timer: NodeJS.Timeout | undefined;
	signal: AbortSignal | undefined;
	onAbort: (() => void) | undefined;
	next: Wait | undefined;
	previous: Wait | undefined;
	waiting = true;

	constructor(port: object, min: number, max: number, shape: Shape, atClose: unknown) {
		this.port = port;
		this.min = min;
		this.max = max;
		this.shape = shape;
		this.atClose = atClose;
	}
}

/** @internal */
export class WaitList {
	first: Wait | undefined;
	size = 0;

	add(wait: Wait): void {
		let before: Wait | undefined;
		let at = this.first;
		while (at !== undefined && at.min < wait.min) {
			before = at;
			at = at.next;
		}
		wait.previous = before;
		wait.next = at;
		if (before === undefined) this.first = wait;
		else before.next = wait;
		if (at !== undefined) at.previous = wait;
		this.size++;
	}

	/** Takes a wait out with all that could still end it. False: it has ended before. */
	remove(wait: Wait): boolean {
		if (!wait.waiting) return false;
		wait.waiting = false;
		if (wait.previous === undefined) this.first = wait.next;
		else wait.previous.next = wait.next;
		if (wait.next !== undefined) wait.next.previous = wait.previous;
		this.size--;
		if (wait.timer !== undefined) clearTimeout(wait.timer);
		if (wait.signal !== undefined && wait.onAbort !== undefined) {
			wait.signal.removeEventListener('abort', wait.onAbort);
		}
		return true;
	}

	/** All of them as they stand now. */
	*all(): Generator<Wait> {
		for (let at = this.first; at !== undefined; ) {
			const next: Wait | undefined = at.next;
			yield at;
			at = next;
		}
	}
}
