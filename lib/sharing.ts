// Which process may do what with an event or an association of another one (section 11 of the
// contract), as data. What it refuses is refused before the core is asked.

import type { PortEvent } from './events.js';
import { native } from './native.js';

/**
 * What is done: `retrieve` an event; `associate`, which for a timer is set(), for a message send(),
 * for an alert alert(); `dissociate`, for a timer delete(), for a request cancel(), for an alert
 * clearAlert().
 */
export type SharingVerb = 'retrieve' | 'associate' | 'dissociate';

/** By whom: the process that made the association, timer, request or message, or another one. */
export type SharingParty = 'owner' | 'other';

/**
 * - `yes`: it may.
 * - `same-file`: where the descriptor's number means the same open file; the owner stays the owner.
 *   Elsewhere the number is another descriptor, with an association of its own.
 * - `own`: there is no such thing of another's to be named there; it is always one's own.
 * - `no`: the event stays queued, and whoever may not have it goes on waiting.
 * - a code: what the call fails with. `EACCES` of a descriptor is told where its number means the
 *   same open file; elsewhere it isn't associated (`ENOENT`).
 */
export type SharingRule = 'yes' | 'same-file' | 'own' | 'no' | 'EACCES' | 'ENOENT' | 'EINVAL';

/** The rules of one source. */
export type SharingRules = {
	readonly [verb in SharingVerb]?: { readonly [party in SharingParty]: SharingRule };
} & {
	/**
	 * Which `user` values its events carry while the port is shared: those that mean the same in
	 * every process, or any, because only their maker can retrieve them.
	 */
	readonly user: 'portable' | 'any';
};

/**
 * The rules for processes that share a port, by source (clauses 11.1 to 11.3). Threads of one
 * process are one party.
 *
 * @example
 * ```ts
 * SHARING.timer.retrieve.other; // 'no': only the process that made a timer sees it expire
 * ```
 */
export const SHARING = {
	fd: {
		retrieve: { owner: 'yes', other: 'same-file' },
		associate: { owner: 'yes', other: 'same-file' },
		dissociate: { owner: 'yes', other: 'EACCES' },
		user: 'portable',
	},
	file: {
		retrieve: { owner: 'yes', other: 'no' },
		associate: { owner: 'yes', other: 'own' },
		dissociate: { owner: 'yes', other: 'ENOENT' },
		user: 'any',
	},
	timer: {
		retrieve: { owner: 'yes', other: 'no' },
		associate: { owner: 'yes', other: 'EINVAL' },
		dissociate: { owner: 'yes', other: 'EINVAL' },
		user: 'any',
	},
	aio: {
		retrieve: { owner: 'yes', other: 'no' },
		dissociate: { owner: 'yes', other: 'own' },
		user: 'any',
	},
	user: {
		retrieve: { owner: 'yes', other: 'yes' },
		associate: { owner: 'yes', other: 'yes' },
		user: 'portable',
	},
	alert: {
		retrieve: { owner: 'yes', other: 'yes' },
		associate: { owner: 'yes', other: 'yes' },
		dissociate: { owner: 'yes', other: 'yes' },
		user: 'portable',
	},
} as const satisfies Readonly<Record<Exclude<PortEvent['source'], 'other'>, SharingRules>>;

const OTHER = 2; // what native.holder() says of another process's
const ERRNO: Readonly<Partial<Record<SharingRule, number>>> = { EACCES: -13 };

/**
 * Why this process may not do this with a descriptor's association: a negative errno. 0: it may, or
 * there is none.
 *
 * @internal
 */
export function refusal(handle: number, verb: SharingVerb, fd: number): number {
	const party: SharingParty = native.holder(handle, fd) === OTHER ? 'other' : 'owner';
	return ERRNO[SHARING.fd[verb][party]] ?? 0;
}
