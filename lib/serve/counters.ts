// What the threads of a server tell each other: one row a worker, written by that worker alone,
// read by all. The first word counts the workers that still accept.

const FIELDS = ['port', 'connections', 'accepted', 'requests', 'bytes', 'read'] as const;
const HEADER = 8; // bytes, so that the rows are aligned

export type Field = (typeof FIELDS)[number];
export type Row = Readonly<Record<Field, number>>;

export class Counters {
	readonly buffer: SharedArrayBuffer;
	readonly workers: number;
	readonly #accepting: Int32Array;
	readonly #rows: Float64Array;

	private constructor(buffer: SharedArrayBuffer) {
		this.buffer = buffer;
		this.#accepting = new Int32Array(buffer, 0, 1);
		this.#rows = new Float64Array(buffer, HEADER);
		this.workers = this.#rows.length / FIELDS.length;
	}

	static make(workers: number): Counters {
		const bytes = HEADER + workers * FIELDS.length * Float64Array.BYTES_PER_ELEMENT;
		const counters = new Counters(new SharedArrayBuffer(bytes));
		Atomics.store(counters.#accepting, 0, workers);
		for (let worker = 0; worker < workers; worker++) counters.set(worker, 'port', -1);
		return counters;
	}

	static of(buffer: SharedArrayBuffer): Counters {
		return new Counters(buffer);
	}

	set(worker: number, field: Field, value: number): void {
		this.#rows[worker * FIELDS.length + FIELDS.indexOf(field)] = value;
	}

	add(worker: number, field: Field, amount: number): void {
		const at = worker * FIELDS.length + FIELDS.indexOf(field);
		this.#rows[at] = (this.#rows[at] ?? 0) + amount;
	}

	row(worker: number): Row {
		const start = worker * FIELDS.length;
		const entries = FIELDS.map((field, i) => [field, this.#rows[start + i] ?? 0]);
		return Object.fromEntries(entries) as Row;
	}

	/** This worker accepts no more. True for the last one. */
	leave(): boolean {
		return Atomics.sub(this.#accepting, 0, 1) === 1;
	}
}
