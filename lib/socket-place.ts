// Where a socket is, or is to be.

import { invalidValue } from './errors.js';
import * as validate from './validate.js';

const LOCAL = '127.0.0.1';

/**
 * Where a stream socket is: an IP address and a port, or the path of a unix socket (a leading NUL
 * means Linux's abstract namespace). Names are not looked up, that is `node:dns`'s work.
 *
 * @example
 * ```ts
 * const place: SocketPlace = { host: '127.0.0.1', port: 8080 };
 * ```
 */
export type SocketPlace =
	| { readonly host?: string | undefined; readonly port: number; readonly path?: undefined }
	| { readonly path: string };

/** @internal The address and the port, or the path and -1. */
export function placeOf(place: SocketPlace): [string, number] {
	validate.object('options', place);
	const { path } = place as { path?: unknown };
	if (path !== undefined) {
		// An abstract name may hold anything.
		if (typeof path !== 'string' || path[0] !== '\0') validate.path('options.path', path);
		if (path === '') throw invalidValue('options.path', 'a string with something in it', path);
		return [path as string, -1];
	}
	const { host = LOCAL, port } = place as { host?: string; port: number };
	validate.path('options.host', host);
	return [host, validate.integer('options.port', port, 0, 65_535)];
}
