// What the watchers of a thread share: a port, and the directories on their way.

import { FILE_NOFOLLOW } from './constants.js';
import { PortError } from './errors.js';
import type { FileEvent } from './file-event.js';
import { FileObject } from './files.js';
import { Port } from './port.js';

const LIMIT = 2 ** 24; // slots, made as they are needed

export interface Told {
	/** An association of its own is spent. */
	happened(event: FileEvent<Told>): void;
	/** It could not be told. */
	fail(reason: unknown): void;
}

/** Who follows a name through folders. */
export interface Follower extends Told {
	/** A folder on the way is another by now: those on the way are left, ... */
	unfollow(): void;
	/** ... then the name is followed anew. */
	strayed(): void;
}

// One port a thread serves all watchers; it lives while there are any.
let shared: Port<Told> | undefined;
const watchers = new Set<Follower>();

export function join(watcher: Follower): Port<Told> {
	shared ??= open(); // may throw: then there is no watcher either that would keep the next port open
	watchers.add(watcher);
	return shared;
}

function open(): Port<Told> {
	const port = roomy();
	pump(port).catch((error) => {
		for (const each of watchers) each.fail(error);
	});
	return port;
}

// A limit of file sizes (ulimit -f) may forbid what so many slots could come to.
function roomy(): Port<Told> {
	try {
		return new Port({ limit: LIMIT });
	} catch (error) {
		if (error instanceof PortError && error.code === 'ENOMEM') return new Port();
		throw error;
	}
}

export function leave(watcher: Follower): void {
	watchers.delete(watcher);
	if (watchers.size > 0) return;
	shared?.close();
	shared = undefined;
}

async function pump(port: Port<Told>): Promise<void> {
	for await (const events of port.batches({ max: 256 })) {
		for (const event of events) {
			if (event.source !== 'file') continue;
			try {
				event.user.happened(event as FileEvent<Told>);
			} catch (error) {
				event.user.fail(error); // no one else's affair
			}
		}
	}
}

// Directories on the way of watchers, once each: many files lie in few of them.
export const folders = new Map<string, Folder>();

/** A directory whose name may come to mean another. What is asked for is no event of it but its end. */
export class Folder implements Told {
	readonly users = new Set<Follower>();
	readonly #file: FileObject;

	/** Throws where it is gone; one that can't be watched, for want of permission, is left alone. */
	constructor(port: Port<Told>, name: string) {
		this.#file = new FileObject(name);
		try {
			port.associateFile(this.#file, FILE_NOFOLLOW, this);
		} catch (error) {
			const code = error instanceof PortError ? error.code : '';
			if (code !== 'EACCES' && code !== 'ENOTSUP') throw error;
		}
		folders.set(name, this);
	}

	happened(): void {
		folders.delete(this.#file.path);
		const users = [...this.users];
		// All before one goes on: a folder below is another too, and whoever still has it would pass it on.
		for (const watcher of users) watcher.unfollow();
		for (const watcher of users) watcher.strayed();
	}

	fail(reason: unknown): void {
		for (const watcher of this.users) watcher.fail(reason);
	}

	leave(port: Port<Told>, watcher: Follower): void {
		this.users.delete(watcher);
		if (this.users.size > 0 || folders.get(this.#file.path) !== this) return;
		folders.delete(this.#file.path);
		dissociate(port, this.#file);
	}
}

export function dissociate(port: Port<Told>, file: FileObject): void {
	try {
		port.dissociateFile(file);
	} catch {
		// Its event was retrieved already.
	}
}
