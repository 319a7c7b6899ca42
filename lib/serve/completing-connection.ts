// A connection on completions: one recv and one send at a time are under way, and AIO events say
// what became of them.

import type { AioEvent, AioOperation } from '../aio-event.js';
import type { AioRequest } from '../aio-requests.js';
import { writev } from '../sockets.js';
import { Connection, ignoring } from './connection.js';
import type { Completes } from './loop.js';

const INCOMING = 4096; // bytes of one recv: requests are small, and idle connections keep it
const MOST = 128 * 1024; // bytes of one send: they are copied

export class CompletingConnection extends Connection implements Completes {
	readonly #incoming = Buffer.allocUnsafeSlow(INCOMING);
	#receiving = false;
	#request: AioRequest | undefined; // the recv, once it is submitted
	#unsent: Buffer[] | undefined; // of a send that is not submitted yet
	#sending: AioRequest | undefined; // the send, once it is
	#withdrawn: (() => void) | undefined; // what waits for its end
	#polled: (() => void)[] = [];

	get gone(): boolean {
		return this.destroyed;
	}

	protected override receive(): void {
		if (this.#receiving || this.destroyed) return;
		this.#receiving = true;
		this.loop.submit(this, { operation: 'recv', fd: this.fd, buffer: this.#incoming });
	}

	protected override transmit(): void {
		let bytes = 0;
		const some: Buffer[] = [];
		for (const part of this.parts) {
			if (bytes === MOST) break;
			const piece = part.subarray(0, MOST - bytes);
			some.push(piece);
			bytes += piece.length;
		}
		this.#unsent = some;
		this.loop.submit(this, { operation: 'send', fd: this.fd, buffer: some });
	}

	submitted(request: AioRequest, operation: AioOperation): void {
		if (operation === 'recv') {
			this.#request = request;
		} else {
			this.#sending = request;
			this.#unsent = undefined;
		}
	}

	refused(error: Error): void {
		this.destroy(error);
	}

	completed(event: AioEvent): void {
		if (event.operation === 'send') this.#sendDone(event);
		else this.#recvDone(event);
	}

	#sendDone({ bytes, error }: AioEvent): void {
		this.#sending = undefined;
		if (this.destroyed) {
			if (error?.code === 'ECANCELED') this.#sendNow(this.parts);
			this.#withdrawn?.();
			return;
		}
		if (error !== null) {
			this.finishWrite(error);
			return;
		}
		this.sent(bytes);
		if (this.parts.length > 0) this.transmit();
		else this.finishWrite(null);
	}

	#recvDone({ bytes, error }: AioEvent): void {
		this.#receiving = false;
		this.#request = undefined;
		const polled = this.#polled;
		this.#polled = [];
		if (!this.destroyed) {
			if (error === null) this.received(this.#incoming, bytes);
			else if (error.code === 'ECANCELED') this.receiveNow();
			else this.destroy(error);
			if (this.reading) this.receive();
		}
		for (const done of polled) done();
	}

	/** What was written just before, such as http's answer to what is no request, is sent at least once. */
	override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
		if (this.#unsent !== undefined) this.#sendNow(this.#unsent);
		if (this.#sending === undefined) {
			super._destroy(error, done);
			return;
		}
		// Closing would cancel it, and nobody would know what of it went out.
		this.#withdrawn = () => super._destroy(error, done);
		this.#sending.cancel();
	}

	#sendNow(some: Buffer[]): void {
		ignoring(() => writev(this.fd, some));
	}

	/** Withdraws the recv: if it is not done by then, nothing has come, or it can be read now. */
	override poll(): Promise<void> {
		if (this.destroyed || this.#request === undefined) return Promise.resolve();
		this.#request.cancel();
		return new Promise((resolve) => this.#polled.push(resolve));
	}
}
