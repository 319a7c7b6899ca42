// One thread's server: connections of its own, on a port of its own or, when it is alone, on the
// one that also holds the listener (docs/decisions/005-serving-threads.md).

import { Port } from '../port.js';
import { closeFd } from '../sockets.js';
import { Acceptor } from './acceptor.js';
import { Connection } from './connection.js';
import type { Counters } from './counters.js';
import { Live } from './live.js';
import { Loop, type Ready } from './loop.js';
import { Site } from './site.js';

export interface ServerOptions {
	readonly folder: string;
	readonly listener: number;
	/** Holds the listener; an alert ends the server. */
	readonly shared: Port<Ready | undefined>;
	readonly counters: Counters;
	/** This thread's row of the counters. */
	readonly worker: number;
	/** ms that requests under way have once the alert has come. */
	readonly grace: number;
}

export class Server {
	readonly #options: ServerOptions;
	readonly #alone: boolean;
	readonly #port: Port<Ready | undefined>;
	readonly #loop: Loop;
	readonly #site: Site;
	readonly #acceptor: Acceptor;
	readonly #connections = new Set<Connection>();
	#closing = false;
	#draining = false;

	constructor(options: ServerOptions) {
		const { shared, counters, worker, folder, listener } = options;
		this.#options = options;
		this.#alone = counters.workers === 1;
		this.#port = this.#alone ? shared : new Port();
		this.#loop = new Loop(this.#port);
		this.#site = new Site(folder, new Live(shared as Port<never>, counters), this.#port);
		this.#acceptor = new Acceptor(
			shared,
			listener,
			(fd) => this.#connected(fd),
			() => this.#site.http.closeIdleConnections(),
		);
		this.#site.http.on('request', (_request, response) => {
			response.once('finish', () => counters.add(worker, 'requests', 1));
		});
		counters.set(worker, 'port', this.#port.fd);
	}

	/** Serves until the shared port is alerted and the last connection has ended. */
	async run(): Promise<void> {
		const onAlert = () => {
			// A thread alone goes on with this port; several leave it in alert mode for the others.
			if (this.#alone) this.#port.clearAlert();
			this.#close();
			return this.#alone;
		};
		const loops = [this.#loop.run(this.#acceptor, onAlert)];
		if (!this.#alone) loops.push(new Loop(this.#options.shared).run(this.#acceptor, onAlert));
		await Promise.all(loops);
	}

	#connected(fd: number): void {
		const { counters, worker } = this.#options;
		const connection = new Connection(this.#loop, fd, (bytes) => {
			counters.add(worker, 'bytes', bytes);
		});
		this.#connections.add(connection);
		counters.add(worker, 'accepted', 1);
		counters.set(worker, 'connections', this.#connections.size);
		connection.once('close', () => {
			this.#connections.delete(connection);
			counters.set(worker, 'connections', this.#connections.size);
			this.#endWhenEmpty();
		});
		this.#site.http.emit('connection', connection);
	}

	#close(): void {
		if (this.#closing) return;
		this.#closing = true;
		this.#acceptor.stop();
		if (this.#options.counters.leave()) closeFd(this.#options.listener);
		setImmediate(() => this.#drain()); // those just accepted have begun to read by then
	}

	#drain(): void {
		this.#draining = true;
		// What has arrived is answered; then whoever said nothing has nothing to wait for.
		for (const connection of this.#connections) connection.poll();
		this.#site.close();
		for (const connection of this.#connections) {
			if (connection.bytesRead === 0) connection.destroy();
		}
		const cut = () => {
			for (const connection of this.#connections) connection.destroy();
		};
		setTimeout(cut, this.#options.grace).unref();
		this.#endWhenEmpty();
	}

	#endWhenEmpty(): void {
		if (!this.#draining || this.#connections.size > 0 || this.#port.closed) return;
		this.#site.end();
		this.#port.close();
	}
}
