/**
 * illumos event ports on Linux: descriptors, messages, alerts, timers and files from one queue.
 *
 * @packageDocumentation
 */

export { Aio, type AioEngine } from './aio.js';
export * from './aio-event.js';
export { AioPromises } from './aio-promises.js';
export { type AioOrder, AioRequest } from './aio-requests.js';
export * from './constants.js';
export { ForeignCookie } from './cookies.js';
export type { PortDiagnostics } from './diagnostics.js';
export { PortError, PortOwnershipError } from './errors.js';
export * from './events.js';
export * from './file-event.js';
export { FileObject, type FileStamps } from './files.js';
export type * from './options.js';
export { Port } from './port.js';
export { sendn } from './ports.js';
export {
	SHARING,
	type SharingParty,
	type SharingRule,
	type SharingRules,
	type SharingVerb,
} from './sharing.js';
export type { SocketPlace } from './socket-place.js';
export * from './sockets.js';
export { Timer, type TimerSetting, type TimerState } from './timers.js';
export { EventView } from './view.js';
export * from './watch.js';
