// What is answered to a request: the live page below /_port/, files everywhere else.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Files, HttpError, pathOf, statusOf } from './files.js';
import { LIVE, type Live } from './live.js';
import type { Loop } from './loop.js';

const IDLE = 60_000; // ms without a byte in either direction
const KEEP_ALIVE = 5_000; // ms until another request must begin
const HEADERS = 10_000; // ms until a request's headers must be complete
const REQUEST = 30_000; // ms until all of a request must be there
const CHECKING = 1_000; // ms between looks at the last two

const TEXTS: Readonly<Record<number, string>> = {
	400: 'That is no path.',
	403: 'Not allowed.',
	404: 'Nothing is here.',
	405: 'Only GET and HEAD.',
	500: 'This server has failed.',
	503: 'Too busy: try again.',
};

export class Site {
	readonly http: Server;
	readonly #files: Files;
	readonly #live: Live;
	readonly #answering = new Set<ServerResponse>();
	#closing = false;

	/** `loop`: of the port that tells of changed files and reads them; `onRead` hears how much. */
	constructor(folder: string, live: Live, loop: Loop, onRead: (bytes: number) => void) {
		this.#files = new Files(folder, LIVE, loop, onRead);
		this.#live = live;
		this.http = createServer(
			{
				keepAliveTimeout: KEEP_ALIVE,
				headersTimeout: HEADERS,
				requestTimeout: REQUEST,
				connectionsCheckingInterval: CHECKING,
			},
			(request, response) => this.#serve(request, response),
		);
		this.http.timeout = IDLE;
		// A client that has shut down its writing half still gets its answer.
		Object.assign(this.http, { httpAllowHalfOpen: true });
		// It never listens itself, but only a server that does watches over slow requests.
		this.http.emit('listening');
	}

	#serve(request: IncomingMessage, response: ServerResponse): void {
		this.#answering.add(response);
		response.once('close', () => {
			this.#answering.delete(response);
			if (this.#closing) setImmediate(() => this.closeIdle());
		});
		if (this.#closing) response.shouldKeepAlive = false;
		this.#answer(request, response).catch((error) => this.#fail(response, error));
	}

	async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const where = pathOf(request.url ?? '');
		if (where.startsWith(LIVE)) return this.#live.serve(request, response, where);
		if (request.method !== 'GET' && request.method !== 'HEAD') {
			response.setHeader('allow', 'GET, HEAD');
			throw new HttpError(405);
		}
		if (`${where}/` === LIVE) response.writeHead(301, { location: LIVE }).end();
		else await this.#files.serve(request, response, where);
	}

	#fail(response: ServerResponse, error: unknown): void {
		const status = statusOf(error);
		if (status === 500) console.error(error);
		if (response.headersSent) {
			response.destroy();
			return;
		}
		const detail = error instanceof HttpError ? error.message : '';
		const text = `${status}: ${detail || (TEXTS[status] ?? '')}\n`;
		response.writeHead(status, {
			'content-type': 'text/plain; charset=utf-8',
			'content-length': Buffer.byteLength(text),
		});
		response.end(text);
	}

	/** Answers what was asked already, and nothing after it on the same connection. */
	close(): void {
		this.#closing = true;
		// Of several on one connection the last says so: http ends it there.
		const last = new Map(
			Array.from(this.#answering, (response) => [response.req.socket, response]),
		);
		for (const response of last.values()) {
			if (!response.headersSent) response.shouldKeepAlive = false;
		}
		this.#live.close();
		this.closeIdle();
	}

	/** Not while an answer is whole but not sent yet: http takes its connection for an idle one. */
	closeIdle(): void {
		for (const { writableEnded } of this.#answering) if (writableEnded) return;
		this.http.closeIdleConnections();
	}

	/** To be called when no connection is left. */
	end(): void {
		this.http.close(() => {}); // ends what 'listening' began; that it never listened is known
	}
}
