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
import { isLink, wayOf } from './links.js';
import type { Abortable } from './options.js';
import type { Port } from './port.js';
import * as validate from './validate.js';
import {
	dissociate,
	Folder,
	type Follower,
	folders,
	join,
	leave,
	type Told,
} from './watch-port.js';

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

const isGone = (error: unknown): boolean =>
	error instanceof PortError && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/**
 * Before an event is handed over its file is associated again, so that what the reader does not
 * see when it looks then makes another event. At most two events wait for the reader: what ended
 * an association, and what the name leads to since.
 */
class Watcher
	implements AsyncIterableIterator<FileEvent<undefined>, undefined>, AsyncDisposable, Follower
{
	readonly #port: Port<Told>;
	#file: FileObject;
	readonly #events: number;
	readonly #signal: AbortSignal | undefined;
	#folder: FileObject | undefined; // associated instead, while the file is not there
	#links: FileObject[] = []; // that the name leads through, each watched itself
	#way: string[] = []; // their names, and those of the directories
	#last = ''; // what they lead to, or the first name that is not there
	#folders: Folder[] = []; // these
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
			if (!this.#stillThere()) this.strayed();
		} catch (error) {
			this.unfollow();
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

	/**
	 * Watches the directories and links on the way, for no event of the file tells that they lead
	 * elsewhere.
	 */
	#follow(): void {
		for (;;) {
			const { links, folders: names, end } = wayOf(this.#file.path, this.#follows);
			const way = [...links, ...names];
			const watched = this.#way;
			this.#last = end;
			if (way.length === watched.length && way.every((name, i) => name === watched[i])) return;
			this.unfollow();
			try {
				for (const name of names) {
					const folder = folders.get(name) ?? new Folder(this.#port, name);
					folder.users.add(this);
					this.#folders.push(folder);
				}
				for (const name of links) {
					const link = new FileObject(name);
					this.#port.associateFile(link, FILE_MODIFIED | FILE_NOFOLLOW, this);
					this.#links.push(link);
				}
				this.#way = way;
			} catch (error) {
				if (!isGone(error)) throw error;
			}
		}
	}

	/** Leaves the directories and links on the way. */
	unfollow(): void {
		this.#way = [];
		for (const link of this.#links.splice(0)) this.#dissociate(link);
		for (const folder of this.#folders.splice(0)) folder.leave(this.#port, this);
	}

	/** A directory or a link is another now: the file is whatever the name leads to, told as after its end. */
	strayed(): void {
		if (this.#done) return;
		this.unfollow();
		this.#leaveFile();
		if (this.#folder !== undefined) this.#dissociate(this.#folder);
		if (!this.#ended) this.#astray = true; // else its end was told
		this.#ended = true;
		this.#goOn(false);
	}

	/** From the pump: an association is spent. */
	happened({ file, events }: FileEvent<Told>): void {
		if (this.#done) return;
		if (file === this.#file) {
			if ((events & FILE_EXCEPTION) === 0) this.#look();
			else this.#ended = true;
			this.#ready.push(new FileEvent(this.#file, events, undefined));
		} else if (file !== undefined && this.#links.includes(file)) {
			this.strayed();
			return;
		}
		this.#goOn(file === this.#folder);
	}

	#goOn(now: boolean): void {
		this.#armed = false;
		if (this.#waits.length > 0 || now) this.#arm();
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
		if (!this.#stillThere()) {
			this.#leaveFile();
			this.#look();
			this.#ended = true;
			return this.#tryFile();
		}
		if (this.#ended) {
			// The name leads to something again, with whatever is in it.
			this.#ended = false;
			this.#astray = false;
			this.#ready.push(new FileEvent(this.#file, FILE_MODIFIED | FILE_ATTRIB, undefined));
		}
		return true;
	}

	/**
	 * Whether the name, now that it is associated, leads the way that is watched. Links and directories on it
	 * tell of themselves; a file that became a link before it was associated does not.
	 */
	#stillThere(): boolean {
		if (!this.#ended && !(this.#follows && isLink(this.#last))) return true;
		const way = this.#way;
		this.#follow();
		return this.#way === way;
	}

	/** The nearest directory above that is there. False: look for the file again. */
	#tryFolders(): boolean {
		if (!this.#ended) this.#astray = true; // it went unseen, behind an event
		this.#ended = true;
		if (this.#astray) this.#ready.push(new FileEvent(this.#file, FILE_DELETE, undefined));
		this.#astray = false;
		this.#follow();
		for (let below = this.#last; ; ) {
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
		dissociate(this.#port, file);
	}

	/** What its name led to until now is nobody's: also an exception of it that is queued already. */
	#leaveFile(): void {
		this.#dissociate(this.#file);
		this.#file = new FileObject(this.#file.path);
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
		this.unfollow();
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
 * once a directory or a symbolic link on the way is another; where that is nothing, `deleted`
 * comes first.
 *
 * It keeps the process alive as long as it isn't ended, also while nobody asks for the next event.
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
): AsyncIterableIterator<FileEvent<undefined>, undefined> & AsyncDisposable {
	validate.path('path', path);
	validate.object('options', options);
	const signal = validate.signal(options.signal);
	const { events = FILE_MODIFIED | FILE_ATTRIB | FILE_TRUNC } = options;
	validate.int32('options.events', events);
	signal?.throwIfAborted();
	return new Watcher(path, events, signal);
}
