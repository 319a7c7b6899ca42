// The listener's turn: it is associated without a cookie with the port that all workers share, so
// that whichever thread is free retrieves it, takes some connections and gives it back.

import { POLLIN } from '../constants.js';
import type { Port } from '../port.js';
import { accept } from '../sockets.js';
import type { Ready } from './loop.js';

const BATCH = 16; // connections a thread takes before others have their chance
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

export class Acceptor implements Ready {
	readonly #listener: number;
	readonly #port: Port<Ready | undefined>;
	readonly #accepted: (fd: number) => void;
	readonly #exhausted: () => void;
	#pause: NodeJS.Timeout | undefined;
	#stopped = false;

	/** `exhausted` is called when the process has no descriptor (or memory) left for another. */
	constructor(
		port: Port<Ready | undefined>,
		listener: number,
		accepted: (fd: number) => void,
		exhausted: () => void,
	) {
		this.#port = port;
		this.#listener = listener;
		this.#accepted = accepted;
		this.#exhausted = exhausted;
	}

	ready(): void {
		if (this.#take(BATCH)) this.#again();
		else this.#pause = setTimeout(() => this.#again(), PAUSE);
	}

	#again(): void {
		if (!this.#stopped) this.#port.associate(this.#listener, POLLIN);
	}

	/** False: no more can be taken for now. */
	#take(most: number): boolean {
		for (let taken = 0; taken < most; taken++) {
			let fd: number | null;
			try {
				fd = accept(this.#listener);
			} catch (error) {
				const { code = '' } = error as NodeJS.ErrnoException;
				if (GONE.has(code)) continue;
				if (!EXHAUSTED.has(code)) throw error;
				this.#exhausted();
				return false;
			}
			if (fd === null) return true;
			this.#accepted(fd);
		}
		return true;
	}

	/** Takes those who have come already, and nobody after them. */
	stop(): void {
		this.#stopped = true;
		clearTimeout(this.#pause);
		this.#take(Number.POSITIVE_INFINITY);
	}
}
