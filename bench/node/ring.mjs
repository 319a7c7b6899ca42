// The peer of benches between threads: a ring of integers in a SharedArrayBuffer, one sender, one
// receiver. A receiver that finds nothing sleeps in Atomics.wait().

const TAIL = 0; // sent so far
const HEAD = 16; // received so far, on a cache line of its own
const ASLEEP = 32;
const CELLS = 48;
const CAPACITY = 65_536;
// Nobody sleeps for longer without a look: a wake-up that V8 or the machine loses is seen in the figures, and
// does not hang the bench (it did once; why was not found).
const LOOK_MS = 1000;

export class Ring {
	#words;
	#lazy;

	/** `lazy`: the receiver says that it sleeps, and is woken only then; else each message wakes. */
	constructor({ memory = new SharedArrayBuffer((CELLS + CAPACITY) * 4), lazy }) {
		this.memory = memory;
		this.#words = new Int32Array(memory);
		this.#lazy = lazy;
	}

	send(value) {
		const words = this.#words;
		const tail = Atomics.load(words, TAIL);
		for (let head = Atomics.load(words, HEAD); ((tail - head) | 0) >= CAPACITY; head = Atomics.load(words, HEAD))
			Atomics.wait(words, HEAD, head, LOOK_MS);
		words[CELLS + (tail & (CAPACITY - 1))] = value;
		Atomics.store(words, TAIL, (tail + 1) | 0);
		if (!this.#lazy) Atomics.notify(words, TAIL, 1);
		else if (Atomics.load(words, ASLEEP) === 1 && Atomics.exchange(words, ASLEEP, 0) === 1)
			Atomics.notify(words, TAIL, 1);
	}

	/** Waits until something is there; adds up to `max` values. Their sum and number. */
	receive(max) {
		const words = this.#words;
		const head = Atomics.load(words, HEAD);
		let tail = Atomics.load(words, TAIL);
		while (tail === head) {
			if (this.#lazy) Atomics.store(words, ASLEEP, 1);
			Atomics.wait(words, TAIL, head, LOOK_MS);
			tail = Atomics.load(words, TAIL);
		}
		const count = Math.min((tail - head) | 0, max);
		let sum = 0;
		for (let i = 0; i < count; i++) sum += words[CELLS + ((head + i) & (CAPACITY - 1))];
		Atomics.store(words, HEAD, (head + count) | 0);
		if (((tail - head) | 0) > CAPACITY / 2) Atomics.notify(words, HEAD, 1);
		return { sum, count };
	}
}
