// One thread's server: connections of its own, on a port of its own or, when it is alone, on the
// one that also holds the listener (docs/decisions/005-serving-threads.md).

import { Port } from '../port.js';
import { closeFd } from '../sockets.js';
import { type Acceptor, CompletingAcceptor, ReadyAcceptor } from './acceptor.js';
import { CompletingConnection } from './completing-connection.js';
import type { Connection } from './connection.js';
import type { Counters } from './counters.js';
import { Live } from './live.js';
import { Loop, type Ready, type ServePort } from './loop.js';
import { ReadyConnection } from './ready-connection.js';
import { Site } from './site.js';

/** How sockets are driven: by FD events, or by requests of asynchronous I/O. */
export type Engine = 'readiness' | 'completion';

export interface ServerOptions {
	readonly engine: Engine;
	readonly folder: string;
	readonly listener: number;
	/** Holds the listener; an alert ends the server. */
	readonly shared: ServePort;
	readonly counters: Counters;
	/** This thread's row of the counters. */
	readonly worker: number;
	/** ms that requests under way have once the alert has come. */
	readonly grace: number;
}

export class Server {
	readonly #options: ServerOptions;
	readonly #alone: boolean;
	readonly #port: ServePort;
	readonly #loop: Loop;
	readonly #site: Site;
	readonly #acceptor: Acceptor;
	readonly #unnamed: Ready | undefined; // whom events without a cookie are for
	readonly #connections = new Set<Connection>();
	#closing = false;
	#draining = false;

	constructor(options: ServerOptions) {
		const { shared, counters, worker, folder, listener, engine } = options;
		this.#options = options;
		this.#alone = counters.workers === 1;
		this.#port = this.#alone ? shared : new Port();
		this.#loop = new Loop(this.#port);
		this.#site = new Site(folder, new Live(shared as Port<never>, counters), this.#loop, (bytes) =>
			counters.add(worker, 'read', bytes),
		);
		const welcome = {
			accepted: (fd: number) => this.#connected(fd),
			exhausted: () => this.#site.closeIdle(),
		};
		if (engine === 'completion') {
			this.#acceptor = new CompletingAcceptor(this.#loop, listener, welcome);
		} else {
			this.#acceptor = this.#unnamed = new ReadyAcceptor(shared, listener, welcome);
		}
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
			void this.#close();
			return this.#alone;
		};
		this.#acceptor.start();
		const loops = [this.#loop.run(this.#unnamed, onAlert)];
		if (!this.#alone) loops.push(new Loop(this.#options.shared).run(this.#unnamed, onAlert));
		await Promise.all(loops);
	}

	#connected(fd: number): void {
		const { counters, worker, engine } = this.#options;
		const Kind = engine === 'completion' ? CompletingConnection : ReadyConnection;
		const connection = new Kind(this.#loop, fd, (bytes) => {
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

	async #close(): Promise<void> {
		if (this.#closing) return;
		this.#closing = true;
		await this.#acceptor.stop();
		if (this.#options.counters.leave()) closeFd(this.#options.listener);
		setImmediate(() => void this.#drain()); // those just accepted have begun to read by then
	}

	async #drain(): Promise<void> {
		// What has arrived is answered; then whoever said nothing has nothing to wait for.
		await Promise.all(Array.from(this.#connections, (connection) => connection.poll()));
		this.#draining = true;
		for (const connection of this.#connections) {
			if (connection.bytesRead === 0) connection.destroy();
			else connection.endGently();
		}
		this.#site.close();
		const cut = () => {
			for (const connection of this.#connections) connection.cut();
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
