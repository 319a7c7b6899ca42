// Events of files, by the names of their bits.

import { type InspectOptionsStylized, inspect } from 'node:util';
import {
	FILE_ACCESS,
	FILE_ATTRIB,
	FILE_DELETE,
	FILE_EXCEPTION,
	FILE_MODIFIED,
	FILE_RENAME_FROM,
	FILE_RENAME_TO,
	FILE_TRUNC,
	MOUNTEDOVER,
	UNMOUNTED,
} from './constants.js';
import type { FileObject } from './files.js';

type Inspect = typeof inspect;

const NAMES: readonly (readonly [string, number])[] = [
	['modified', FILE_MODIFIED],
	['attrib', FILE_ATTRIB],
	['access', FILE_ACCESS],
	['trunc', FILE_TRUNC],
	['deleted', FILE_DELETE],
	['renamedFrom', FILE_RENAME_FROM],
	['renamedTo', FILE_RENAME_TO],
	['unmounted', UNMOUNTED],
	['mountedOver', MOUNTEDOVER],
];

/**
 * A file changed (clause 5). Its association is spent: nothing more comes from it until
 * {@link Port.associateFile} is called again. After an {@link FileEvent.exception} it is gone.
 *
 * @example
 * ```ts
 * if (event?.source === 'file' && event.modified) console.log(`${event.path} was written`);
 * ```
 */
export class FileEvent<T = unknown> {
	/** Tells the kind of event. */
	readonly source = 'file' as const;
	/** What was associated; undefined if another thread did it. */
	readonly file: FileObject | undefined;
	/** The name as it was associated; empty if another thread did it. */
	readonly path: string;
	/** FILE_* bits that happened. */
	readonly events: number;
	/** What the last association carried. */
	readonly user: T;

	/** Ports make them; a program does for its tests. */
	constructor(file: FileObject | undefined, events: number, user: T, path = file?.path ?? '') {
		this.file = file;
		this.path = path;
		this.events = events;
		this.user = user;
	}

	/** Written, or truncated; of a directory: an entry came, went or was renamed. */
	get modified(): boolean {
		return (this.events & FILE_MODIFIED) !== 0;
	}

	/** Attributes changed: mode, owner, stamps, number of links. */
	get attrib(): boolean {
		return (this.events & FILE_ATTRIB) !== 0;
	}

	/** Read. */
	get access(): boolean {
		return (this.events & FILE_ACCESS) !== 0;
	}

	/** Became shorter. */
	get trunc(): boolean {
		return (this.events & FILE_TRUNC) !== 0;
	}

	/** The name was removed. An exception. */
	get deleted(): boolean {
		return (this.events & FILE_DELETE) !== 0;
	}

	/** The file was renamed. An exception. */
	get renamedFrom(): boolean {
		return (this.events & FILE_RENAME_FROM) !== 0;
	}

	/** Another file was renamed over it. An exception. */
	get renamedTo(): boolean {
		return (this.events & FILE_RENAME_TO) !== 0;
	}

	/** Its file system was unmounted. An exception. */
	get unmounted(): boolean {
		return (this.events & UNMOUNTED) !== 0;
	}

	/** Something was mounted over the directory. An exception. */
	get mountedOver(): boolean {
		return (this.events & MOUNTEDOVER) !== 0;
	}

	/** Whether it is one of the five that come unasked and end the association. */
	get exception(): boolean {
		return (this.events & FILE_EXCEPTION) !== 0;
	}

	/** The names of the bits: 'modified', 'attrib', ... */
	get names(): string[] {
		return NAMES.filter(([, bit]) => this.events & bit).map(([name]) => name);
	}

	/** @internal */
	[inspect.custom](_depth: number, options: InspectOptionsStylized, show: Inspect): string {
		const bits = options.stylize(this.names.join('|') || '0', 'special');
		return `FileEvent { path: ${show(this.path, options)}, events: ${bits}, user: ${show(this.user, options)} }`;
	}
}
