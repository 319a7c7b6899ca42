// The numbers of <port.h> and <poll.h> on Linux, for those who think in C.

/** {@link Source} as single names: asynchronous I/O. */
export const PORT_SOURCE_AIO = 1;
/** Timers (clause 6). */
export const PORT_SOURCE_TIMER = 2;
/** Messages of {@link Port.send} (clause 9). */
export const PORT_SOURCE_USER = 3;
/** Descriptors (clause 4). */
export const PORT_SOURCE_FD = 4;
/** Alert mode (clause 10). */
export const PORT_SOURCE_ALERT = 5;
/** POSIX message queues (clause 8). */
export const PORT_SOURCE_MQ = 6;
/** Files (clause 5). */
export const PORT_SOURCE_FILE = 7;

/**
 * Where an event comes from, as the number that `portev_source` carries.
 *
 * @example
 * ```ts
 * import { Port, Source } from 'event-ports';
 * const port = new Port();
 * console.log(port.stats().delivered.user, Source.USER);
 * port.close();
 * ```
 */
export const Source = {
	AIO: PORT_SOURCE_AIO,
	TIMER: PORT_SOURCE_TIMER,
	USER: PORT_SOURCE_USER,
	FD: PORT_SOURCE_FD,
	ALERT: PORT_SOURCE_ALERT,
	MQ: PORT_SOURCE_MQ,
	FILE: PORT_SOURCE_FILE,
} as const;

/** Data may be read, or a peer may be accepted. */
export const POLLIN = 0x1;
/** Urgent data may be read. */
export const POLLPRI = 0x2;
/** Data may be written. */
export const POLLOUT = 0x4;
/** An error; reported whether asked for or not (4.8). */
export const POLLERR = 0x8;
/** The peer hung up; reported whether asked for or not (4.8). */
export const POLLHUP = 0x10;
/** Normal data may be read. */
export const POLLRDNORM = 0x40;
/** Priority data may be read. */
export const POLLRDBAND = 0x80;
/** Normal data may be written. */
export const POLLWRNORM = 0x100;
/** Priority data may be written. */
export const POLLWRBAND = 0x200;
/** The peer shut down its writing half. */
export const POLLRDHUP = 0x2000;

/** The file is read, the directory listed. */
export const FILE_ACCESS = 0x1;
/** The file is written or truncated; an entry of the directory comes, goes or is renamed. */
export const FILE_MODIFIED = 0x2;
/** Attributes change: mode, owner, stamps, number of links. */
export const FILE_ATTRIB = 0x4;
/** The file becomes shorter. */
export const FILE_TRUNC = 0x100000;
/** Watches a symbolic link itself, not what it leads to. */
export const FILE_NOFOLLOW = 0x10000000;
/** The name was removed. Never asked for, always told. */
export const FILE_DELETE = 0x10;
/** Another file was renamed over it. Never asked for, always told. */
export const FILE_RENAME_TO = 0x20;
/** The file was renamed. Never asked for, always told. */
export const FILE_RENAME_FROM = 0x40;
/** The file system was unmounted. Never asked for, always told. */
export const UNMOUNTED = 0x20000000;
/** Something was mounted over the directory. Never asked for, always told. */
export const MOUNTEDOVER = 0x40000000;
/** The five that are never asked for. */
export const FILE_EXCEPTION = 0x60000070;
