// The event of a request that is done.

import { type InspectOptionsStylized, inspect } from 'node:util';
import type { PortError } from './errors.js';

/** What a request does. */
export type AioOperation =
	| 'read'
	| 'write'
	| 'fsync'
	| 'fdatasync'
	| 'accept'
	| 'connect'
	| 'recv'
	| 'send';

const CODES = {
	read: 11,
	write: 12,
	fsync: 20,
	fdatasync: 20,
	accept: 0,
	connect: 0,
	recv: 0,
	send: 0,
};

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
	/** What was asked for. */
	readonly operation: AioOperation;
	/** The same as C has it (1.12): AIOAREAD 11, AIOAWRITE 12, AIOFSYNC 20; 0 for sockets. */
	readonly events: number;
	/** How many bytes were moved: fewer than asked for at the end of a file, 0 when it failed. */
	readonly bytes: number;
	/** The socket that was accepted or connected, non-blocking and close-on-exec; else null. */
	readonly fd: number | null;
	/** Why it failed, or null. ECANCELED: it was cancelled. */
	readonly error: PortError | null;
	/** What came with the request. */
	readonly user: T;

	/** Ports make them; a program does for its tests. */
	constructor(
		operation: AioOperation,
		bytes: number,
		error: PortError | null,
		user: T,
		fd: number | null = null,
	) {
		this.operation = operation;
		this.events = CODES[operation];
		this.bytes = bytes;
		this.fd = fd;
		this.error = error;
		this.user = user;
	}

	/** @internal */
	[inspect.custom](_depth: number, options: InspectOptionsStylized, show: typeof inspect): string {
		const done = this.fd === null ? `bytes: ${this.bytes}` : `fd: ${this.fd}`;
		const outcome = this.error === null ? done : `error: ${this.error.code}`;
		return `AioEvent { operation: ${show(this.operation, options)}, ${outcome}, user: ${show(this.user, options)} }`;
	}
}
