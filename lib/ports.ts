// What concerns many ports at once.

import { Binding, columns, ROWS } from './binding.js';
import { native } from './native.js';
import { bindingOf, isPort, type Port } from './port.js';
import * as validate from './validate.js';

/**
 * Sends one message to many ports (clause 2.7). One that fails doesn't keep the others from it; a
 * port named twice gets two.
 *
 * @param ports - where to
 * @param events - any 32-bit integer
 * @param user - comes back with each event
 * @returns how many were sent, and for each port null or why not
 *
 * @example
 * ```ts
 * const { sent, errors } = sendn([a, b], 1, 'hello');
 * ```
 */
export function sendn<T>(
	ports: readonly Port<T>[],
	events: number,
	user?: T,
): { sent: number; errors: (Error | null)[] } {
	if (!Array.isArray(ports)) validate.ports(ports);
	const all = [...ports]; // a Proxy may have others the next time
	for (const [i, port] of all.entries()) {
		if (!isPort(port)) validate.ports(port, i);
	}
	validate.int32('events', events);
	const errors: (Error | null)[] = [];
	let sent = 0;
	for (let start = 0; start < all.length; start += ROWS) {
		const part = all.slice(start, start + ROWS);
		for (const [row, port] of part.entries()) {
			const binding = bindingOf(port as Port<never>);
			columns.source[row] = port.closed ? -1 : binding.handle;
			columns.user[row] = port.closed ? 0 : binding.cookies.encode(user);
		}
		sent += native.sendn(part.length, events);
		for (const [row, port] of part.entries()) {
			const rc = columns.source[row] as number;
			const binding = bindingOf(port as Port<never>);
			if (rc < 0) binding.cookies.release(columns.user[row] as number);
			errors.push(rc < 0 ? binding.failure(rc, 'port_send') : null);
		}
	}
	return { sent, errors };
}

/**
 * To be called before a descriptor that may be associated is closed by other means than this
 * package's: lets go of its `user` value in every port of this thread.
 *
 * @internal
 */
export function forgetDescriptor(fd: number): void {
	for (const binding of Binding.all()) binding.forget(fd);
}

/**
 * Closes the port that has this number, for the whole process. False: no port of this thread has it.
 *
 * @internal
 */
export function closePortOf(fd: number): boolean {
	const binding = Binding.all().find((each) => each.fd === fd);
	binding?.closeEverywhere();
	return binding !== undefined;
}
