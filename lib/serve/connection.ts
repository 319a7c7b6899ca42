// A socket as a Duplex stream, driven by a port: what Node's http parser is given. How the port
// moves its bytes is the business of ready-connection.ts and completing-connection.ts.
//
// A paused stream asks for nothing: the kernel's buffers fill, and the peer waits.

import { Duplex } from 'node:stream';
import { closeFd, read, setNoDelay, shutdown } from '../sockets.js';
import { Idle } from './idle.js';
import type { Loop } from './loop.js';

const LINGER = 2_000; // ms that a peer has to take what it was sent before we close

// Every connection of this thread reads into it; what was read is copied, so that an idle
// connection holds no memory.
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

type Done = (error?: Error | null) => void;

/** Calls, and forgets what it throws. */
export function ignoring(call: () => void): void {
	try {
		call();
	} catch {
		// The peer was quicker: there is nothing left to do.
	}
}

export abstract class Connection extends Duplex {
	readonly fd: number;
	bytesRead = 0;
	protected readonly loop: Loop;
	/** The stream wants bytes, or the end. */
	protected reading = false;
	/** What the kernel has not taken yet. */
	protected parts: Buffer[] = [];
	readonly #onBytes: (count: number) => void;
	#lingering = false;
	#gently = false;
	#ending = false;
	#written: Done | undefined;
	#idle: Idle | undefined;

	/** Takes over the descriptor; `onBytes` hears how many were written. */
	constructor(loop: Loop, fd: number, onBytes: (count: number) => void) {
		super({ allowHalfOpen: true });
		this.fd = fd;
		this.loop = loop;
		this.#onBytes = onBytes;
		ignoring(() => setNoDelay(fd));
	}

	/** Makes the port tell when there is something to be read. */
	protected abstract receive(): void;
	/** Sends the parts, now or when the port says so. */
	protected abstract transmit(): void;
	/** Takes what has arrived already, without waiting for more. */
	abstract poll(): Promise<void>;

	protected get writing(): boolean {
		return this.#written !== undefined;
	}

	// --- The stream's reading half.

	override _read(): void {
		this.reading = true;
		this.receive();
	}

	/** Reads what is there. */
	protected receiveNow(): void {
		let count: number | null;
		try {
			count = read(this.fd, scratch);
		} catch (error) {
			this.destroy(error as Error);
			return;
		}
		if (count !== null) this.received(scratch, count);
	}

	/** So many bytes were read; 0: the end. */
	protected received(bytes: Buffer, count: number): void {
		this.#idle?.refresh();
		this.bytesRead += count;
		if (this.#lingering) {
			if (count === 0) this.cut();
		} else if (count === 0) {
			this.reading = false;
			this.push(null);
		} else {
			// More may be there: the next event tells, and others have their turn first.
			this.reading = this.push(Buffer.from(bytes.subarray(0, count)));
		}
	}

	// --- The stream's writing half.

	override _write(chunk: Buffer, _encoding: string, done: Done): void {
		this.parts = [chunk];
		this.#written = done;
		this.transmit();
	}

	override _writev(chunks: { chunk: Buffer }[], done: Done): void {
		this.parts = chunks.map(({ chunk }) => chunk);
		this.#written = done;
		this.transmit();
	}

	/** So many bytes were taken by the kernel. */
	protected sent(count: number): void {
		this.#idle?.refresh();
		this.#onBytes(count);
		let left = count;
		let whole = 0;
		for (const part of this.parts) {
			if (left < part.length) {
				this.parts[whole] = part.subarray(left);
				break;
			}
			left -= part.length;
			whole++;
		}
		this.parts.splice(0, whole);
	}

	protected finishWrite(error: Error | null): void {
		const done = this.#written;
		this.#written = undefined;
		this.parts = [];
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
				this.cut();
				return;
			}
			this.#lingering = true;
			this.reading = true;
			this.setTimeout(LINGER);
			this.once('timeout', () => this.cut());
			this.receive();
		};
		this.#ending = true;
		this.end();
		if (this.writableFinished) linger();
		else this.once('finish', linger);
	}

	/**
	 * The server ends. http destroys whom it takes for idle, and with unread requests that would reset
	 * the connection (see destroySoon): from now on destroy() without an error says everything first.
	 */
	endGently(): void {
		this.#gently = true;
	}

	override destroy(error?: Error): this {
		if (!this.#gently || error !== undefined || this.readableEnded) return super.destroy(error);
		if (!this.#ending) this.destroySoon();
		return this;
	}

	/** Ends it at once, whatever it is at. */
	cut(): void {
		this.#gently = false;
		this.destroy();
	}

	override _destroy(error: Error | null, done: Done): void {
		this.#idle?.end();
		this.#idle = undefined; // http may still ask for another limit
		closeFd(this.fd);
		this.finishWrite(error ?? new Error('The connection was closed before all was written'));
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
			this.#idle = new Idle(this.loop.port, ms, () => this.emit('timeout'));
		} catch (error) {
			this.destroy(error as Error); // the port is full
		}
	}
}
