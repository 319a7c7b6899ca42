// Associations of files by their keys. There may be very many, and a Map takes three times as
// much: here the key stands in the entry itself, and an entry takes a place or a little more.

/** Entries in a table with open addressing, at most three quarters full. */
export class FileTable<E extends object> {
	readonly #keyOf: (entry: E) => number;
	#places: (E | undefined)[] = [];
	#count = 0;

	constructor(keyOf: (entry: E) => number) {
		this.#keyOf = keyOf;
	}

	// Keys are 16 apart and mostly dense: each has a place of its own.
	#home(key: number): number {
		return (key / 16) & (this.#places.length - 1);
	}

	/** Where the key is, or the empty place where it would be. */
	#find(key: number): number {
		const places = this.#places;
		const mask = places.length - 1;
		for (let at = this.#home(key); ; at = (at + 1) & mask) {
			const entry = places[at];
			if (entry === undefined || this.#keyOf(entry) === key) return at;
		}
	}

	get(key: number): E | undefined {
		return this.#count === 0 ? undefined : this.#places[this.#find(key)];
	}

	/** The entry of that key until now. */
	put(entry: E): E | undefined {
		if ((this.#count + 1) * 4 > this.#places.length * 3) this.#grow();
		const at = this.#find(this.#keyOf(entry));
		const former = this.#places[at];
		this.#places[at] = entry;
		if (former === undefined) this.#count++;
		return former;
	}

	/** The entry that was there. */
	remove(key: number): E | undefined {
		if (this.#count === 0) return undefined;
		const places = this.#places;
		const mask = places.length - 1;
		let hole = this.#find(key);
		const removed = places[hole];
		if (removed === undefined) return undefined;
		// Those behind it move up, unless that would take them above their home.
		for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
			const entry = places[at];
			if (entry === undefined) break;
			const fromHome = (at - this.#home(this.#keyOf(entry))) & mask;
			if (fromHome < ((at - hole) & mask)) continue;
			places[hole] = entry;
			hole = at;
		}
		places[hole] = undefined;
		this.#count--;
		return removed;
	}

	clear(): void {
		this.#places = [];
		this.#count = 0;
	}

	#grow(): void {
		const former = this.#places;
		this.#places = new Array(Math.max(16, former.length * 2)).fill(undefined);
		for (const entry of former) {
			if (entry !== undefined) this.#places[this.#find(this.#keyOf(entry))] = entry;
		}
	}
}
