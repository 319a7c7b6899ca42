// All threads of a server: the main thread alone, or workers that share its port.

import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { POLLIN } from '../constants.js';
import { Port } from '../port.js';
import { Counters } from './counters.js';
import type { ServePort } from './loop.js';
import { type Engine, Server } from './server.js';
import type { WorkerData } from './worker.js';

const CLOSE = 1; // what the alert says

export interface CrewOptions {
	readonly folder: string;
	/** A listening socket; the crew closes it. */
	readonly listener: number;
	readonly workers: number;
	readonly engine: Engine;
	/** ms that requests under way have once close() was called. */
	readonly grace: number;
}

export class Crew {
	readonly #options: CrewOptions;
	readonly #port: ServePort = new Port();
	readonly #counters: Counters;

	constructor(options: CrewOptions) {
		this.#options = options;
		this.#counters = Counters.make(options.workers);
		if (options.engine === 'readiness') this.#port.associate(options.listener, POLLIN);
	}

	/** Serves until close(), then until what was under way has ended. */
	async run(): Promise<void> {
		const { folder, listener, grace, engine, workers } = this.#options;
		const counters = this.#counters;
		if (workers === 1) {
			const shared = this.#port;
			await new Server({ folder, listener, shared, counters, worker: 0, grace, engine }).run();
		} else {
			await Promise.all(Array.from({ length: workers }, (_, worker) => this.#work(worker)));
		}
		this.#port.close();
	}

	#work(worker: number): Promise<void> {
		const { folder, listener, grace, engine } = this.#options;
		const workerData: WorkerData = {
			folder,
			listener,
			grace,
			engine,
			worker,
			port: this.#port.fd,
			counters: this.#counters.buffer,
		};
		const thread = new Worker(path.join(__dirname, 'worker.js'), { workerData });
		return new Promise((resolve, reject) => {
			thread.once('error', (error) => {
				this.close();
				reject(error);
			});
			thread.once('exit', () => resolve());
		});
	}

	/** One alert wakes every thread. */
	close(): void {
		if (!this.#port.closed) this.#port.alert(CLOSE);
	}
}
