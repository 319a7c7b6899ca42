// Asynchronous I/O of a port, as its user sees it: requests (aio-requests.ts), and the engine that
// carries them out.

import { AioPromises } from './aio-promises.js';
import {
	type AioOrder,
	type AioRequest,
	CODES,
	start,
	startOrder,
	submitAll,
} from './aio-requests.js';
import type { Binding } from './binding.js';
import type { PortError } from './errors.js';
import { native } from './native.js';
import type { Port } from './port.js';
import type { SocketPlace } from './socket-place.js';

/**
 * Asynchronous I/O on descriptors (section 7): through io_uring, or through threads where that is
 * refused (see {@link Port.capabilities}). Every request has exactly one event, with `bytes` or
 * `error`. Bad descriptors and offsets are the event's error; only what can't be a request throws.
 *
 * A descriptor with requests in flight is closed by {@link closeFd}, which cancels them; `node:fs`
 * does not know of them.
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

	/**
	 * Reads into a buffer, as far as there is something.
	 *
	 * @param position - in bytes, 0 to 2^53 - 1; streams ignore it
	 * @param user - comes back with the event
	 * @throws {@link PortError} EAGAIN: the port is full, nothing was submitted; ENOMEM
	 */
	read(fd: number, buffer: NodeJS.TypedArray, position: number, user?: T): AioRequest {
		return start(this.#binding, CODES.read, fd, buffer, position, user);
	}

	/** Writes what is in the buffer now; with O_APPEND at the end, whatever the position. */
	write(fd: number, buffer: NodeJS.TypedArray, position: number, user?: T): AioRequest {
		return start(this.#binding, CODES.write, fd, buffer, position, user);
	}

	/** Reads into several buffers, one after the other. */
	readv(fd: number, buffers: readonly NodeJS.TypedArray[], position: number, user?: T): AioRequest {
		return startOrder(this.#binding, { operation: 'read', fd, buffer: buffers, position, user });
	}

	/** Writes several buffers, one after the other. */
	writev(
		fd: number,
		buffers: readonly NodeJS.TypedArray[],
		position: number,
		user?: T,
	): AioRequest {
		return startOrder(this.#binding, { operation: 'write', fd, buffer: buffers, position, user });
	}

	/** Brings what was written before onto the disk, when that is done (clause 14.4.6). */
	fsync(fd: number, user?: T): AioRequest {
		return start(this.#binding, CODES.fsync, fd, undefined, 0, user);
	}

	/** The same without the file's other attributes. */
	fdatasync(fd: number, user?: T): AioRequest {
		return start(this.#binding, CODES.fdatasync, fd, undefined, 0, user);
	}

	/**
	 * Takes one connection from a listener's queue, once there is one: `fd` of the event, which is
	 * the program's to close. Beyond illumos, as the next three; `O_NONBLOCK` of a socket means
	 * nothing to them.
	 *
	 * @param listener - of {@link listen}
	 * @throws {@link PortError} as read(). Errors of the event: EMFILE, ECONNABORTED, EINVAL, ...
	 *
	 * @example
	 * ```ts
	 * port.aio.accept(listener);
	 * const event = await port.get(); // AioEvent { operation: 'accept', fd: 21, ... }
	 * ```
	 */
	accept(listener: number, user?: T): AioRequest {
		return start(this.#binding, CODES.accept, listener, undefined, 0, user);
	}

	/**
	 * Connects a new stream socket: `fd` of the event, which is the program's to close.
	 *
	 * @throws {@link PortError} as read(); EINVAL: no IP address; EMFILE. Errors of the event:
	 * ECONNREFUSED, ETIMEDOUT, ENOENT, ...
	 */
	connect(place: SocketPlace, user?: T): AioRequest {
		return startOrder(this.#binding, { operation: 'connect', place, user });
	}

	/** Reads what has come, once something has; 0 bytes: the peer has ended. */
	recv(fd: number, buffer: NodeJS.TypedArray, user?: T): AioRequest {
		return start(this.#binding, CODES.recv, fd, buffer, 0, user);
	}

	/**
	 * Writes what fits, once something does: `bytes` may be fewer. A closed peer is EPIPE, never a
	 * signal. One at a time a socket: several may be carried out in any order.
	 */
	send(fd: number, buffer: NodeJS.TypedArray, user?: T): AioRequest {
		return start(this.#binding, CODES.send, fd, buffer, 0, user);
	}

	/**
	 * Submits many requests in one call.
	 *
	 * @returns for each the request, or the {@link PortError} that a single one would have thrown;
	 * a wrong argument throws, and nothing was submitted
	 *
	 * @example
	 * ```ts
	 * port.aio.submit(pages.map((buffer, i) => ({ operation: 'read', fd, buffer, position: i * 4096 })));
	 * ```
	 */
	submit(orders: Iterable<AioOrder<T>>): (AioRequest | PortError)[] {
		return submitAll(this.#binding, orders);
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
