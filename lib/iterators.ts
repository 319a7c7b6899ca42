// for await over a port. Written by hand: an async generator costs twice as much an event, and
// couldn't be returned while it waits.

import type { Binding } from './binding.js';
import { takeInTurn } from './retrieval.js';
import { type Shape, Wait } from './waits.js';

type Result<V> = IteratorResult<V, undefined>;

const DONE: Result<never> = { done: true, value: undefined };

/** @internal What the Port hands over to its iterators. */
export interface Stream {
	readonly port: object;
	readonly binding: Binding;
	readonly min: number;
	readonly max: number;
	readonly timeout: number;
	readonly signal: AbortSignal | undefined;
	readonly shape: Shape;
	isClosed(): boolean;
}

/** @internal Ends when the port is closed; return() ends a next() that waits. */
export class PortIterator<V> implements AsyncIterableIterator<V, undefined>, AsyncDisposable {
	readonly #stream: Stream;
	readonly #waits = new Set<Wait>();
	#done = false;
	#behind = 0; // calls of next() that wait for their turn
	#last: Promise<unknown> = Promise.resolve();

	constructor(stream: Stream) {
		this.#stream = stream;
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	/** Several at once have their answers in the order in which they asked. */
	next(): Promise<Result<V>> {
		if (this.#behind === 0 && this.#waits.size === 0) return this.#ask();
		this.#behind++;
		const ask = () => {
			this.#behind--;
			return this.#ask();
		};
		const answer = this.#last.then(ask, ask);
		this.#last = answer;
		return answer;
	}

	#ask(): Promise<Result<V>> {
		const stream = this.#stream;
		if (this.#done || stream.isClosed()) return this.return();
		if (stream.signal?.aborted) {
			if (this.#waits.size > 0) return this.return(); // who waited was told the reason
			this.#done = true;
			return Promise.reject(stream.signal.reason);
		}
		let count: number;
		try {
			count = takeInTurn(stream.binding, stream.max, stream.min);
		} catch (error) {
			this.#done = true;
			return Promise.reject(error);
		}
		if (count > 0) return Promise.resolve(this.#result(count));
		const shape: Shape = (_binding, rows) => {
			this.#waits.delete(wait);
			return this.#result(rows);
		};
		const wait = new Wait(stream.port, stream.min, stream.max, shape, DONE);
		this.#waits.add(wait);
		const answer: Promise<Result<V>> = stream.binding.wait(wait, stream.timeout, stream.signal);
		if (this.#behind === 0) this.#last = answer;
		return answer;
	}

	#result(count: number): Result<V> {
		const { shape, binding, max } = this.#stream;
		return { done: false, value: shape(binding, count, max) as V };
	}

	return(): Promise<Result<V>> {
		this.#done = true;
		if (this.#waits.size > 0) {
			this.#stream.binding.cancel((wait) => this.#waits.has(wait), DONE);
			this.#waits.clear();
		}
		return Promise.resolve(DONE);
	}

	throw(error: unknown): Promise<Result<V>> {
		void this.return();
		return Promise.reject(error);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.return();
	}
}
