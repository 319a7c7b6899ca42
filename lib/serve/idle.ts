// When a connection was last heard of, by a timer of its port that is set as seldom as possible: what
// happens meanwhile only notes the time, and a timer that expires too early is set for the rest.

import type { Timer } from '../timers.js';
import type { Completes, Ready, ServePort } from './loop.js';

export class Idle implements Ready {
	readonly #timer: Timer<Ready | Completes | undefined>;
	readonly #expired: () => void;
	#limit: number; // ms, 0: none
	#heard = performance.now();
	#due: number; // when the timer expires, 0: it is disarmed

	/** Throws where the port has no room for a timer. */
	constructor(port: ServePort, ms: number, expired: () => void) {
		this.#expired = expired;
		this.#limit = ms;
		this.#due = this.#heard + ms;
		this.#timer = port.after(ms, this);
	}

	limit(ms: number): void {
		this.#limit = ms;
		this.#heard = performance.now();
		const due = this.#heard + ms;
		if (ms > 0 && (this.#due === 0 || due < this.#due)) this.#set(due, ms);
	}

	#set(due: number, ms: number): void {
		this.#due = due;
		this.#timer.set({ value: ms });
	}

	refresh(): void {
		this.#heard = performance.now();
	}

	ready(): void {
		this.#due = 0;
		if (this.#limit === 0) return;
		const due = this.#heard + this.#limit;
		const left = due - performance.now();
		if (left > 0) this.#set(due, left);
		else this.#expired();
	}

	end(): void {
		this.#limit = 0;
		this.#timer.delete();
	}
}
