// One thread's turn at a port: takes events in batches and hands each to whom it is for.

import type { Association } from '../options.js';
import type { Port } from '../port.js';

const BATCH = 256; // the events of one turn, and the associations of one call

/**
 * Has something associated. `events`: bits of poll(2), with POLLERR and POLLHUP unasked; FILE_*
 * bits; how often a timer expired.
 */
export interface Ready {
	ready(events: number): void;
}

/** A Ready that can be told that it could not be associated. */
export interface Client extends Ready {
	readonly fd: number;
	/** Bits it waits for now, 0 for none any more. */
	readonly interest: number;
	refused(error: Error): void;
}

export class Loop {
	readonly port: Port<Ready | undefined>;
	#dispatching = false;
	#waiting: Client[] = [];

	constructor(port: Port<Ready | undefined>) {
		this.port = port;
	}

	/**
	 * Runs until the port is closed or `onAlert` returns false. Descriptors that were associated
	 * without a cookie, as the listener is because any thread may retrieve it, go to `unnamed`.
	 */
	async run(unnamed: Ready, onAlert: () => boolean): Promise<void> {
		for await (const events of this.port.batches({ max: BATCH })) {
			this.#dispatching = true;
			for (const event of events) {
				if (event.source === 'alert') {
					if (!onAlert()) return;
				} else if (event.source !== 'user') {
					(event.user ?? unnamed).ready(event.events);
				}
			}
			this.#dispatching = false;
			this.#associateWaiting();
		}
	}

	/**
	 * Asks for a client's next event. During a batch this is put off to its end: the clients that
	 * were served in it are associated again by one call.
	 */
	associate(client: Client): void {
		this.#waiting.push(client);
		if (!this.#dispatching) this.#associateWaiting();
	}

	#associateWaiting(): void {
		const waiting = this.#waiting;
		if (waiting.length === 0) return;
		this.#waiting = [];
		// One that was closed meanwhile has no interest: its number may be another's already.
		const clients = waiting.filter((client) => client.interest !== 0);
		const list = clients.map(
			(client): Association<Ready> => ({ fd: client.fd, events: client.interest, user: client }),
		);
		for (const [i, error] of this.port.associateAll(list).entries()) {
			if (error !== null) clients[i]?.refused(error);
		}
	}
}
