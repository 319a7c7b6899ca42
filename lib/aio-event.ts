// The event of a request that is done.

import { type InspectOptionsStylized, inspect } from 'node:util';
import type { PortError } from './errors.js';

/** What a request does. */
export type AioOperation = 'read' | 'write' | 'fsync' | 'fdatasync';

const CODES = { read: 11, write: 12, fsync: 20, fdatasync: 20 };

/**
 * A request of {@link Port.aio} is done: carried out, failed or cancelled (clauses 7.3, 7.9).
 *
 * @example
 * ```ts
 * if (event?.source === 'aio') {
 *   if (event.error) throw event.error;
 *   console.log(event.bytes);
 * }
 * ```
 */
export class AioEvent<T = unknown> {
	/** Tells the kind of event. */
	readonly source = 'aio' as const;
	/** What was asked for; undefined in a thread that did not ask. */
	readonly operation: AioOperation | undefined;
	/** The same as C has it (1.12): AIOAREAD 11, AIOAWRITE 12, AIOFSYNC 20; else 0. */
	readonly events: number;
	/** How many bytes were moved: fewer than asked for at the end of a file, 0 when it failed. */
	readonly bytes: number;
	/** Why it failed, or null. ECANCELED: it was cancelled. */
	readonly error: PortError | null;
	/** What came with the request. */
	readonly user: T;

	/** Ports make them; a program does for its tests. */
	constructor(
		operation: AioOperation | undefined,
		bytes: number,
		error: PortError | null,
		user: T,
	) {
		this.operation = operation;
		this.events = operation === undefined ? 0 : CODES[operation];
		this.bytes = bytes;
		this.error = error;
		this.user = user;
	}

	/** @internal */
	[inspect.custom](_depth: number, options: InspectOptionsStylized, show: typeof inspect): string {
		const outcome = this.error === null ? `bytes: ${this.bytes}` : `error: ${this.error.code}`;
		return `AioEvent { operation: ${show(this.operation, options)}, ${outcome}, user: ${show(this.user, options)} }`;
	}
}
