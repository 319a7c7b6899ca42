// Contents of small files, kept until a FILE event says that they are no longer those of the file.
//
// A file is associated before it is read, so every change from then on ends its entry. That a folder
// on the way was renamed or removed is told by that folder alone (clause 5.1.3): each is associated
// too, and its end empties the cache. Only names without links are kept: of a link that leads
// elsewhere nobody tells.

import type { BigIntStats } from 'node:fs';
import path from 'node:path';
import { FILE_ATTRIB, FILE_EXCEPTION, FILE_MODIFIED, FILE_TRUNC } from '../constants.js';
import { FileObject } from '../files.js';
import type { Ready, ServePort } from './loop.js';

const LARGEST = 256 * 1024; // bytes of a file
const MOST_BYTES = 16 * 1024 * 1024; // of all
const MOST = 10_000; // files

/** The state of a file that was read. */
export interface Content {
	readonly stats: BigIntStats;
	readonly body: Buffer;
}

class Entry implements Ready {
	readonly file: FileObject;
	content: Content | undefined;
	readonly #changed: (events: number) => void;

	constructor(name: string, changed: (entry: Entry, events: number) => void) {
		this.file = new FileObject(name);
		this.#changed = (events) => changed(this, events);
	}

	ready(events: number): void {
		this.#changed(events);
	}
}

export class Cache {
	readonly #port: ServePort;
	readonly #root: string;
	// The one that was asked for last is the last.
	readonly #entries = new Map<string, Entry>();
	readonly #folders = new Map<string, Entry>();
	#bytes = 0;

	/** `root`: without links in it; nothing above it is thought to move. */
	constructor(port: ServePort, root: string) {
		this.#port = port;
		this.#root = root;
	}

	/** What is in a file, if it was read and has not changed since. */
	find(name: string): Content | undefined {
		const entry = this.#entries.get(name);
		if (entry?.content === undefined) return undefined;
		this.#entries.delete(name);
		this.#entries.set(name, entry);
		return entry.content;
	}

	/**
	 * To be called before a file is looked at and read; what was read is kept if it is given to the
	 * result before the file has changed. Undefined: this one can't be watched.
	 */
	begin(name: string): ((content: Content) => void) | undefined {
		if (this.#entries.has(name)) return undefined; // somebody else is about it
		const entry = new Entry(name, (changed) => this.#drop(changed));
		try {
			this.#watchFolders(path.dirname(name));
			this.#port.associateFile(entry.file, FILE_MODIFIED | FILE_ATTRIB | FILE_TRUNC, entry);
		} catch {
			return undefined; // as good as before: it is read each time
		}
		this.#entries.set(name, entry);
		return (content) => {
			if (this.#entries.get(name) === entry) this.#keep(entry, content);
		};
	}

	/** It was not read, or is not fit to be kept. */
	abandon(name: string): void {
		const entry = this.#entries.get(name);
		if (entry !== undefined && entry.content === undefined) this.#drop(entry);
	}

	static fits(stats: BigIntStats): boolean {
		return stats.isFile() && stats.size <= LARGEST;
	}

	#keep(entry: Entry, content: Content): void {
		entry.content = content;
		this.#bytes += content.body.length;
		for (const oldest of this.#entries.values()) {
			if (this.#bytes <= MOST_BYTES && this.#entries.size <= MOST) break;
			if (oldest.content !== undefined) this.#drop(oldest);
		}
	}

	#watchFolders(folder: string): void {
		for (let at = folder; at !== this.#root && !this.#folders.has(at); at = path.dirname(at)) {
			const entry = new Entry(at, (_changed, events) => {
				if (events & FILE_EXCEPTION) this.clear();
			});
			this.#port.associateFile(entry.file, 0, entry);
			this.#folders.set(at, entry);
		}
	}

	#drop(entry: Entry): void {
		if (this.#entries.get(entry.file.path) !== entry) return;
		this.#entries.delete(entry.file.path);
		this.#bytes -= entry.content?.body.length ?? 0;
		this.#dissociate(entry);
	}

	#dissociate({ file }: Entry): void {
		try {
			this.#port.dissociateFile(file);
		} catch {
			// Its event was retrieved: there is nothing left to end.
		}
	}

	clear(): void {
		for (const entry of this.#entries.values()) this.#drop(entry);
		for (const folder of this.#folders.values()) this.#dissociate(folder);
		this.#folders.clear();
	}
}
