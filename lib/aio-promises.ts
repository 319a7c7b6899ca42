// Asynchronous I/O as promises, by a port of their own.

import type { Aio } from './aio.js';
import { portClosed } from './errors.js';
import type { Port } from './port.js';
import type { SocketPlace } from './socket-place.js';

interface Settle {
	/** With the number of bytes, or the socket. */
	readonly resolve: (outcome: number) => void;
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
	#closed = false;
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

	/** Takes one connection; its descriptor. */
	accept(listener: number): Promise<number> {
		return this.#ask((aio, settle) => aio.accept(listener, settle));
	}

	/** Connects a new stream socket; its descriptor. */
	connect(place: SocketPlace): Promise<number> {
		return this.#ask((aio, settle) => aio.connect(place, settle));
	}

	/** Reads what has come, once something has; 0: the peer has ended. */
	recv(fd: number, buffer: NodeJS.TypedArray): Promise<number> {
		return this.#ask((aio, settle) => aio.recv(fd, buffer, settle));
	}

	/** Writes what fits, once something does. */
	send(fd: number, buffer: NodeJS.TypedArray): Promise<number> {
		return this.#ask((aio, settle) => aio.send(fd, buffer, settle));
	}

	#ask(submit: (aio: Aio<Settle>, settle: Settle) => unknown): Promise<number> {
		return new Promise((resolve, reject) => {
			if (this.#closed) throw portClosed();
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
					if (event.error === null) event.user.resolve(event.fd ?? event.bytes);
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
		this.#closed = true;
		this.#port?.close();
	}
}
