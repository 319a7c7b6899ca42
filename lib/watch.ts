// One file or directory, continuously: an association that is made again before each event that
// is asked for, with the stamps as of the last one, so that no change is missed in between.

import path from 'node:path';
import {
	FILE_ATTRIB,
	FILE_EXCEPTION,
	FILE_MODIFIED,
	FILE_NOFOLLOW,
	FILE_TRUNC,
} from './constants.js';
import { PortError } from './errors.js';
import { FileEvent } from './file-event.js';
import { FileObject } from './files.js';
import type { Abortable } from './options.js';
import { Port } from './port.js';
import * as validate from './validate.js';

/**
 * How {@link watch} watches.
 *
 * @example
 * ```ts
 * const options: WatchOptions = { events: FILE_MODIFIED, signal: AbortSignal.timeout(60_000) };
 * ```
 */
export interface WatchOptions extends Abortable {
	/** FILE_* bits; default FILE_MODIFIED | FILE_ATTRIB | FILE_TRUNC. */
	events?: number | undefined;
}

type Result = IteratorResult<FileEvent<undefined>, undefined>;
const DONE: Result = { done: true, value: undefined };

// One port a thread serves all watchers; it lives while there are any.
let shared: Port<Watcher> | undefined;
let watchers = 0;

function acquire(): Port<Watcher> {
	watchers++;
	if (shared !== undefined) return shared;
	const port = new Port<Watcher>({ limit: 0x7fffffff >>> 7 });
	shared = port;
	void pump(port);
	return port;
}

function release(): void {
	if (--watchers > 0) return;
	shared?.close();
	shared = undefined;
}

async function pump(port: Port<Watcher>): Promise<void> {
	for await (const events of port.batches({ max: 256 })) {
		for (const event of events) {
			if (event.source === 'file') event.user.deliver(event.file as FileObject, event.events);
		}
	}
}

const isGone = (error: unknown): boolean =>
	error instanceof PortError && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

class Watcher implements AsyncIterableIterator<FileEvent<undefined>, undefined> {
	readonly #port: Port<Watcher>;
	readonly #file: FileObject;
	readonly #folder: FileObject; // watched while the file is not there
	readonly #events: number;
	readonly #signal: AbortSignal | undefined;
	#armed = true;
	#done = false;
	#ready: FileEvent<undefined> | undefined;
	readonly #waits: { resolve(result: Result): void; reject(error: unknown): void }[] = [];

	constructor(name: string, events: number, signal: AbortSignal | undefined) {
		const full = path.resolve(name);
		this.#file = new FileObject(name);
		this.#folder = new FileObject(path.dirname(full));
		this.#events = events;
		this.#signal = signal;
		this.#port = acquire();
		try {
			this.#look();
			this.#port.associateFile(this.#file, events, this);
		} catch (error) {
			release();
			throw error;
		}
		signal?.addEventListener('abort', this.#abort, { once: true });
	}

	readonly #abort = (): void => {
		const { reason } = this.#signal as AbortSignal;
		this.#end();
		// Who waits is told why; else the next one who asks.
		if (this.#waits.length === 0) this.#failure = { reason };
		for (const wait of this.#waits.splice(0)) wait.reject(reason);
	};
	#failure: { reason: unknown } | undefined;

	/** Stamps for the next association. */
	#look(): void {
		this.#file.refresh({ follow: (this.#events & FILE_NOFOLLOW) === 0 });
	}

	/** From the pump. */
	deliver(file: FileObject, events: number): void {
		if (this.#done) return;
		this.#armed = false;
		if (file === this.#folder) {
			this.#arm(true);
			return;
		}
		// As of before whoever is told looks at the file.
		if ((events & FILE_EXCEPTION) === 0) this.#look();
		this.#give(new FileEvent(this.#file, events, undefined));
	}

	#give(event: FileEvent<undefined>): void {
		const wait = this.#waits.shift();
		if (wait === undefined) this.#ready = event;
		else wait.resolve({ done: false, value: event });
		if (this.#waits.length > 0) this.#arm(false);
	}

	/** Associates again; a file that is gone is waited for in its directory. */
	#arm(missing: boolean): void {
		if (this.#armed || this.#done) return;
		try {
			this.#folder.refresh(); // before the file is looked for: it may come right now
			try {
				if (missing) this.#look();
				this.#port.associateFile(this.#file, this.#events, this);
				this.#armed = true;
			} catch (error) {
				if (!isGone(error)) throw error;
				this.#missing = true;
				this.#port.associateFile(this.#folder, FILE_MODIFIED, this);
				this.#armed = true;
				return;
			}
			if (!this.#missing) return;
			// It is back, with whatever is in it.
			this.#missing = false;
			this.#give(new FileEvent(this.#file, FILE_MODIFIED | FILE_ATTRIB, undefined));
		} catch (error) {
			this.#end();
			const wait = this.#waits.shift();
			if (wait === undefined) this.#failure = { reason: error };
			else wait.reject(error);
			for (const rest of this.#waits.splice(0)) rest.resolve(DONE);
		}
	}
	#missing = false;

	next(): Promise<Result> {
		const event = this.#ready;
		if (event !== undefined) {
			this.#ready = undefined;
			return Promise.resolve({ done: false, value: event });
		}
		if (this.#failure !== undefined) {
			const { reason } = this.#failure;
			this.#failure = undefined;
			return Promise.reject(reason);
		}
		if (this.#done) return Promise.resolve(DONE);
		return new Promise((resolve, reject) => {
			this.#waits.push({ resolve, reject });
			this.#arm(false);
		});
	}

	#end(): void {
		if (this.#done) return;
		this.#done = true;
		this.#signal?.removeEventListener('abort', this.#abort);
		for (const file of [this.#file, this.#folder]) {
			try {
				this.#port.dissociateFile(file);
			} catch {
				// Not associated at the moment.
			}
		}
		release();
	}

	return(): Promise<Result> {
		this.#end();
		this.#ready = undefined;
		for (const wait of this.#waits.splice(0)) wait.resolve(DONE);
		return Promise.resolve(DONE);
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.return();
	}
}

/**
 * Watches one file or directory until the iteration is left or the signal aborts. Each event is
 * told once; what happens while one is being handled makes the next one, so the last state of the
 * file is always reported, however slow the reader. A file that is removed, renamed or replaced
 * is told so; if it is gone, the next event comes when there is one of that name again.
 *
 * @param path - of a file or directory that is there now
 * @param options - `events`: FILE_* bits; `signal` ends the iteration with its reason
 * @throws {@link PortError} ENOENT, EACCES, ... as {@link Port.associateFile}, at once
 *
 * @example
 * ```ts
 * for await (const event of watch('config.json', { signal })) {
 *   if (event.modified) reload(event.path);
 * }
 * ```
 */
export function watch(
	path: string,
	options: WatchOptions = {},
): AsyncIterableIterator<FileEvent<undefined>, undefined> {
	validate.path('path', path);
	validate.object('options', options);
	const signal = validate.signal(options.signal);
	const events = options.events ?? FILE_MODIFIED | FILE_ATTRIB | FILE_TRUNC;
	validate.int32('options.events', events);
	signal?.throwIfAborted();
	return new Watcher(path, events, signal);
}
