// Raw descriptors, for what Node keeps to itself: something to associate with a port.
//
// All are non-blocking and close-on-exec. What can't be done at once is a value (null), a failing
// system call an Error with code, errno and syscall.

import { types } from 'node:util';
import { invalidType, PortError } from './errors.js';
import { native } from './native.js';
import { closePortOf, forgetDescriptor } from './ports.js';
import { placeOf, type SocketPlace } from './socket-place.js';
import { boolean, descriptor, flag, integer, oneOf } from './validate.js';

const EAGAIN = -11;
const DEFAULT_BACKLOG = 511; // as node:net has it
const HOW = { read: 0, write: 1, both: 2 } as const;

/**
 * The address of one end of a socket; a unix socket has a `path` (empty when unnamed).
 *
 * @example
 * ```ts
 * const { port } = localAddress(listen({ port: 0 })) as { port: number };
 * ```
 */
export type SocketAddress =
	| { readonly family: 'IPv4' | 'IPv6'; readonly address: string; readonly port: number }
	| { readonly family: 'Unix'; readonly path: string };

function check(answer: number, syscall: string): number {
	if (answer < 0) throw new PortError(answer, syscall);
	return answer;
}

function must<T>(answer: T | number, syscall: string): T {
	if (typeof answer === 'number') throw new PortError(answer, syscall);
	return answer;
}

function bytes(name: string, value: unknown): void {
	// Of any realm; and no Proxy of one, whose bytes the addon could not find.
	if (!types.isUint8Array(value)) throw invalidType(name, 'an instance of Uint8Array', value);
}

/**
 * Opens a listening stream socket.
 *
 * @param options - Where: `host` is an IP address, by default `'127.0.0.1'`; port 0 takes a free
 * one (see {@link localAddress}). `backlog` is the length of the accept queue (default 511);
 * `reusePort` lets several listeners share the port.
 * @returns The descriptor; associate it with POLLIN.
 * @throws PortError of `listen`: EADDRINUSE, EACCES, EADDRNOTAVAIL, EINVAL (no IP address), EMFILE.
 *
 * @example
 * ```ts
 * const listener = listen({ port: 8080 });
 * port.associate(listener, POLLIN);
 * ```
 */
export function listen(
	options: SocketPlace & {
		readonly backlog?: number | undefined;
		readonly reusePort?: boolean | undefined;
	},
): number {
	const [where, port] = placeOf(options);
	const { backlog = DEFAULT_BACKLOG } = options;
	integer('options.backlog', backlog, 1, 0x7fffffff);
	const reusePort = flag('options.reusePort', options.reusePort) ? 1 : 0;
	return check(native.socketListen(where, port, backlog, reusePort), 'listen');
}

/**
 * Takes one connection from a listener's queue.
 *
 * @returns The descriptor, or null when nobody waits.
 * @throws PortError of `accept`: ECONNABORTED, EMFILE, ENFILE, EBADF, EINVAL (not listening).
 *
 * @example
 * ```ts
 * for (let fd = accept(listener); fd !== null; fd = accept(listener)) port.associate(fd, POLLIN);
 * ```
 */
export function accept(listener: number): number | null {
	const fd = native.socketAccept(descriptor('listener', listener));
	return fd === EAGAIN ? null : check(fd, 'accept');
}

/**
 * Starts a connection. It is there, or has failed, when the descriptor becomes writable: ask
 * {@link connectError} then.
 *
 * @param options - Where to; `host` is an IP address, by default `'127.0.0.1'`.
 * @returns The descriptor; associate it with POLLOUT.
 * @throws PortError of `connect`: what fails at once, such as EINVAL (no IP address), ENOENT,
 * EAGAIN (a unix socket's queue is full), EMFILE.
 *
 * @example
 * ```ts
 * const fd = connect({ port: 8080 });
 * port.associate(fd, POLLOUT);
 * await port.get();
 * const error = connectError(fd);
 * ```
 */
export function connect(options: SocketPlace): number {
	return check(native.socketConnect(...placeOf(options)), 'connect');
}

/**
 * What became of a connection, once its descriptor is writable. Asking clears it.
 *
 * @returns null: connected, or still under way; else the Error, such as ECONNREFUSED.
 *
 * @example
 * ```ts
 * const error = connectError(fd);
 * if (error !== null) throw error;
 * ```
 */
export function connectError(fd: number): PortError | null {
	const error = native.socketConnectResult(descriptor('fd', fd));
	return error === 0 ? null : new PortError(error, 'connect');
}

function addressOf(fd: number, peer: number, syscall: string): SocketAddress {
	const [kind, host, port] = must(native.socketAddress(descriptor('fd', fd), peer), syscall);
	if (kind === 0) return { family: 'Unix', path: host };
	return { family: kind === 4 ? 'IPv4' : 'IPv6', address: host, port };
}

/**
 * The address of this end.
 *
 * @throws PortError of `getsockname`: ENOTSOCK, EBADF.
 *
 * @example
 * ```ts
 * const { port } = localAddress(listen({ port: 0 })) as { port: number };
 * ```
 */
export function localAddress(fd: number): SocketAddress {
	return addressOf(fd, 0, 'getsockname');
}

/**
 * The address of the other end.
 *
 * @throws PortError of `getpeername`: ENOTCONN (also after a reset), ENOTSOCK, EBADF.
 *
 * @example
 * ```ts
 * console.log(peerAddress(fd)); // { family: 'IPv4', address: '127.0.0.1', port: 40312 }
 * ```
 */
export function peerAddress(fd: number): SocketAddress {
	return addressOf(fd, 1, 'getpeername');
}

/**
 * A pipe.
 *
 * @returns The end to read from and the end to write to.
 * @throws PortError of `pipe`: EMFILE, ENFILE.
 *
 * @example
 * ```ts
 * const [reader, writer] = pipe();
 * port.associate(reader, POLLIN);
 * ```
 */
export function pipe(): [number, number] {
	return must(native.socketPipe(), 'pipe');
}

/**
 * Two stream sockets connected with each other.
 *
 * @returns Both ends.
 * @throws PortError of `socketpair`: EMFILE, ENFILE.
 *
 * @example
 * ```ts
 * const [here, there] = socketpair();
 * ```
 */
export function socketpair(): [number, number] {
	return must(native.socketPair(), 'socketpair');
}

/**
 * Reads what is there. Without copies: the same buffer may serve every descriptor.
 *
 * @param into - Filled from its start.
 * @returns Count of bytes; 0: the peer has ended (or `into` is empty); null: nothing there yet.
 * @throws PortError of `read`: ECONNRESET, EBADF, ...
 *
 * @example
 * ```ts
 * const count = read(fd, buffer);
 * if (count === null) port.associate(fd, POLLIN);
 * ```
 */
export function read(fd: number, into: Uint8Array): number | null {
	descriptor('fd', fd);
	bytes('into', into);
	const count = native.socketRead(fd, into);
	return count === EAGAIN ? null : check(count, 'read');
}

/**
 * Writes what fits. A closed peer is an Error, never a signal.
 *
 * @param offset - First byte of `from` to be written, by default 0.
 * @param length - Count of bytes, by default all that follow.
 * @returns Count of bytes taken, which may be fewer; null: no room yet, associate with POLLOUT.
 * @throws PortError of `write`: EPIPE, ECONNRESET, EBADF, ...
 *
 * @example
 * ```ts
 * const count = write(fd, data) ?? 0;
 * if (count < data.length) port.associate(fd, POLLOUT);
 * ```
 */
export function write(fd: number, from: Uint8Array, offset = 0, length?: number): number | null {
	descriptor('fd', fd);
	bytes('from', from);
	integer('offset', offset, 0, from.length);
	const left = from.length - offset;
	const most = integer('length', length === undefined ? left : length, 0, left);
	const count = native.socketWrite(fd, from, offset, most);
	return count === EAGAIN ? null : check(count, 'write');
}

/**
 * Writes several buffers in one call, as far as they fit; at most the first 64 of them.
 *
 * @returns Count of bytes taken; null: no room yet.
 * @throws PortError of `writev`: EPIPE, ECONNRESET, EBADF, ...
 *
 * @example
 * ```ts
 * writev(fd, [head, body]);
 * ```
 */
export function writev(fd: number, parts: readonly Uint8Array[]): number | null {
	descriptor('fd', fd);
	if (!Array.isArray(parts)) throw invalidType('parts', 'an instance of Array', parts);
	const all = [...parts]; // a Proxy's elements are nothing to the addon
	for (const part of all) bytes('parts[]', part);
	const count = native.socketWriteList(fd, all);
	return count === EAGAIN ? null : check(count, 'writev');
}

/**
 * Ends one or both directions of a connection: after `'write'` the peer reads the end.
 *
 * @throws PortError of `shutdown`: ENOTCONN, ENOTSOCK, EBADF.
 *
 * @example
 * ```ts
 * shutdown(fd); // we have said everything, and go on reading
 * ```
 */
export function shutdown(fd: number, how: 'read' | 'write' | 'both' = 'write'): void {
	if (typeof how !== 'string') throw invalidType('how', 'of type string', how);
	oneOf('how', how, Object.keys(HOW));
	check(native.socketShutdown(descriptor('fd', fd), HOW[how]), 'shutdown');
}

/**
 * Sends small writes at once (TCP_NODELAY) instead of waiting for an acknowledgement.
 *
 * @throws PortError of `setsockopt`: ENOTSUP (not TCP), ENOTSOCK, EBADF.
 *
 * @example
 * ```ts
 * setNoDelay(fd);
 * ```
 */
export function setNoDelay(fd: number, on = true): void {
	boolean('on', on);
	check(native.socketSetNoDelay(descriptor('fd', fd), on ? 1 : 0), 'setsockopt');
}

/**
 * Closes a descriptor and first ends its associations on every port (clause 4.13). Node's
 * `fs.closeSync` can't tell the ports: use this for whatever was associated. On the descriptor of a
 * port it does what the close() of the Port that created it does.
 *
 * @throws PortError of `close`: EBADF.
 *
 * @example
 * ```ts
 * closeFd(fd);
 * ```
 */
export function closeFd(fd: number): void {
	if (!closePortOf(descriptor('fd', fd))) check(native.socketClose(fd), 'close');
	forgetDescriptor(fd);
}
