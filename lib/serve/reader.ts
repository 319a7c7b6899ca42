// Reads a file by asynchronous I/O of a server's port.

import { closeSync, openSync } from 'node:fs';
import type { Loop } from './loop.js';

export class Reader implements Disposable {
	readonly #loop: Loop;
	readonly #fd: number;
	readonly #onRead: (bytes: number) => void;

	/**
	 * `opened` is open for reading, with O_NONBLOCK: to that, file systems such as overlayfs answer
	 * EAGAIN. So the same file is opened once more, without.
	 */
	constructor(loop: Loop, opened: number, onRead: (bytes: number) => void) {
		this.#loop = loop;
		this.#onRead = onRead;
		this.#fd = openSync(`/proc/self/fd/${opened}`, 'r');
	}

	/** How many bytes were read, 0 at the end of the file. No two at a time. */
	async read(buffer: Buffer, position: number): Promise<number> {
		const { bytes, error } = await this.#loop.ask({
			operation: 'read',
			fd: this.#fd,
			buffer,
			position,
		});
		if (error !== null) throw error;
		this.#onRead(bytes);
		return bytes;
	}

	/** The first `size` bytes, or fewer: then the file has become shorter. */
	async whole(size: number): Promise<Buffer> {
		const body = Buffer.allocUnsafe(size);
		let at = 0;
		while (at < size) {
			const bytes = await this.read(body.subarray(at), at);
			if (bytes === 0) break;
			at += bytes;
		}
		return body.subarray(0, at);
	}

	[Symbol.dispose](): void {
		closeSync(this.#fd);
	}
}
