// A socket as a Duplex stream, driven by a port: what Node's http parser is given.
//
// reading and writing say what the stream waits for; armed is what the port was asked for. An event
// spends the association (4.3), so after it armed is 0 and what is still waited for is associated
// again. A paused stream has no association: the kernel's buffers fill, and the peer waits.

import { Duplex } from 'node:stream';
import { POLLERR, POLLHUP, POLLIN, POLLOUT } from '../constants.js';
import { closeFd, read, setNoDelay, shutdown, write, writev } from '../sockets.js';
import { Idle } from './idle.js';
import type { Client, Loop } from './loop.js';

const LINGER = 2_000; // ms that a peer has to take what it was sent before we close
const MOST_PARTS = 64; // of writev()

// Every connection of this thread reads into it; what was read is copied, so that an idle
// connection holds no memory.
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

type Done = (error?: Error | null) => void;

function ignoring(call: () => void): void {
	try {
		call();
	} catch {
		// The peer was quicker: there is nothing left to do.
	}
}

export class Connection extends Duplex implements Client {
	readonly fd: number;
	bytesRead = 0;
	readonly #loop: Loop;
	readonly #onBytes: (count: number) => void;
	#armed = 0;
	#reading = false;
	#lingering = false;
	#parts: Buffer[] = []; // not taken by the kernel yet
	#written: Done | undefined;
	#idle: Idle | undefined;

	/** Takes over the descriptor; `onBytes` hears how many were written. */
	constructor(loop: Loop, fd: number, onBytes: (count: number) => void) {
		super({ allowHalfOpen: true });
		this.fd = fd;
		this.#loop = loop;
		this.#onBytes = onBytes;
		ignoring(() => setNoDelay(fd));
	}

	// --- Readiness.

	get interest(): number {
		if (this.destroyed) return 0;
		return (this.#reading ? POLLIN : 0) | (this.#written === undefined ? 0 : POLLOUT);
	}

	#arm(): void {
		const { interest } = this;
		if ((interest & ~this.#armed) === 0) return;
		this.#armed = interest;
		this.#loop.associate(this);
	}

	ready(events: number): void {
		if (this.destroyed) return;
		this.#armed = 0;
		const broken = (events & (POLLERR | POLLHUP)) !== 0;
		if (this.#reading && (broken || (events & POLLIN) !== 0)) this.#receive();
		if (this.#written !== undefined && (broken || (events & POLLOUT) !== 0)) this.#flush();
		this.#arm();
	}

	refused(error: Error): void {
		this.#armed = 0;
		this.destroy(error);
	}

	// --- The stream's reading half.

	override _read(): void {
		this.#reading = true;
		this.#arm();
	}

	/** Takes what has arrived already, without waiting to be told. */
	poll(): void {
		if (this.#reading && !this.destroyed) this.#receive();
	}

	#receive(): void {
		let count: number | null;
		try {
			count = read(this.fd, scratch);
		} catch (error) {
			this.destroy(error as Error);
			return;
		}
		if (count === null) return;
		this.#idle?.refresh();
		this.bytesRead += count;
		if (this.#lingering) {
			if (count === 0) this.destroy();
		} else if (count === 0) {
			this.#reading = false;
			this.push(null);
		} else {
			// More may be there: the next association tells, and others have their turn first.
			this.#reading = this.push(Buffer.from(scratch.subarray(0, count)));
		}
	}

	// --- The stream's writing half.

	override _write(chunk: Buffer, _encoding: string, done: Done): void {
		this.#parts = [chunk];
		this.#written = done;
		this.#flush();
		this.#arm();
	}

	override _writev(chunks: { chunk: Buffer }[], done: Done): void {
		this.#parts = chunks.map(({ chunk }) => chunk);
		this.#written = done;
		this.#flush();
		this.#arm();
	}

	#flush(): void {
		while (this.#parts.length > 0) {
			let count: number | null;
			try {
				count = this.#send();
			} catch (error) {
				this.#finishWrite(error as Error);
				return;
			}
			if (count === null) return;
			this.#idle?.refresh();
			this.#onBytes(count);
			this.#drop(count);
		}
		this.#finishWrite(null);
	}

	#send(): number | null {
		const [first] = this.#parts;
		if (first !== undefined && this.#parts.length === 1) return write(this.fd, first);
		return writev(this.fd, this.#parts.slice(0, MOST_PARTS));
	}

	#drop(count: number): void {
		let left = count;
		let whole = 0;
		for (const part of this.#parts) {
			if (left < part.length) {
				this.#parts[whole] = part.subarray(left);
				break;
			}
			left -= part.length;
			whole++;
		}
		this.#parts.splice(0, whole);
	}

	#finishWrite(error: Error | null): void {
		const done = this.#written;
		this.#written = undefined;
		this.#parts = [];
		done?.(error);
	}

	override _final(done: Done): void {
		ignoring(() => shutdown(this.fd, 'write'));
		done();
	}

	// --- The end.

	/**
	 * Says everything, then closes. With unread input, close(2) would reset the connection and
	 * might take from the peer what it has not read yet: so its end is awaited, for a while.
	 */
	destroySoon(): void {
		const linger = () => {
			if (this.readableEnded) {
				this.destroy();
				return;
			}
			this.#lingering = true;
			this.#reading = true;
			this.setTimeout(LINGER);
			this.once('timeout', () => this.destroy());
			this.#arm();
		};
		this.end();
		if (this.writableFinished) linger();
		else this.once('finish', linger);
	}

	override _destroy(error: Error | null, done: Done): void {
		this.#idle?.end();
		this.#idle = undefined; // http may still ask for another limit
		closeFd(this.fd);
		this.#finishWrite(error ?? new Error('The connection was closed before all was written'));
		done(error);
	}

	// --- What http expects of a socket beyond a stream.

	/** Emits 'timeout' after so many ms without a byte in or out; 0: never. */
	setTimeout(ms: number, listener?: () => void): this {
		if (this.#idle !== undefined) this.#idle.limit(ms);
		else if (ms > 0 && !this.destroyed) this.#watchIdle(ms);
		if (listener !== undefined) this.once('timeout', listener);
		return this;
	}

	#watchIdle(ms: number): void {
		try {
			this.#idle = new Idle(this.#loop.port, ms, () => this.emit('timeout'));
		} catch (error) {
			this.destroy(error as Error); // the port is full
		}
	}
}
