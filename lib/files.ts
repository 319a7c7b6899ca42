// Files as objects of a port: what names one, and the tables that find it again.

import type { Stats } from 'node:fs';
import { Binding, columns, decodeSource } from './binding.js';
import { FILE_EXCEPTION } from './constants.js';
import { CookieTable } from './cookies.js';
import { FileEvent } from './file-event.js';
import { FileTable } from './file-table.js';
import { native, SOURCE_FILE, SOURCE_FILE_STANDING } from './native.js';
import * as validate from './validate.js';

const ENOENT = -2;
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

/** @internal Seconds and nanoseconds of access, modification, change; all 0: not compared. */
export type Stamps = readonly [number, number, number, number, number, number];

function pair(name: string, value: bigint | undefined): [number, number] {
	if (value === undefined) return [0, 0];
	if (typeof value !== 'bigint') throw validate.notBigint(name, value);
	if (BigInt.asIntN(64, value) !== value) throw validate.notStamp(name, value);
	const rest = ((value % SECOND) + SECOND) % SECOND;
	return [Number((value - rest) / SECOND), Number(rest)];
}

// Keys of file objects, from the process a block at a time. They are 16 apart.
const KEYS = 1024;
let nextKey = 0;
let keysLeft = 0;

function newKey(): number {
	if (keysLeft-- === 0) {
		nextKey = native.fileKeys(KEYS);
		keysLeft = KEYS - 1;
	}
	const key = nextKey;
	nextKey += 16;
	return key;
}

// What a double of milliseconds since 1970 can't tell.
const DOUBLE_NS = 500;

function isStats(stamps: FileStamps | Stats): stamps is Stats {
	return 'mtimeMs' in stamps && !('mtimeNs' in stamps);
}

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
	#stamps: Stamps | undefined;

	/**
	 * @param path - of a file or directory, which need not exist yet
	 * @param stamps - nanoseconds, as of `fs.statSync(path, { bigint: true })`; the
	 *   milliseconds of a plain `fs.Stats` are compared as exactly as they tell (half a microsecond)
	 * @throws TypeError `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`
	 */
	constructor(path: string, stamps?: FileStamps | Stats) {
		validate.path('path', path);
		this.#path = path;
		this.#key = newKey();
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
		if (path === this.#path) return;
		keepPath(this.#key, this);
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
			this.#stamps = undefined;
			return;
		}
		validate.object('stamps', stamps);
		this.#stamps = isStats(stamps)
			? agreeing(this.#path, stamps)
			: [
					...pair('stamps.atimeNs', stamps.atimeNs),
					...pair('stamps.mtimeNs', stamps.mtimeNs),
					...pair('stamps.ctimeNs', stamps.ctimeNs),
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
	refresh(options: { follow?: boolean | undefined } = {}): boolean {
		validate.object('options', options);
		const { follow = true } = options;
		validate.boolean('options.follow', follow);
		this.#stamps = readStamps(this.path, follow);
		return this.#stamps !== undefined;
	}

	/** @internal Not what only inherits from one. */
	static is(value: unknown): boolean {
		return typeof value === 'object' && value !== null && #key in value;
	}

	/** @internal */
	static keyOf(file: FileObject): number {
		return file.#key;
	}

	/** @internal */
	static stampsOf(file: FileObject): Stamps | undefined {
		return file.#stamps;
	}
}

function readStamps(path: string, follow: boolean): Stamps | undefined {
	if (native.fileStamps(path, follow) < 0) return undefined;
	const [a = 0, an = 0, m = 0, mn = 0, c = 0, cn = 0] = columns.object;
	return [a, an, m, mn, c, cn];
}

/** Milliseconds against the file's own nanoseconds: the same, or a time it never had. */
function agreeing(path: string, { atimeMs, mtimeMs, ctimeMs }: Stats): Stamps {
	const now = readStamps(path, true);
	const agree = (name: string, ms: number, at: 0 | 2 | 4): [number, number] => {
		validate.stamp(name, ms);
		const seconds = Math.floor(ms / 1000);
		const given: [number, number] = [seconds, Math.floor((ms - seconds * 1000) * 1e6)];
		if (now === undefined) return given;
		const own: [number, number] = [now[at], now[(at + 1) as 1 | 3 | 5]];
		return Math.abs((own[0] * 1000 - ms) * 1e6 + own[1]) < DOUBLE_NS ? own : given;
	};
	return [
		...agree('stamps.atimeMs', atimeMs, 0),
		...agree('stamps.mtimeMs', mtimeMs, 2),
		...agree('stamps.ctimeMs', ctimeMs, 4),
	];
}

/**
 * @internal What a port must know of an association until its event is retrieved. The file alone
 * says it all, mostly: there may be very many.
 */
export type FileEntry = FileObject | Particular;

/** @internal With a value to be released, or of a file that has another path since. */
export class Particular {
	readonly file: FileObject;
	readonly path: string; // as it was
	readonly code: number; // of the cookie table

	constructor(file: FileObject, path: string, code: number) {
		this.file = file;
		this.path = path;
		this.code = code;
	}
}

/** The file is about to have another path: what is associated has the one it had. */
function keepPath(key: number, file: FileObject): void {
	for (const { files } of Binding.all()) {
		if (files?.get(key) === file) files.put(new Particular(file, file.path, 0));
	}
}

function failure(binding: Binding, rc: number, path: string): Error {
	// Limits of inotify, not of the port.
	const syscall =
		rc === ENOSPC ? 'inotify_add_watch' : rc === EMFILE ? 'inotify_init1' : 'port_associate';
	return binding.failure(rc, syscall, path);
}

/** @internal port_associate with PORT_SOURCE_FILE. */
export function associate(
	binding: Binding,
	file: FileObject,
	events: number,
	user: unknown,
	standing: boolean,
): void {
	if (!FileObject.is(file)) throw validate.notFileObject(file);
	validate.int32('events', events);
	const key = FileObject.keyOf(file);
	const code = binding.cookies.encode(user); // first: it may use the columns
	const stamps = FileObject.stampsOf(file);
	for (let at = 0; at < 6; at++)
		columns.object[at] = stamps === undefined ? 0 : (stamps[at] as number);
	binding.files ??= new FileTable(keyOf);
	const { files } = binding;
	const known = files.get(key) !== undefined;
	const rc = native.fileAssociate(binding.handle, key, file.path, events, code, standing, known);
	if (rc < 0) {
		binding.cookies.release(code); // the association there may be stays as it is
		throw failure(binding, rc, file.path);
	}
	const entry = CookieTable.holds(code) ? new Particular(file, file.path, code) : file;
	const former = files.put(entry);
	if (rc === 1 && former !== undefined) keepEnded(binding, key, former);
	else release(binding, former);
}

/** An association was ended by an exception, which still needs what is known of it (3.6, 5.4.8). */
function keepEnded(binding: Binding, key: number, entry: FileEntry): void {
	const list = binding.ended.get(key) ?? [];
	list.push(entry instanceof Particular ? entry : new Particular(entry, entry.path, 0));
	// Those that another thread has retrieved: there are no more than are queued.
	const most = Math.max(native.count(binding.handle), 0);
	for (const gone of list.splice(0, list.length - most)) release(binding, gone);
	if (list.length > 0) binding.ended.set(key, list);
	else binding.ended.delete(key);
}

/** @internal port_dissociate with PORT_SOURCE_FILE. */
export function dissociate(binding: Binding, file: FileObject): number {
	if (!FileObject.is(file)) throw validate.notFileObject(file);
	const key = FileObject.keyOf(file);
	const rc = native.fileDissociate(binding.handle, key);
	const entry = rc >= 0 || rc === ENOENT ? binding.files?.remove(key) : undefined;
	// What an exception has ended is still needed while that is queued (2.3.4).
	if (rc >= 0) release(binding, entry);
	else if (entry !== undefined) keepEnded(binding, key, entry);
	return rc === 1 ? ENOENT : rc;
}

function keyOf(entry: FileEntry): number {
	return FileObject.keyOf(entry instanceof Particular ? entry.file : entry);
}

function release(binding: Binding, entry: FileEntry | undefined): void {
	if (entry instanceof Particular) binding.cookies.release(entry.code);
}

/** Whether a row's event is of that entry. Values that no table holds don't tell. */
function isOf(entry: FileEntry, row: number): boolean {
	const code = columns.user[row] as number;
	const own = entry instanceof Particular ? entry.code : 0;
	return CookieTable.holds(code) ? own === code : own === 0;
}

/** Of what an exception has ended before it was associated anew, if the row is that exception. */
function takeEnded(binding: Binding, row: number): FileEntry | undefined {
	const key = columns.object[row] as number;
	const list = binding.ended.get(key);
	if (list === undefined || ((columns.events[row] as number) & FILE_EXCEPTION) === 0)
		return undefined;
	const at = list.findIndex((entry) => isOf(entry, row));
	if (at < 0) return undefined;
	// They come in their order: those before it were another thread's.
	for (const gone of list.splice(0, at)) release(binding, gone);
	const entry = list.shift();
	if (list.length === 0) binding.ended.delete(key);
	return entry;
}

function eventOf(binding: Binding, row: number, entry: FileEntry | undefined): FileEvent {
	const file = entry instanceof Particular ? entry.file : entry;
	const events = columns.events[row] as number;
	const path = entry instanceof Particular ? entry.path : undefined;
	return new FileEvent(file, events, binding.user(row, false), path);
}

decodeSource(SOURCE_FILE_STANDING, (binding, row) =>
	eventOf(binding, row, binding.files?.get(columns.object[row] as number)),
);
decodeSource(SOURCE_FILE, (binding, row) => {
	const key = columns.object[row] as number;
	const ended = takeEnded(binding, row);
	const entry = ended ?? binding.files?.get(key);
	const event = eventOf(binding, row, entry);
	if (entry === undefined || !isOf(entry, row)) return event;
	if (ended === undefined) binding.files?.remove(key); // the association is spent
	release(binding, entry);
	return event;
});
