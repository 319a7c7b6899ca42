// Asynchronous I/O of a port: requests, and their data on its way to and from the program's buffers.
//
// The kernel works on memory of the addon's own. What is to be written is copied when the request
// is made, what was read when its event is retrieved: so a buffer that is detached, resized or
// collected meanwhile can't be written to.

import { AioEvent, type AioOperation } from './aio-event.js';
import { type Binding, columns, decodeSource, ROWS } from './binding.js';
import { PortError, portClosed } from './errors.js';
import { native } from './native.js';
import type { Port } from './port.js';
import * as validate from './validate.js';

const READ = 0;
const WRITE = 1;
const FSYNC = 4;
const FDATASYNC = 5;
const NAMES: Record<number, AioOperation> = {
	[READ]: 'read',
	[WRITE]: 'write',
	[FSYNC]: 'fsync',
	[FDATASYNC]: 'fdatasync',
};
const EFAULT = -14;
const LENGTH_MAX = 0x7ffff000; // what one call of the kernel moves
const ANSWERS = ['canceled', 'not-canceled', 'done'] as const;

/** One request of {@link Aio.submit}. */
export type AioOrder<T = unknown> = { readonly fd: number; readonly user?: T } & (
	| {
			/** A vector of buffers is filled, or written, one after the other. */
			readonly operation: 'read' | 'write';
			readonly buffer: NodeJS.TypedArray | readonly NodeJS.TypedArray[];
			/** In bytes, 0 to 2^53 - 1; streams and O_APPEND ignore it. */
			readonly position: number;
	  }
	| { readonly operation: 'fsync' | 'fdatasync' }
);

/** @internal What a request in flight needs when it is done. */
interface Pending {
	readonly operation: number;
	readonly buffers: readonly NodeJS.TypedArray[];
}

/** @internal The requests of one port in this thread. */
export class AioList {
	readonly #pending = new Map<number, Pending>();

	add(request: number, pending: Pending): void {
		this.#pending.set(request, pending);
	}

	take(request: number): Pending | undefined {
		const pending = this.#pending.get(request);
		this.#pending.delete(request);
		return pending;
	}

	/** The port is closed: nobody will ask. */
	end(): void {
		for (const request of this.#pending.keys()) native.aioFinish(request);
		this.#pending.clear();
	}
}

/**
 * A request that was submitted.
 *
 * @example
 * ```ts
 * const request = port.aio.read(fd, buffer, 0);
 * request.cancel();
 * ```
 */
export class AioRequest {
	readonly #request: number;

	/** @internal */
	constructor(request: number) {
		this.#request = request;
	}

	/**
	 * Cancels it if that is still possible (clause 7.9). Its event comes all the same: with the
	 * error ECANCELED if it was.
	 */
	cancel(): 'canceled' | 'not-canceled' | 'done' {
		return ANSWERS[native.aioCancel(this.#request)] as (typeof ANSWERS)[number];
	}
}

function lengthOf(buffers: readonly NodeJS.TypedArray[]): number {
	let length = 0;
	for (const [i, buffer] of buffers.entries()) {
		if (!ArrayBuffer.isView(buffer) || buffer instanceof DataView) validate.typedArray(i, buffer);
		length += buffer.byteLength;
	}
	validate.integer('length', length, 0, LENGTH_MAX);
	return length;
}

function prepare(
	binding: Binding,
	operation: number,
	fd: number,
	buffers: readonly NodeJS.TypedArray[],
	position: number,
	code: number,
): number {
	validate.descriptor('fd', fd);
	validate.integer('position', position, 0, Number.MAX_SAFE_INTEGER);
	const length = lengthOf(buffers);
	const request = native.aioPrepare(binding.handle, operation, fd, length, position, code);
	if (request < 0) throw binding.failure(request, 'aio_submit');
	let at = 0;
	for (const buffer of operation === WRITE ? buffers : []) {
		native.aioFill(request, buffer, at);
		at += buffer.byteLength;
	}
	return request;
}

/**
 * Asynchronous I/O on descriptors (section 7): through io_uring, or through threads where that is
 * refused (see {@link Port.capabilities}). Every request has exactly one event, with `bytes` or
 * `error`. Bad descriptors and offsets are the event's error; only what can't be a request throws.
 *
 * A closed descriptor must not have requests in flight, as with `node:fs`.
 *
 * @typeParam T - what `user` values are
 *
 * @example
 * ```ts
 * const buffer = Buffer.alloc(4096);
 * port.aio.read(fd, buffer, 0, 'first page');
 * const event = await port.get(); // AioEvent { operation: 'read', bytes: 4096, ... }
 * ```
 */
export class Aio<T = unknown> {
	readonly #binding: Binding;
	readonly #promises: AioPromises;

	/** @internal `own` makes a port for the promises. */
	constructor(binding: Binding, own: () => Port<never>) {
		this.#binding = binding;
		this.#promises = new AioPromises(own);
		announce();
	}

	/** The same requests as promises, which need no get. They report to a port of their own. */
	get promises(): AioPromises {
		return this.#promises;
	}

	#one(
		operation: number,
		fd: number,
		buffers: readonly NodeJS.TypedArray[],
		position: number,
		user: T | undefined,
	): AioRequest {
		return start(this.#binding, operation, fd, buffers, position, user);
	}

	/**
	 * Reads into a buffer, as far as there is something.
	 *
	 * @param position - in bytes, 0 to 2^53 - 1; streams ignore it
	 * @param user - comes back with the event
	 * @throws {@link PortError} EAGAIN: the port is full, nothing was submitted; ENOMEM
	 */
	read(fd: number, buffer: NodeJS.TypedArray, position: number, user?: T): AioRequest {
		return this.#one(READ, fd, [buffer], position, user);
	}

	/** Writes what is in the buffer now; with O_APPEND at the end, whatever the position. */
	write(fd: number, buffer: NodeJS.TypedArray, position: number, user?: T): AioRequest {
		return this.#one(WRITE, fd, [buffer], position, user);
	}

	/** Reads into several buffers, one after the other. */
	readv(fd: number, buffers: readonly NodeJS.TypedArray[], position: number, user?: T): AioRequest {
		return this.#one(READ, fd, buffers, position, user);
	}

	/** Writes several buffers, one after the other. */
	writev(
		fd: number,
		buffers: readonly NodeJS.TypedArray[],
		position: number,
		user?: T,
	): AioRequest {
		return this.#one(WRITE, fd, buffers, position, user);
	}

	/** Brings what was written before onto the disk, when that is done (clause 14.4.6). */
	fsync(fd: number, user?: T): AioRequest {
		return this.#one(FSYNC, fd, [], 0, user);
	}

	/** The same without the file's other attributes. */
	fdatasync(fd: number, user?: T): AioRequest {
		return this.#one(FDATASYNC, fd, [], 0, user);
	}

	/**
	 * Submits many requests in one call.
	 *
	 * @returns for each the request, or the {@link PortError} that a single one would have thrown
	 *
	 * @example
	 * ```ts
	 * port.aio.submit(pages.map((buffer, i) => ({ operation: 'read', fd, buffer, position: i * 4096 })));
	 * ```
	 */
	submit(orders: Iterable<AioOrder<T>>): (AioRequest | PortError)[] {
		const batch = new Batch(this.#binding);
		for (const order of orders) {
			const { operation, fd, user } = order;
			if (operation === 'read' || operation === 'write') {
				const { buffer, position } = order;
				const buffers = Array.isArray(buffer) ? buffer : [buffer as NodeJS.TypedArray];
				batch.add(operation === 'read' ? READ : WRITE, fd, buffers, position, user);
			} else {
				validate.oneOf('operation', operation, ['fsync', 'fdatasync']);
				batch.add(operation === 'fsync' ? FSYNC : FDATASYNC, fd, [], 0, user);
			}
		}
		return batch.submit();
	}
}

/** Requests on their way into one call. */
class Batch {
	readonly #binding: Binding;
	readonly #codes: number[] = [];
	readonly #requests: number[] = [];
	readonly #done: (AioRequest | PortError)[] = [];

	constructor(binding: Binding) {
		if (binding.closed) throw portClosed();
		this.#binding = binding;
	}

	add(
		operation: number,
		fd: number,
		buffers: readonly NodeJS.TypedArray[],
		position: number,
		user: unknown,
	): void {
		const binding = this.#binding;
		const code = binding.cookies.encode(user);
		let request: number;
		try {
			request = prepare(binding, operation, fd, buffers, position, code);
		} catch (error) {
			binding.cookies.release(code);
			this.submit(); // those before it are no worse for it
			throw error;
		}
		binding.requests ??= new AioList();
		binding.requests.add(request, { operation, buffers: operation === READ ? buffers : [] });
		this.#codes.push(code);
		if (this.#requests.push(request) === ROWS) this.submit();
	}

	submit(): (AioRequest | PortError)[] {
		const count = this.#requests.length;
		if (count === 0) return this.#done;
		const accepted = native.aioSubmit(this.#binding.handle);
		for (let row = 0; row < count; row++) {
			const request = this.#requests[row] as number;
			const rc = accepted === count ? 0 : (columns.source[row] as number);
			if (rc < 0) {
				this.#binding.requests?.take(request);
				this.#binding.cookies.release(this.#codes[row] as number);
			}
			this.#done.push(rc < 0 ? new PortError(rc, 'aio_submit') : new AioRequest(request));
		}
		this.#requests.length = 0;
		this.#codes.length = 0;
		return this.#done;
	}
}

function start(
	binding: Binding,
	operation: number,
	fd: number,
	buffers: readonly NodeJS.TypedArray[],
	position: number,
	user: unknown,
): AioRequest {
	const batch = new Batch(binding);
	batch.add(operation, fd, buffers, position, user);
	const [made] = batch.submit();
	if (made instanceof PortError) throw made;
	return made as AioRequest;
}

interface Settle {
	readonly resolve: (bytes: number) => void;
	readonly reject: (error: Error) => void;
}

/**
 * {@link Port.aio} as promises of the number of bytes. They keep the process alive, and end with
 * their port: a request that is in flight then rejects with `ERR_PORT_CLOSED`.
 *
 * @example
 * ```ts
 * const bytes = await port.aio.promises.read(fd, buffer, 0);
 * ```
 */
export class AioPromises {
	readonly #own: () => Port<never>;
	#port: Port<Settle> | undefined;
	readonly #open = new Set<Settle>();

	/** @internal */
	constructor(own: () => Port<never>) {
		this.#own = own;
	}

	/** Reads into a buffer. */
	read(fd: number, buffer: NodeJS.TypedArray, position: number): Promise<number> {
		return this.#ask((aio, settle) => aio.read(fd, buffer, position, settle));
	}

	/** Writes a buffer. */
	write(fd: number, buffer: NodeJS.TypedArray, position: number): Promise<number> {
		return this.#ask((aio, settle) => aio.write(fd, buffer, position, settle));
	}

	/** Reads into several buffers. */
	readv(fd: number, buffers: readonly NodeJS.TypedArray[], position: number): Promise<number> {
		return this.#ask((aio, settle) => aio.readv(fd, buffers, position, settle));
	}

	/** Writes several buffers. */
	writev(fd: number, buffers: readonly NodeJS.TypedArray[], position: number): Promise<number> {
		return this.#ask((aio, settle) => aio.writev(fd, buffers, position, settle));
	}

	/** Brings what was written before onto the disk. */
	async fsync(fd: number): Promise<void> {
		await this.#ask((aio, settle) => aio.fsync(fd, settle));
	}

	/** The same without the file's other attributes. */
	async fdatasync(fd: number): Promise<void> {
		await this.#ask((aio, settle) => aio.fdatasync(fd, settle));
	}

	#ask(submit: (aio: Aio<Settle>, settle: Settle) => unknown): Promise<number> {
		return new Promise((resolve, reject) => {
			this.#port ??= this.#own() as Port<unknown> as Port<Settle>;
			const settle = { resolve, reject };
			submit(this.#port.aio, settle);
			this.#open.add(settle);
			if (this.#open.size === 1) void this.#pump(this.#port);
		});
	}

	async #pump(port: Port<Settle>): Promise<void> {
		try {
			while (this.#open.size > 0) {
				for (const event of await port.getn({ max: 256 })) {
					if (event.source !== 'aio') continue;
					this.#open.delete(event.user);
					if (event.error === null) event.user.resolve(event.bytes);
					else event.user.reject(event.error);
				}
			}
		} catch (error) {
			for (const settle of this.#open) settle.reject(error as Error);
			this.#open.clear();
		}
	}

	/** @internal */
	close(): void {
		this.#port?.close();
	}
}

/** What carries out asynchronous I/O in this process: {@link Port.capabilities}. */
export interface AioEngine {
	/** `none`: it could not be started; `threads`: io_uring is refused, or was not asked for. */
	readonly engine: 'none' | 'io_uring' | 'threads';
	/** Why it is this one, in words. */
	readonly reason: string;
}

/** @internal */
export function engine(): AioEngine {
	const { kind, reason } = native.aioEngine();
	return { engine: (['none', 'io_uring', 'threads'] as const)[kind] ?? 'none', reason };
}

let announced = false;

/** One notice a process (a thread, strictly) that the slower engine runs, and why. */
function announce(): void {
	if (announced) return;
	announced = true;
	const { kind, error, reason } = native.aioEngine();
	if (kind === 2 && error !== 0) {
		process.emitWarning(`asynchronous I/O runs on threads: ${reason}`, {
			code: 'EVENT_PORTS_AIO_THREADS',
		});
	}
}

/** Moves what was read into the program's buffers; why that can't be, or null. */
function deliver(request: number, buffers: readonly NodeJS.TypedArray[], bytes: number): boolean {
	let at = 0;
	for (const buffer of buffers) {
		if (at >= bytes) break;
		native.aioFetch(request, buffer, at);
		at += buffer.byteLength;
	}
	return at >= bytes;
}

const { object, events } = columns;

decodeSource(1, (binding, row) => {
	const request = object[row] as number;
	const result = events[row] as number;
	const user = binding.user(row, true);
	const pending = binding.requests?.take(request);
	const operation = pending === undefined ? undefined : NAMES[pending.operation];
	let error = result < 0 ? new PortError(result, `aio_${operation ?? 'request'}`) : null;
	// A buffer that has shrunk or was detached since has less room than was read.
	if (pending?.operation === READ && result > 0 && !deliver(request, pending.buffers, result)) {
		error = new PortError(EFAULT, 'aio_read');
	}
	native.aioFinish(request);
	return new AioEvent(operation, error === null ? Math.max(result, 0) : 0, error, user);
});
