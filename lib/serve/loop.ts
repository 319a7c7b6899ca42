// One thread's turn at a port: takes events in batches and hands each to whom it is for.

import type { AioEvent, AioOperation } from '../aio-event.js';
import type { AioOrder, AioRequest } from '../aio-requests.js';
import { PortError } from '../errors.js';
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

/** Has requests of asynchronous I/O under way. */
export interface Completes {
	/** Asked before its requests are submitted: true if it wants none any more. */
	readonly gone: boolean;
	/** One of its requests is under way. */
	submitted(request: AioRequest, operation: AioOperation): void;
	/** One is done, or could not be submitted: then no event comes. */
	completed(event: AioEvent): void;
	refused(error: Error): void;
}

/** The port of a server: what its events are for. */
export type ServePort = Port<Ready | Completes | undefined>;

/** What to ask for, without for whom. */
export type Order = AioOrder<never>;

/** A request of which the event alone is wanted. */
class Asked implements Completes {
	readonly gone = false;
	readonly event: Promise<AioEvent>;
	#resolve: (event: AioEvent) => void = () => {};
	#reject: (error: Error) => void = () => {};

	constructor() {
		this.event = new Promise((resolve, reject) => {
			this.#resolve = resolve;
			this.#reject = reject;
		});
	}

	submitted(): void {}

	completed(event: AioEvent): void {
		this.#resolve(event);
	}

	refused(error: Error): void {
		this.#reject(error);
	}
}

export class Loop {
	readonly port: ServePort;
	#dispatching = false;
	#waiting: Client[] = [];
	#orders: { readonly order: Order; readonly user: Completes }[] = [];

	constructor(port: ServePort) {
		this.port = port;
	}

	/**
	 * Runs until the port is closed or `onAlert` returns false. Descriptors that were associated
	 * without a cookie, as the listener is because any thread may retrieve it, go to `unnamed`.
	 */
	async run(unnamed: Ready | undefined, onAlert: () => boolean): Promise<void> {
		for await (const events of this.port.batches({ max: BATCH })) {
			this.#dispatching = true;
			for (const event of events) {
				if (event.source === 'alert') {
					if (!onAlert()) return;
				} else if (event.source === 'aio') {
					(event.user as Completes).completed(event);
				} else if (event.source !== 'user') {
					((event.user as Ready | undefined) ?? unnamed)?.ready(event.events);
				}
			}
			this.#dispatching = false;
			this.#associateWaiting();
			this.#submitOrders();
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

	/** Submits a request, likewise with all others of a batch. */
	submit(user: Completes, order: Order): void {
		this.#orders.push({ order, user });
		if (!this.#dispatching) this.#submitOrders();
	}

	/** The event of a request. Rejects if it can't be submitted. */
	ask(order: Order): Promise<AioEvent> {
		const asked = new Asked();
		this.submit(asked, order);
		return asked.event;
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

	#submitOrders(): void {
		if (this.#orders.length === 0) return;
		const wanted = this.#orders.filter(({ user }) => !user.gone);
		this.#orders = [];
		const made = this.port.aio.submit(wanted.map(({ order, user }) => ({ ...order, user })));
		for (const [i, { order, user }] of wanted.entries()) {
			const one = made[i] as AioRequest | PortError;
			if (one instanceof PortError) user.refused(one);
			else user.submitted(one, order.operation);
		}
	}
}
