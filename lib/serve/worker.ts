// A worker thread of the server.

import { workerData } from 'node:worker_threads';
import { Port } from '../port.js';
import { Counters } from './counters.js';
import type { Ready } from './loop.js';
import { type Engine, Server } from './server.js';

/** Of a worker thread: what it can't be handed as it is, as numbers and shared memory. */
export interface WorkerData {
	readonly folder: string;
	readonly listener: number;
	readonly port: number;
	readonly counters: SharedArrayBuffer;
	readonly worker: number;
	readonly grace: number;
	readonly engine: Engine;
}

async function work(data: WorkerData): Promise<void> {
	const { folder, listener, worker, grace, engine } = data;
	const shared = Port.attach<Ready | undefined>(data.port);
	const counters = Counters.of(data.counters);
	await new Server({ folder, listener, shared, counters, worker, grace, engine }).run();
	shared.close();
}

void work(workerData as WorkerData);
