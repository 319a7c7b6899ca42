// Events as columns of numbers, for those who can't afford an object each.

import type { AioEvent } from './aio-event.js';
import type { Binding } from './binding.js';
import { columns } from './binding.js';
import type { FileEvent } from './file-event.js';
import { SOURCE_FILE, SOURCE_FILE_STANDING, SOURCE_POSTED } from './native.js';
import * as validate from './validate.js';

const AIO = 1; // its data is fetched with the event

/**
 * A reusable batch of events whose fields are read by row: about a third of the cost of objects.
 * Filled by {@link Port.take}; what it holds stays until it is filled again.
 *
 * @example
 * ```ts
 * const view = new EventView<number>(256);
 * for (let n = port.take(view), row = 0; row < n; row++) {
 *   if (view.source(row) === Source.FD) serve(view.object(row), view.events(row));
 * }
 * ```
 */
export class EventView<T = unknown> {
	/** Rows it has room for. */
	readonly capacity: number;
	readonly #events: Int32Array;
	readonly #source: Int32Array;
	readonly #object: Float64Array;
	readonly #user: unknown[] = [];
	readonly #bytes = new Map<number, Buffer>();
	#length = 0;

	/**
	 * @param capacity - rows, 1 to 1024; default 256
	 * @throws RangeError `ERR_OUT_OF_RANGE`
	 */
	constructor(capacity = 256) {
		validate.integer('capacity', capacity, 1, columns.events.length);
		this.capacity = capacity;
		this.#events = new Int32Array(capacity);
		this.#source = new Int32Array(capacity);
		this.#object = new Float64Array(capacity);
	}

	/** Rows that are filled. */
	get length(): number {
		return this.#length;
	}

	/** PORT_SOURCE_* of a row; 0 beyond the end of the capacity. */
	source(row: number): number {
		return this.#source[row] ?? 0;
	}

	/** The events of a row: bits or a number, as its source has it. */
	events(row: number): number {
		return this.#events[row] ?? 0;
	}

	/** The object of a row: a descriptor for PORT_SOURCE_FD and requests that brought one; 0 for messages and alerts. */
	object(row: number): number {
		return this.#object[row] ?? 0;
	}

	/** The value that came with the event of a row. */
	user(row: number): T {
		return this.#user[row] as T;
	}

	/** The bytes that came with the message of a row, if it was sent by {@link Port.post}. */
	bytes(row: number): Buffer | undefined {
		return this.#bytes.get(row);
	}

	/** @internal Not what only inherits from one. */
	static is(value: unknown): boolean {
		return typeof value === 'object' && value !== null && #length in value;
	}

	/** @internal What was made, whatever the object says of itself by now. */
	static room(view: EventView<never>): number {
		return view.#events.length;
	}

	/** @internal */
	static fill(view: EventView<never>, binding: Binding, count: number): number {
		const { events, source, object, user } = columns;
		const values = view.#user;
		if (view.#bytes.size !== 0) view.#bytes.clear();
		for (let row = 0; row < count; row++) {
			let from = source[row] as number;
			if (from === SOURCE_POSTED) {
				view.#bytes.set(row, binding.bytes(row));
				from = 3;
			}
			const code = user[row] as number;
			view.#source[row] = from === SOURCE_FILE_STANDING ? SOURCE_FILE : from;
			view.#events[row] = events[row] as number;
			view.#object[row] = object[row] as number;
			if (from === AIO) {
				const event = binding.decode(row) as AioEvent;
				values[row] = event.user;
				view.#object[row] = event.fd ?? 0;
			} else if (from === SOURCE_FILE || from === SOURCE_FILE_STANDING) {
				values[row] = (binding.decode(row) as FileEvent).user; // its association may be spent
			} else values[row] = code > 0 ? code : binding.user(row, from === 3);
		}
		// Values of the last batch must not be kept alive by a shorter one.
		if (values.length > count) values.length = count;
		view.#length = count;
		return count;
	}
}
