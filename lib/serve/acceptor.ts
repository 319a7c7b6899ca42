// Who takes connections from the listener.

import type { AioEvent } from '../aio-event.js';
import type { AioRequest } from '../aio-requests.js';
import { POLLIN } from '../constants.js';
import { accept } from '../sockets.js';
import type { Completes, Loop, Ready, ServePort } from './loop.js';

const BATCH = 16; // connections a thread takes, or waits for, before others have their chance
const PAUSE = 100; // ms without descriptors until it is tried again
const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);
// What accept(2) may report of a connection that died in the queue.
const GONE = new Set([
	'ECONNABORTED',
	'EPROTO',
	'ENETDOWN',
	'EHOSTDOWN',
	'EHOSTUNREACH',
	'ENETUNREACH',
]);

/** What becomes of connections, and what to do when there is no descriptor (or memory) left for one. */
export interface Welcome {
	accepted(fd: number): void;
	exhausted(): void;
}

export interface Acceptor {
	start(): void;
	/** Takes those who have come already, and nobody after them. */
	stop(): Promise<void>;
}

/** False: no more can be taken for now. */
function take(listener: number, welcome: Welcome, most: number): boolean {
	for (let taken = 0; taken < most; taken++) {
		let fd: number | null;
		try {
			fd = accept(listener);
		} catch (error) {
			const { code = '' } = error as NodeJS.ErrnoException;
			if (GONE.has(code)) continue;
			if (!EXHAUSTED.has(code)) throw error;
			welcome.exhausted();
			return false;
		}
		if (fd === null) return true;
		welcome.accepted(fd);
	}
	return true;
}

/**
 * By readiness: the listener is associated without a cookie with the port that all workers share,
 * so that whichever thread is free retrieves it, takes some connections and gives it back.
 */
export class ReadyAcceptor implements Acceptor, Ready {
	readonly #listener: number;
	readonly #port: ServePort;
	readonly #welcome: Welcome;
	#pause: NodeJS.Timeout | undefined;
	#stopped = false;

	constructor(port: ServePort, listener: number, welcome: Welcome) {
		this.#port = port;
		this.#listener = listener;
		this.#welcome = welcome;
	}

	/** Whoever made the port has associated it: once, however many threads there are. */
	start(): void {}

	ready(): void {
		// An event of it may be on its way when the listener is closed: who comes so late is nobody's.
		if (this.#stopped) return;
		if (take(this.#listener, this.#welcome, BATCH)) this.#again();
		else this.#pause = setTimeout(() => this.#again(), PAUSE);
	}

	#again(): void {
		if (!this.#stopped) this.#port.associate(this.#listener, POLLIN);
	}

	async stop(): Promise<void> {
		this.#stopped = true;
		clearTimeout(this.#pause);
		take(this.#listener, this.#welcome, Number.POSITIVE_INFINITY);
	}
}

/** One of a CompletingAcceptor's requests, asked again and again. */
class Place implements Completes {
	readonly gone = false;
	#request: AioRequest | undefined;
	#withdrawn = false;
	readonly #done: (place: Place, event: AioEvent) => void;

	constructor(done: (place: Place, event: AioEvent) => void) {
		this.#done = done;
	}

	/** Its request is cancelled, or will be as soon as it is submitted. */
	withdraw(): void {
		this.#withdrawn = true;
		this.#request?.cancel();
	}

	submitted(request: AioRequest): void {
		this.#request = request;
		if (this.#withdrawn) request.cancel();
	}

	completed(event: AioEvent): void {
		this.#request = undefined;
		this.#done(this, event);
	}

	refused(error: Error): void {
		throw error;
	}
}

/**
 * On completions: each thread has some accepts under way, and the kernel gives every connection to
 * the one that waited longest.
 */
export class CompletingAcceptor implements Acceptor {
	readonly #loop: Loop;
	readonly #listener: number;
	readonly #welcome: Welcome;
	readonly #open = new Set<Place>(); // asked, or about to
	#stopped: (() => void) | undefined;

	constructor(loop: Loop, listener: number, welcome: Welcome) {
		this.#loop = loop;
		this.#listener = listener;
		this.#welcome = welcome;
	}

	start(): void {
		for (let i = 0; i < BATCH; i++)
			this.#ask(new Place((place, event) => this.#took(place, event)));
	}

	#ask(place: Place): void {
		this.#open.add(place);
		this.#loop.submit(place, { operation: 'accept', fd: this.#listener });
	}

	#took(place: Place, { fd, error }: AioEvent): void {
		this.#open.delete(place);
		if (fd !== null) this.#welcome.accepted(fd);
		if (this.#stopped !== undefined) {
			if (this.#open.size === 0) this.#stopped();
		} else if (error === null || GONE.has(error.code)) {
			this.#ask(place);
		} else if (EXHAUSTED.has(error.code)) {
			this.#welcome.exhausted();
			this.#open.add(place);
			setTimeout(() => this.#later(place), PAUSE);
		} else {
			throw error;
		}
	}

	#later(place: Place): void {
		this.#open.delete(place);
		if (this.#stopped === undefined) this.#ask(place);
		else if (this.#open.size === 0) this.#stopped();
	}

	async stop(): Promise<void> {
		if (this.#open.size > 0) {
			await new Promise<void>((resolve) => {
				this.#stopped = resolve;
				for (const place of this.#open) place.withdraw();
			});
		}
		take(this.#listener, this.#welcome, Number.POSITIVE_INFINITY);
	}
}
