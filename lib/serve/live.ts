// The live page: what the server's ports are doing, sampled while somebody looks, sent as
// server-sent events and drawn by page/page.js.

import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import type { PortStats } from '../options.js';
import { Port } from '../port.js';
import type { Counters, Row } from './counters.js';
import { HttpError } from './files.js';
import { contentType } from './mime.js';

export const LIVE = '/_port/';

const PERIOD = 500; // ms between samples
const BEHIND = 64 * 1024; // bytes a slow viewer may owe before samples are left out for it
const MOST_MESSAGES = 100_000; // of one request to send
const FILES: Readonly<Record<string, string>> = {
	[LIVE]: 'index.html',
	[`${LIVE}icon.svg`]: 'icon.svg',
	[`${LIVE}page.css`]: 'page.css',
	[`${LIVE}page.js`]: 'page.js',
	[`${LIVE}plot.js`]: 'plot.js',
};

interface PortSample extends PortStats {
	readonly name: string;
}

/** One server-sent event; page/page.js reads it. Counters only grow. */
export interface Sample {
	readonly time: number; // ms
	readonly ports: readonly PortSample[];
	readonly workers: readonly Row[];
}

export class Live {
	readonly #shared: Port<never>;
	readonly #counters: Counters;
	readonly #files = new Map<string, { name: string; text: Buffer }>();
	readonly #viewers = new Set<ServerResponse>();
	readonly #attached = new Map<number, Port<never>>();
	#timer: NodeJS.Timeout | undefined;

	constructor(shared: Port<never>, counters: Counters) {
		this.#shared = shared;
		this.#counters = counters;
		// Now: later there may be no descriptor left to read them with.
		for (const [where, name] of Object.entries(FILES)) {
			this.#files.set(where, { name, text: readFileSync(path.join(__dirname, 'page', name)) });
		}
	}

	serve(request: IncomingMessage, response: ServerResponse, where: string): void {
		if (where === `${LIVE}events`) this.#view(response);
		else if (where === `${LIVE}send`) this.#send(request, response);
		else this.#file(response, where);
	}

	#file(response: ServerResponse, where: string): void {
		const file = this.#files.get(where);
		if (file === undefined) throw new HttpError(404);
		response.setHeader('content-type', contentType(file.name));
		response.setHeader('content-length', file.text.length);
		response.setHeader('cache-control', 'no-cache');
		response.setHeader('content-security-policy', "default-src 'self'");
		response.end(file.text);
	}

	// --- Messages that a viewer asks for: they go to whichever thread is free.

	#send(request: IncomingMessage, response: ServerResponse): void {
		const site = request.headers['sec-fetch-site'] ?? 'same-origin';
		if (request.method !== 'POST') throw new HttpError(405);
		if (site !== 'same-origin') throw new HttpError(403, 'Only the live page may ask for this.');
		const asked = Number(new URL(request.url ?? '', 'http://port').searchParams.get('count') ?? 1);
		if (!Number.isInteger(asked) || asked < 1 || asked > MOST_MESSAGES) throw new HttpError(400);
		let sent = 0;
		try {
			for (; sent < asked; sent++) this.#shared.send(sent);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error; // EAGAIN: it is full
		}
		if (this.#viewers.size > 0) this.#publish(); // before they are retrieved: the queue is deepest now
		response.setHeader('content-type', 'application/json');
		response.end(JSON.stringify({ sent }));
	}

	// --- Samples.

	#view(response: ServerResponse): void {
		response.writeHead(200, {
			'content-type': 'text/event-stream',
			'cache-control': 'no-store',
		});
		this.#viewers.add(response);
		response.once('close', () => this.#leave(response));
		this.#timer ??= setInterval(() => this.#publish(), PERIOD).unref();
		response.write(this.#message());
	}

	#leave(response: ServerResponse): void {
		this.#viewers.delete(response);
		if (this.#viewers.size > 0) return;
		clearInterval(this.#timer);
		this.#timer = undefined;
		for (const port of this.#attached.values()) port.close();
		this.#attached.clear();
	}

	#publish(): void {
		const message = this.#message();
		for (const viewer of this.#viewers) {
			if (viewer.writableLength < BEHIND) viewer.write(message);
		}
	}

	#message(): string {
		return `data: ${JSON.stringify(this.sample())}\n\n`;
	}

	sample(): Sample {
		const workers = Array.from({ length: this.#counters.workers }, (_, i) => this.#counters.row(i));
		const alone = workers.length === 1;
		const ports = [{ name: alone ? 'the port' : 'shared', ...this.#shared.stats() }];
		for (const [i, { port }] of workers.entries()) {
			const stats = port === this.#shared.fd ? undefined : this.#statsOf(port);
			if (stats !== undefined) ports.push({ name: `worker ${i}`, ...stats });
		}
		return { time: performance.now(), ports, workers };
	}

	/** Of another thread's port, by its descriptor. */
	#statsOf(fd: number): PortStats | undefined {
		try {
			const port = this.#attached.get(fd) ?? Port.attach<never>(fd);
			this.#attached.set(fd, port);
			return port.stats();
		} catch {
			return undefined; // its worker has ended, or has not begun
		}
	}

	/** Ends every viewer's stream. */
	close(): void {
		for (const viewer of this.#viewers) viewer.end();
	}
}
