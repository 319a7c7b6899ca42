// One file or directory, continuously.

import { existsSync } from 'node:fs';
import path from 'node:path';
import {
	FILE_ATTRIB,
	FILE_DELETE,
	FILE_EXCEPTION,
	FILE_MODIFIED,
	FILE_NOFOLLOW,
	FILE_TRUNC,
} from './constants.js';
import { PortError } from './errors.js';
import { FileEvent } from './file-event.js';
import { FileObject } from './files.js';
import { wayOf } from './links.js';
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
const LIMIT = 2 ** 24; // slots, made as they are needed

// One port a thread serves all watchers; it lives while there are any.
let shared: Port<Watcher> | undefined;
const watchers = new Set<Watcher>();

function join(watcher: Watcher): Port<Watcher> {
	watchers.add(watcher);
	if (shared !== undefined) return shared;
	const port = new Port<Watcher>({ limit: LIMIT });
	shared = port;
	pump(port).catch((error) => {
		for (const each of watchers) each.fail(error);
	});
	return port;
}

function leave(watcher: Watcher): void {
	watchers.delete(watcher);
	if (watchers.size > 0) return;
	shared?.close();
	shared = undefined;
}

async function pump(port: Port<Watcher>): Promise<void> {
	for await (const events of port.batches({ max: 256 })) {
		for (const event of events) {
			if (event.source === 'file') event.user.happened(event as FileEvent<Watcher>);
		}
	}
}

const isGone = (error: unknown): boolean =>
	error instanceof PortError && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/**
 * Before an event is handed over its file is associated again, so that what the reader does not
 * see when it looks then makes another event. At most two events wait for the reader: what ended
 * an association, and what the name leads to since.
 */
class Watcher implements AsyncIterableIterator<FileEvent<undefined>, undefined> {
	readonly #port: Port<Watcher>;
	readonly #file: FileObject;
	readonly #events: number;
	readonly #signal: AbortSignal | undefined;
	#folder: FileObject | undefined; // associated instead, while the file is not there
	#links: FileObject[] = []; // that the name leads through, each watched itself
	#astray = false; // one of them is another by now, and nothing was told of that yet
	#armed = false;
	#done = false;
	#ended = false; // an exception was told, and nothing of the name since
	readonly #ready: FileEvent<undefined>[] = [];
	readonly #waits: { resolve(result: Result): void; reject(error: unknown): void }[] = [];
	#failure: { reason: unknown } | undefined; // for the next who asks

	constructor(name: string, events: number, signal: AbortSignal | undefined) {
		const full = name === '' || path.isAbsolute(name) ? name : `${process.cwd()}/${name}`;
		this.#file = new FileObject(full);
		this.#events = events;
		this.#signal = signal;
		this.#port = join(this);
		try {
			this.#follow();
			this.#look();
			this.#port.associateFile(this.#file, events, this);
			this.#armed = true;
		} catch (error) {
			this.#unfollow();
			leave(this);
			throw error;
		}
		signal?.addEventListener('abort', this.#abort, { once: true });
	}

	readonly #abort = (): void => {
		const { reason } = this.#signal as AbortSignal;
		this.fail(reason);
	};

	/** Everyone who waits is told why it ended; else the next one who asks. */
	fail(reason: unknown): void {
		if (this.#done) return;
		this.#end();
		if (this.#waits.length === 0) this.#failure = { reason };
		for (const wait of this.#waits.splice(0)) wait.reject(reason);
	}

	get #follows(): boolean {
		return (this.#events & FILE_NOFOLLOW) === 0;
	}

	/** The file's stamps, for the next association. */
	#look(): void {
		this.#file.refresh({ follow: this.#follows });
	}

	/** Watches the links on the way, for no event of the file tells that they lead elsewhere. Where it ends. */
	#follow(): string {
		for (;;) {
			const { links, end } = wayOf(this.#file.path, this.#follows);
			const watched = this.#links;
			if (links.length === watched.length && links.every((link, i) => link === watched[i]?.path)) {
				return end;
			}
			this.#unfollow();
			try {
				for (const name of links) {
					const link = new FileObject(name);
					this.#port.associateFile(link, FILE_MODIFIED | FILE_NOFOLLOW, this);
					this.#links.push(link);
				}
			} catch (error) {
				if (!isGone(error)) throw error;
			}
		}
	}

	#unfollow(): void {
		for (const link of this.#links.splice(0)) this.#dissociate(link);
	}

	/** A link is another now: the file is whatever the name leads to, told as after its end. */
	#strayed(): void {
		this.#unfollow();
		this.#dissociate(this.#file);
		if (this.#folder !== undefined) this.#dissociate(this.#folder);
		this.#ended = true;
		this.#astray = true;
	}

	/** From the pump: an association is spent. */
	happened({ file, events }: FileEvent<Watcher>): void {
		if (this.#done) return;
		this.#armed = false;
		if (file === this.#file) {
			if ((events & FILE_EXCEPTION) === 0) this.#look();
			else this.#ended = true;
			this.#ready.push(new FileEvent(this.#file, events, undefined));
		} else if (file !== undefined && this.#links.includes(file)) this.#strayed();
		if (this.#waits.length > 0 || file === this.#folder) this.#arm();
		this.#hand();
	}

	/** What is there, to those who wait. */
	#hand(): void {
		while (this.#waits.length > 0 && this.#ready.length > 0) {
			const wait = this.#waits.shift();
			wait?.resolve({ done: false, value: this.#ready.shift() as FileEvent<undefined> });
		}
	}

	/** Associates again; a file that is gone is waited for in its directory. */
	#arm(): void {
		if (this.#armed || this.#done) return;
		try {
			if (this.#ended) {
				this.#follow();
				this.#look();
			}
			while (!this.#tryFile() && !this.#tryFolders());
			this.#armed = true;
		} catch (error) {
			this.fail(error);
		}
	}

	#tryFile(): boolean {
		try {
			this.#port.associateFile(this.#file, this.#events, this);
		} catch (error) {
			if (isGone(error)) return false;
			throw error;
		}
		if (this.#ended) {
			// The name leads to something again, with whatever is in it.
			this.#ended = false;
			this.#astray = false;
			this.#ready.push(new FileEvent(this.#file, FILE_MODIFIED | FILE_ATTRIB, undefined));
		}
		return true;
	}

	/** The nearest directory above that is there. False: look for the file again. */
	#tryFolders(): boolean {
		this.#ended = true;
		if (this.#astray) this.#ready.push(new FileEvent(this.#file, FILE_DELETE, undefined));
		this.#astray = false;
		for (let below = this.#follow(); ; ) {
			const folder = new FileObject(path.dirname(below));
			try {
				this.#port.associateFile(folder, FILE_MODIFIED, this);
			} catch (error) {
				if (!isGone(error) || folder.path === below) throw error;
				below = folder.path;
				continue;
			}
			this.#folder = folder;
			if (!existsSync(below)) return true;
			this.#dissociate(folder); // it came meanwhile
			return false;
		}
	}

	#dissociate(file: FileObject): void {
		try {
			this.#port.dissociateFile(file);
		} catch {
			// Its event was retrieved already.
		}
	}

	next(): Promise<Result> {
		if (this.#ready.length > 0) {
			this.#arm();
			const value = this.#ready.shift() as FileEvent<undefined>;
			return Promise.resolve({ done: false, value });
		}
		if (this.#failure !== undefined) {
			const { reason } = this.#failure;
			this.#failure = undefined;
			return Promise.reject(reason);
		}
		if (this.#done) return Promise.resolve(DONE);
		return new Promise((resolve, reject) => {
			this.#waits.push({ resolve, reject });
			this.#arm();
			this.#hand();
		});
	}

	#end(): void {
		this.#done = true;
		this.#signal?.removeEventListener('abort', this.#abort);
		this.#unfollow();
		this.#dissociate(this.#file);
		if (this.#folder !== undefined) this.#dissociate(this.#folder);
		leave(this);
	}

	return(): Promise<Result> {
		if (!this.#done) this.#end();
		this.#ready.length = 0;
		this.#failure = undefined;
		for (const wait of this.#waits.splice(0)) wait.resolve(DONE);
		return Promise.resolve(DONE);
	}

	throw(error: unknown): Promise<Result> {
		void this.return();
		return Promise.reject(error);
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.return();
	}
}

/**
 * Watches one file or directory until the iteration is left or the signal aborts. What happens
 * while an event is being handled makes the next one, so the last state of the file is always
 * reported, however slow the reader. Removing, renaming and replacing are told by their names;
 * whatever has the name then, at once or later, is told as `modified`. So is what the name leads to
 * once a symbolic link on the way, or the name itself, leads elsewhere; where that is nothing,
 * `deleted` comes first.
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
	const { events = FILE_MODIFIED | FILE_ATTRIB | FILE_TRUNC } = options;
	validate.int32('options.events', events);
	signal?.throwIfAborted();
	return new Watcher(path, events, signal);
}
