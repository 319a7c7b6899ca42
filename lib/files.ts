// Files as objects of a port: what names one, and the tables that find it again.

import type { Stats } from 'node:fs';
import { type Binding, columns, decodeSource } from './binding.js';
import { FileEvent } from './file-event.js';
import { native } from './native.js';
import * as validate from './validate.js';

const ENOSPC = -28;
const EMFILE = -24;
const SECOND = 1_000_000_000n;

/**
 * Time stamps of a file, in nanoseconds; 0 or nothing: not compared.
 *
 * @example
 * ```ts
 * const { mtimeNs } = fs.statSync(path, { bigint: true });
 * const file = new FileObject(path, { mtimeNs });
 * ```
 */
export interface FileStamps {
	/** Compared when FILE_ACCESS is asked for. */
	atimeNs?: bigint | undefined;
	/** Compared when FILE_MODIFIED is asked for. */
	mtimeNs?: bigint | undefined;
	/** Compared when FILE_ATTRIB is asked for. */
	ctimeNs?: bigint | undefined;
}

type Pair = readonly [seconds: number, nanoseconds: number];
const NONE: Pair = [0, 0];

function pair(name: string, value: bigint | undefined): Pair {
	if (value === undefined) return NONE;
	if (typeof value !== 'bigint') throw validate.notBigint(name, value);
	if (BigInt.asIntN(64, value) !== value) throw validate.notStamp(name, value);
	const rest = ((value % SECOND) + SECOND) % SECOND;
	return [Number((value - rest) / SECOND), Number(rest)];
}

// What a double of milliseconds since 1970 can't tell.
const DOUBLE_NS = 500;

function isStats(stamps: FileStamps | Stats): stamps is Stats {
	return 'mtimeMs' in stamps && !('mtimeNs' in stamps);
}

/** @internal A stamp of the package's own reading, or as given. */
export type Stamps = readonly [access: Pair, modify: Pair, change: Pair];

/**
 * A file or directory as an object of {@link Port.associateFile}: a name, and the time stamps that
 * the caller knows. The object is the identity (clause 5.1.1): two of them on one file are two
 * associations, and one that is associated again replaces what it did before.
 *
 * With stamps, associating compares them with the file; if one that belongs to a requested event
 * differs, the event is queued at once. So nothing is missed between a stat and the association.
 *
 * @example
 * ```ts
 * const file = new FileObject('/etc/hosts', fs.statSync('/etc/hosts', { bigint: true }));
 * port.associateFile(file, FILE_MODIFIED);
 * ```
 */
export class FileObject {
	#path: string;
	readonly #key: number;
	#stamps: Stamps = [NONE, NONE, NONE];

	/**
	 * @param path - of a file or directory, which need not exist yet
	 * @param stamps - nanoseconds, as of `fs.statSync(path, { bigint: true })`; the
	 *   milliseconds of a plain `fs.Stats` are compared as exactly as they tell (half a microsecond)
	 * @throws TypeError `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`
	 */
	constructor(path: string, stamps?: FileStamps | Stats) {
		validate.path('path', path);
		this.#path = path;
		this.#key = native.fileKey();
		if (stamps !== undefined) this.setStamps(stamps);
	}

	/**
	 * The name, as it is looked up at each association. Another one, set for the next, makes that
	 * one drop the association there is if it leads to another file (clause 5.1.6).
	 */
	get path(): string {
		return this.#path;
	}

	set path(path: string) {
		validate.path('path', path);
		this.#path = path;
	}

	/**
	 * Other stamps for the next association.
	 *
	 * @param stamps - as of the constructor; none: nothing is compared
	 *
	 * @example
	 * ```ts
	 * event.file?.setStamps(fs.statSync(event.path, { bigint: true }));
	 * ```
	 */
	setStamps(stamps?: FileStamps | Stats): void {
		if (stamps === undefined) {
			this.#stamps = [NONE, NONE, NONE];
			return;
		}
		validate.object('stamps', stamps);
		this.#stamps = isStats(stamps)
			? this.#agreeing(stamps)
			: [
					pair('stamps.atimeNs', stamps.atimeNs),
					pair('stamps.mtimeNs', stamps.mtimeNs),
					pair('stamps.ctimeNs', stamps.ctimeNs),
				];
	}

	/** Milliseconds against the file's own nanoseconds: the same, or a time it never had. */
	#agreeing({ atimeMs, mtimeMs, ctimeMs }: Stats): Stamps {
		const now = readStamps(this.path, true);
		const agree = (name: string, ms: number, own: Pair | undefined): Pair => {
			validate.stamp(name, ms);
			const seconds = Math.floor(ms / 1000);
			const given: Pair = [seconds, Math.floor((ms - seconds * 1000) * 1e6)];
			if (own === undefined) return given;
			return Math.abs((own[0] * 1000 - ms) * 1e6 + own[1]) < DOUBLE_NS ? own : given;
		};
		return [
			agree('stamps.atimeMs', atimeMs, now?.[0]),
			agree('stamps.mtimeMs', mtimeMs, now?.[1]),
			agree('stamps.ctimeMs', ctimeMs, now?.[2]),
		];
	}

	/**
	 * Takes the file's stamps as they are now.
	 *
	 * @param options - `follow`: of what a symbolic link leads to; default true
	 * @returns false if there is no such file, or it can't be looked at; nothing is compared then
	 *
	 * @example
	 * ```ts
	 * file.refresh();
	 * const text = fs.readFileSync(file.path, 'utf8');
	 * port.associateFile(file, FILE_MODIFIED); // an event if it changed since refresh()
	 * ```
	 */
	refresh({ follow = true }: { follow?: boolean | undefined } = {}): boolean {
		const now = readStamps(this.path, follow);
		this.#stamps = now ?? [NONE, NONE, NONE];
		return now !== undefined;
	}

	/** @internal */
	static keyOf(file: FileObject): number {
		return file.#key;
	}

	/** @internal */
	static stampsOf(file: FileObject): Stamps {
		return file.#stamps;
	}
}

function readStamps(path: string, follow: boolean): Stamps | undefined {
	if (native.fileStamps(path, follow) < 0) return undefined;
	const [a = 0, an = 0, m = 0, mn = 0, c = 0, cn = 0] = columns.object;
	return [
		[a, an],
		[m, mn],
		[c, cn],
	];
}

/** @internal What a port must know of an association until its event is retrieved. */
export interface FileEntry {
	readonly file: FileObject;
	readonly path: string; // as it was
	readonly code: number; // of the cookie table
}

function failure(binding: Binding, rc: number, path: string): Error {
	// Limits of inotify, not of the port.
	const syscall =
		rc === ENOSPC ? 'inotify_add_watch' : rc === EMFILE ? 'inotify_init1' : 'port_associate';
	return binding.failure(rc, syscall, path);
}

/** @internal port_associate with PORT_SOURCE_FILE. */
export function associate(binding: Binding, file: FileObject, events: number, user: unknown): void {
	if (!(file instanceof FileObject)) throw validate.notFileObject(file);
	validate.int32('events', events);
	const key = FileObject.keyOf(file);
	const code = binding.cookies.encode(user); // first: it may use the columns
	let at = 0;
	for (const [seconds, nanoseconds] of FileObject.stampsOf(file)) {
		columns.object[at++] = seconds;
		columns.object[at++] = nanoseconds;
	}
	const rc = native.fileAssociate(binding.handle, key, file.path, events, code);
	if (rc < 0) {
		binding.cookies.release(code); // the association there may be stays as it is
		throw failure(binding, rc, file.path);
	}
	forget(binding, key);
	binding.files.set(key, { file, path: file.path, code });
}

/** @internal port_dissociate with PORT_SOURCE_FILE. */
export function dissociate(binding: Binding, file: FileObject): number {
	if (!(file instanceof FileObject)) throw validate.notFileObject(file);
	const key = FileObject.keyOf(file);
	const rc = native.fileDissociate(binding.handle, key);
	// ENOENT: collected already, or a queued exception still needs what is known of it (2.3.4).
	if (rc === 0) forget(binding, key);
	return rc;
}

function forget(binding: Binding, key: number): void {
	const entry = binding.files.get(key);
	if (entry === undefined) return;
	binding.files.delete(key);
	binding.cookies.release(entry.code);
}

decodeSource(7, (binding, row) => {
	const key = columns.object[row] as number;
	const events = columns.events[row] as number;
	const entry = binding.files.get(key);
	const event = new FileEvent(entry?.file, events, binding.user(row, false), entry?.path);
	forget(binding, key); // the association is spent
	return event;
});
