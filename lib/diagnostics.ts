// What a port tells on node:diagnostics_channel. Without a subscriber it costs a property read.

import { channel } from 'node:diagnostics_channel';
import type { PortEvent } from './events.js';

/**
 * The messages on the channels of `node:diagnostics_channel`, by the channel's name. `fd` is the
 * port's descriptor. A subscriber runs in the middle of the call that it hears of: it should
 * neither throw nor use the port.
 *
 * @example
 * ```ts
 * import diagnostics from 'node:diagnostics_channel';
 *
 * diagnostics.subscribe('event-ports:wait:end', (message) => {
 *   const { fd, milliseconds } = message as PortDiagnostics['event-ports:wait:end'];
 *   console.log(`port ${fd}: waited ${milliseconds} ms`);
 * });
 * ```
 */
export interface PortDiagnostics {
	/** A port is made, or another thread's is attached. */
	'event-ports:port:open': { readonly fd: number };
	/** This thread lets go of a port. */
	'event-ports:port:close': { readonly fd: number };
	/** A get has to wait on the event loop. */
	'event-ports:wait:start': { readonly fd: number; readonly min: number; readonly max: number };
	/** It has ended: by events, its timeout, its signal, or because the port was closed. */
	'event-ports:wait:end': {
		readonly fd: number;
		/** How long it waited. */
		readonly milliseconds: number;
		/** Events it got. */
		readonly count: number;
	};
	/** An event was retrieved, not into an EventView. */
	'event-ports:event': { readonly fd: number; readonly event: PortEvent };
	/** A call failed; what it throws. */
	'event-ports:error': { readonly fd: number; readonly error: Error };
}

/** @internal */
export const channels = {
	open: channel('event-ports:port:open'),
	close: channel('event-ports:port:close'),
	waitStart: channel('event-ports:wait:start'),
	waitEnd: channel('event-ports:wait:end'),
	event: channel('event-ports:event'),
	error: channel('event-ports:error'),
};
