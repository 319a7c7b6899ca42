// Two kinds of failure, as in Node: a system's, with errno, and a caller's, with ERR_*.

import { getSystemErrorMap, inspect } from 'node:util';

const EACCES = -13;

// Numbers that libuv has no name for, and that the kernel may have for a descriptor or a path.
const OWN: Readonly<Record<number, readonly [string, string]>> = {
	35: ['EDEADLK', 'resource deadlock avoided'],
	37: ['ENOLCK', 'no locks available'],
	62: ['ETIME', 'timer expired'],
	65: ['ENOPKG', 'package not installed'],
	67: ['ENOLINK', 'link has been severed'],
	74: ['EBADMSG', 'bad message'],
	77: ['EBADFD', 'file descriptor in bad state'],
	102: ['ENETRESET', 'network dropped connection on reset'],
	109: ['ETOOMANYREFS', 'too many references'],
	115: ['EINPROGRESS', 'operation now in progress'],
	116: ['ESTALE', 'stale file handle'],
	117: ['EUCLEAN', 'structure needs cleaning'],
	122: ['EDQUOT', 'disk quota exceeded'],
	123: ['ENOMEDIUM', 'no medium found'],
	126: ['ENOKEY', 'required key not available'],
	127: ['EKEYEXPIRED', 'key has expired'],
	128: ['EKEYREVOKED', 'key has been revoked'],
	129: ['EKEYREJECTED', 'key was rejected by service'],
	133: ['EHWPOISON', 'memory page has hardware error'],
};

function known(errno: number): readonly [string, string] {
	const named = OWN[errno] ?? getSystemErrorMap().get(-errno);
	return named ?? [`E${errno}`, `unknown error ${errno}`];
}

/** @internal The name of a number, which is positive. */
export function errnoName(errno: number): string {
	return known(errno)[0];
}

const FULL =
	'the port has as many slots in use as its limit allows (new Port({ limit }), PORT_MAX_EVENTS)';
// The kernel's reverse_path_check: docs/divergences.md, same-file.
const CROWDED =
	'an open file may be watched by 100 ports with event loops, 500 in all (files and asynchronous I/O ' +
	"are one each, for all ports of a process), or the user's limit fs.epoll.max_user_watches is reached";
const NO_ADDRESS =
	'the host must be an IP address, a link-local one with its interface (names are looked up by node:dns)';

// What an errno means of a call, where the general text doesn't help.
const MEANINGS: Readonly<Record<string, string>> = {
	'EAGAIN port_create':
		'this process has as many ports as PORT_MAX_PORTS allows (environment, default 8192), or ' +
		"the user's limit fs.epoll.max_user_watches is reached",
	'EMFILE port_create': 'too many open files: a port takes five descriptors (ulimit -n)',
	'EAGAIN port_send':
		'the port holds as many events as its limit allows (new Port({ limit }), PORT_MAX_EVENTS)',
	'EAGAIN port_post':
		'the port holds as many events, or messages with bytes (4096), as it may ' +
		'(new Port({ limit }), PORT_MAX_EVENTS)',
	'EAGAIN port_associate': `${FULL}; or ${CROWDED}`,
	'EAGAIN timer_create': FULL,
	'EMFILE timer_create': 'too many open files: timers take a descriptor a clock (ulimit -n)',
	'EBADFD port_associate': 'the descriptor to be associated is not open',
	'EBADFD port_dissociate': 'the descriptor to be dissociated is not open',
	'EACCES port_dissociate':
		'another process associated the descriptor: only that one may dissociate or close it',
	'ENOENT port_dissociate': 'the descriptor is not associated, or its event was retrieved already',
	'EBADFD port_attach': 'the descriptor is neither a port of this process nor a ticket',
	'EPROTO port_attach': 'the ticket is of another version of event-ports',
	'EBADMSG port_attach': 'what the ticket brings is no port',
	'EMFILE port_ticket': 'too many open files: a ticket takes one more (ulimit -n)',
	'EBADF port_attach': 'the descriptor is not open',
	'ENOSPC inotify_add_watch':
		"this user's limit of watched files is reached (sysctl fs.inotify.max_user_watches)",
	'EMFILE inotify_init1':
		"this user's limit of inotify instances (sysctl fs.inotify.max_user_instances) or this " +
		"process's of open files is reached",
	'ENOTSUP port_associate': 'this file system tells nobody of changes',
	'EAGAIN aio_submit': `${FULL}; or ${CROWDED}`,
	'EINVAL aio_submit': NO_ADDRESS,
	'EINVAL connect': NO_ADDRESS,
	'EINVAL listen': NO_ADDRESS,
	'EAGAIN port_getn': CROWDED,
	'EFAULT aio_read': 'the buffer was detached or has shrunk since the read was asked for',
	'EFAULT aio_recv': 'the buffer was detached or has shrunk since the bytes were asked for',
	'ENOMEM port_getn': 'too many waits on one port',
};

// The same where a file is named.
const OF_FILES: Readonly<Record<string, string>> = {
	'ENOENT port_dissociate': 'the file is not associated, or its event was retrieved already',
	'EINVAL port_associate':
		'events must be bits of FILE_ACCESS, FILE_MODIFIED, FILE_ATTRIB, FILE_TRUNC and FILE_NOFOLLOW',
	'EINVAL port_dissociate': 'no file was ever associated with this port',
};

/**
 * A system call, or a call of the port, failed. Shaped like Node's own: `code`, `errno`, `syscall`.
 *
 * @example
 * ```ts
 * try {
 *   port.send(1);
 * } catch (error) {
 *   if (error instanceof PortError && error.code === 'EAGAIN') {} // the port is full
 * }
 * ```
 */
export class PortError extends Error {
	/** Name of the errno: 'EAGAIN', 'EBADFD', ... */
	readonly code: string;
	/** The errno, negative as Node has it. */
	readonly errno: number;
	/** The C call that failed, such as 'port_associate'. */
	readonly syscall: string;
	/** The file that was named, if one was. */
	readonly path?: string;

	/**
	 * Calls of this package make them.
	 *
	 * @param errno - its sign doesn't matter
	 * @param syscall - the C call that failed
	 * @param path - what it was about
	 */
	constructor(errno: number, syscall: string, path?: string) {
		const positive = Math.abs(errno);
		const [code, general] = known(positive);
		const call = `${code} ${syscall}`;
		const text = (path === undefined ? undefined : OF_FILES[call]) ?? MEANINGS[call] ?? general;
		super(`${code}: ${text}, ${syscall}${path === undefined ? '' : ` '${path}'`}`);
		if (path !== undefined) this.path = path;
		this.code = code;
		this.errno = -positive;
		this.syscall = syscall;
	}

	override get name(): string {
		return 'PortError';
	}
}

/**
 * A call on what belongs to another process that shares the port ({@link SHARING}).
 *
 * @example
 * ```ts
 * try {
 *   port.dissociate(fd);
 * } catch (error) {
 *   if (!(error instanceof PortOwnershipError)) throw error; // else it is its owner's to end
 * }
 * ```
 */
export class PortOwnershipError extends PortError {
	override get name(): string {
		return 'PortOwnershipError';
	}
}

/** @internal What a call on the port that failed throws. */
export function callFailed(errno: number, syscall: string, path?: string): PortError {
	const owned = errno === EACCES && syscall === 'port_dissociate';
	return owned ? new PortOwnershipError(errno, syscall) : new PortError(errno, syscall, path);
}

function withCode<E extends Error>(error: E, code: string): E & { code: string } {
	const { name } = error;
	// As Node does: the code is in the stack's first line, not in the name.
	Object.defineProperty(error, 'name', { value: `${name} [${code}]`, configurable: true });
	void error.stack;
	Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
	return Object.assign(error, { code });
}

// Whoever looks at a value may be thrown at: by a trap, a getter, or what it says of itself to be printed.
function told(words: (value: unknown) => string, value: unknown): string {
	try {
		return words(value);
	} catch {
		return `type ${typeof value}`;
	}
}

function kind(value: unknown): string {
	if (value === null || value === undefined) return `${value}`;
	if (typeof value === 'function') return `function ${value.name}`;
	if (typeof value === 'object') {
		const maker = value.constructor?.name;
		return maker ? `an instance of ${maker}` : inspect(value, { depth: -1 });
	}
	return `type ${typeof value} (${inspect(value)})`;
}

/** @internal */
export function invalidType(name: string, expected: string, value: unknown): TypeError {
	const text = `The "${name}" argument must be ${expected}. Received ${told(kind, value)}`;
	return withCode(new TypeError(text), 'ERR_INVALID_ARG_TYPE');
}

/** @internal */
export function outOfRange(name: string, range: string, value: unknown): RangeError {
	const text = `The value of "${name}" is out of range. It must be ${range}. Received ${told(inspect, value)}`;
	return withCode(new RangeError(text), 'ERR_OUT_OF_RANGE');
}

/** @internal */
export function invalidValue(name: string, expected: string, value: unknown): TypeError {
	const text = `The argument '${name}' must be ${expected}. Received ${told(inspect, value)}`;
	return withCode(new TypeError(text), 'ERR_INVALID_ARG_VALUE');
}

/** @internal */
export function portClosed(): Error {
	return withCode(new Error('The port is closed'), 'ERR_PORT_CLOSED');
}

/** @internal */
export function timerDeleted(): Error {
	return withCode(new Error('The timer is deleted'), 'ERR_PORT_TIMER_DELETED');
}

/** @internal */
export function foreignCookie(text: string): TypeError {
	return withCode(new TypeError(text), 'ERR_PORT_FOREIGN_COOKIE');
}

/** @internal */
export function cookieCantCross(): TypeError {
	return withCode(
		new TypeError(
			'This port is shared with other processes (a ticket of it was made or attached), so the ' +
				'"user" of what they may retrieve must be an integer (-2147483648 to 2^53 - 1), null, ' +
				'undefined or a boolean; post() carries bytes',
		),
		'ERR_PORT_COOKIE_NOT_SHAREABLE',
	);
}

/** What of it is Node's own doing, by its options. */
function denied({ code, resource }: { code?: string; resource?: string }): string | undefined {
	if (code === 'ERR_DLOPEN_DISABLED')
		return 'Node was told to load none (--no-addons, or --permission without --allow-addons)';
	if (code === 'ERR_ACCESS_DENIED')
		return `Node's permissions don't let it be looked for (--allow-fs-read=${resource})`;
	return undefined;
}

/** @internal */
export function nativeMissing(cause: unknown): Error {
	const text =
		denied(Object(cause)) ??
		'it is neither prebuilt for this machine nor built here ' +
			'(npm rebuild event-ports --foreground-scripts shows why; of a bundle EVENT_PORTS_PREBUILD ' +
			'names the folder that holds prebuilds/)';
	return withCode(
		new Error(`The native part of event-ports can't be loaded: ${text}`, { cause }),
		'ERR_PORT_NATIVE_MISSING',
	);
}
