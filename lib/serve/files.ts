// Files of one folder over HTTP: GET and HEAD, conditional and range requests, listings.
//
// Nothing outside the folder is served. A path can't climb out, and where a symbolic link leads is
// asked of the kernel after the file was opened, so that no exchange in between can deceive.

import { type BigIntStats, constants, readlinkSync, realpathSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { Cache, type Content } from './cache.js';
import { type Part, partFor, validatorsOf } from './conditions.js';
import { listing } from './listing.js';
import type { Loop } from './loop.js';
import { contentType } from './mime.js';
import { Reader } from './reader.js';

const CHUNK = 64 * 1024;
// A FIFO would be waited for, were it not for O_NONBLOCK.
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

const STATUS_OF: Readonly<Record<string, number>> = {
	EACCES: 403,
	EPERM: 403,
	ELOOP: 404,
	ENAMETOOLONG: 404,
	ENOENT: 404,
	ENOTDIR: 404,
	ENXIO: 404, // a socket
	EMFILE: 503,
	ENFILE: 503,
};

/** An answer that is no file. */
export class HttpError extends Error {
	readonly status: number;

	constructor(status: number, message = '') {
		super(message);
		this.status = status;
	}
}

/** What to answer instead; 500: a failure that is nobody's fault but ours. */
export function statusOf(error: unknown): number {
	if (error instanceof HttpError) return error.status;
	return STATUS_OF[(error as NodeJS.ErrnoException).code ?? ''] ?? 500;
}

/** The path a request names, decoded and without dots; it starts with a slash. */
export function pathOf(url: string): string {
	const raw = url.startsWith('/') ? url : URL.canParse(url) ? new URL(url).pathname : '';
	let decoded: string;
	try {
		decoded = decodeURIComponent(raw.replace(/[?#].*$/, ''));
	} catch {
		throw new HttpError(400, 'The path is not UTF-8.');
	}
	if (!decoded.startsWith('/') || decoded.includes('\0')) throw new HttpError(400);
	return path.posix.normalize(decoded);
}

export class Files {
	readonly #root: string;
	readonly #live: string;
	readonly #cache: Cache;
	readonly #loop: Loop;
	readonly #onRead: (bytes: number) => void;

	/** `live`: the path of the live page, which listings link to; `loop`: see Site. */
	constructor(folder: string, live: string, loop: Loop, onRead: (bytes: number) => void) {
		this.#root = realpathSync(folder);
		this.#live = live;
		this.#cache = new Cache(loop.port, this.#root);
		this.#loop = loop;
		this.#onRead = onRead;
	}

	async serve(request: IncomingMessage, response: ServerResponse, where: string): Promise<void> {
		if (where.split('/').some((part) => part.startsWith('.'))) throw new HttpError(404);
		const file = path.join(this.#root, where);
		if (this.#sendKept(request, response, file)) return;
		await this.#opened(file, async (opened, stats, keep) => {
			if (stats.isFile()) {
				if (where.endsWith('/')) throw new HttpError(404);
				await this.#sendFile(request, response, opened, stats, where, keep);
			} else if (!stats.isDirectory()) {
				throw new HttpError(404);
			} else if (where.endsWith('/')) {
				await this.#serveFolder(request, response, where);
			} else {
				const location = encodeURI(where).replaceAll('?', '%3F').replaceAll('#', '%23');
				response.writeHead(301, { location: `${location}/` }).end();
			}
		});
	}

	async #serveFolder(request: IncomingMessage, response: ServerResponse, where: string) {
		const index = path.join(this.#root, where, 'index.html');
		try {
			if (this.#sendKept(request, response, index)) return;
			await this.#opened(index, (opened, stats, keep) => {
				if (!stats.isFile()) throw new HttpError(404);
				return this.#sendFile(request, response, opened, stats, index, keep);
			});
		} catch (error) {
			if (statusOf(error) !== 404) throw error;
			const page = await listing(path.join(this.#root, where), where, this.#live);
			response.setHeader('content-type', 'text/html; charset=utf-8');
			response.setHeader('content-length', Buffer.byteLength(page));
			response.end(page);
		}
	}

	#sendKept(request: IncomingMessage, response: ServerResponse, file: string): boolean {
		const content = this.#cache.find(file);
		if (content !== undefined) sendContent(request, response, content, file);
		return content !== undefined;
	}

	async #opened(
		file: string,
		use: (opened: number, stats: BigIntStats, keep: Keep | undefined) => Promise<void>,
	): Promise<void> {
		const keep = this.#cache.begin(file);
		let handle: FileHandle | undefined;
		try {
			handle = await open(file, FLAGS);
			const real = readlinkSync(`/proc/self/fd/${handle.fd}`);
			const inside = this.#root === '/' || real === this.#root || real.startsWith(`${this.#root}/`);
			if (!inside) throw new HttpError(403, 'The link leads out of what is served.');
			const stats = await handle.stat({ bigint: true });
			const fit = real === file && Cache.fits(stats);
			await use(handle.fd, stats, fit ? keep : undefined);
		} finally {
			if (keep !== undefined) this.#cache.abandon(file);
			await handle?.close();
		}
	}

	async #sendFile(
		request: IncomingMessage,
		response: ServerResponse,
		opened: number,
		stats: BigIntStats,
		name: string,
		keep: Keep | undefined,
	): Promise<void> {
		using reader = new Reader(this.#loop, opened, this.#onRead);
		if (keep !== undefined) {
			const content = { stats, body: await reader.whole(Number(stats.size)) };
			if (content.body.length === Number(stats.size)) {
				keep(content);
				return sendContent(request, response, content, name);
			}
		}
		const part = sendHead(request, response, stats, name);
		if (request.method === 'HEAD' || part.length === 0) response.end();
		else await sendBody(response, reader, part);
	}
}

type Keep = (content: Content) => void;

function sendContent(
	request: IncomingMessage,
	response: ServerResponse,
	{ stats, body }: Content,
	name: string,
): void {
	const { start, length } = sendHead(request, response, stats, name);
	if (request.method === 'HEAD' || length === 0) response.end();
	else response.end(body.subarray(start, start + length));
}

/** All but the body; gives what of the file is to follow. */
function sendHead(
	request: IncomingMessage,
	response: ServerResponse,
	stats: BigIntStats,
	name: string,
): Part {
	const size = Number(stats.size);
	const validators = validatorsOf(stats);
	const part = partFor(request.headers, validators, size);
	response.statusCode = part.status;
	response.setHeader('accept-ranges', 'bytes');
	response.setHeader('cache-control', 'no-cache');
	response.setHeader('etag', validators.etag);
	response.setHeader('last-modified', validators.modified);
	if (part.status === 206) {
		const last = part.start + part.length - 1;
		response.setHeader('content-range', `bytes ${part.start}-${last}/${size}`);
	} else if (part.status === 416) {
		response.setHeader('content-range', `bytes */${size}`);
	}
	if (part.status === 200 || part.status === 206) {
		response.setHeader('content-type', contentType(name));
		response.setHeader('x-content-type-options', 'nosniff');
	}
	if (part.status !== 304) response.setHeader('content-length', part.length);
	return part;
}

async function sendBody(response: ServerResponse, reader: Reader, part: Part): Promise<void> {
	const end = part.start + part.length;
	for (let position = part.start; position < end; ) {
		const chunk = Buffer.allocUnsafe(Math.min(CHUNK, end - position));
		const bytesRead = await reader.read(chunk, position);
		if (bytesRead === 0) response.destroy(); // it has become shorter than we said
		if (response.destroyed || response.req.socket.destroyed) return;
		position += bytesRead;
		const bytes = chunk.subarray(0, bytesRead);
		if (position === end) response.end(bytes);
		else if (!response.write(bytes)) await drained(response);
	}
}

/** A response whose turn on its connection has not come is not told that the connection has closed. */
function drained(response: ServerResponse): Promise<void> {
	const { socket } = response.req;
	if (socket.destroyed) return Promise.resolve();
	return new Promise((resolve) => {
		const done = () => {
			response.off('drain', done).off('close', done);
			socket.off('close', done);
			resolve();
		};
		response.on('drain', done).on('close', done);
		socket.on('close', done);
	});
}
