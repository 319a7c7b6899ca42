// What a get returns: one small class a source, told apart by `source`.

import { type InspectOptionsStylized, inspect } from 'node:util';
import type { AioEvent } from './aio-event.js';
import * as poll from './constants.js';
import type { FileEvent } from './file-event.js';
import type { Timer } from './timers.js';

type Inspect = typeof inspect;

const POLL_NAMES = Object.entries(poll).flatMap(([name, bit]): [string, number][] =>
	typeof bit === 'number' && name.startsWith('POLL') ? [[name, bit]] : [],
);

function pollBits(events: number): string {
	const names = POLL_NAMES.filter(([, bit]) => events & bit).map(([name]) => name);
	const rest = POLL_NAMES.reduce((left, [, bit]) => left & ~bit, events);
	if (rest !== 0 || names.length === 0) names.push(`0x${(rest >>> 0).toString(16)}`);
	return names.join('|');
}

/**
 * A descriptor is ready. Its association is spent: nothing more comes from it until
 * {@link Port.associate} is called again (clauses 4.3, 4.6).
 *
 * @example
 * ```ts
 * if (event?.source === 'fd' && event.events & POLLIN) {
 *   // read event.fd, then port.associate(event.fd, POLLIN, event.user)
 * }
 * ```
 */
export class FdEvent<T = unknown> {
	/** Tells the kind of event. */
	readonly source = 'fd' as const;
	/** The descriptor's number. */
	readonly fd: number;
	/** Bits that hold: those asked for, and POLLERR and POLLHUP unasked (4.8). */
	readonly events: number;
	/** What the last association carried. */
	readonly user: T;

	/** Ports make them; a program does for its tests. */
	constructor(fd: number, events: number, user: T) {
		this.fd = fd;
		this.events = events;
		this.user = user;
	}

	/** @internal */
	[inspect.custom](_depth: number, options: InspectOptionsStylized, show: Inspect): string {
		const bits = options.stylize(pollBits(this.events), 'special');
		return `FdEvent { fd: ${show(this.fd, options)}, events: ${bits}, user: ${show(this.user, options)} }`;
	}
}

/**
 * A message of {@link Port.send} (clause 9) or {@link Port.post}.
 *
 * @example
 * ```ts
 * port.send(7, { job: 'index' });
 * const event = port.getSync(); // UserEvent { events: 7, user: { job: 'index' } }
 * ```
 */
export class UserEvent<T = unknown> {
	/** Tells the kind of event. */
	readonly source = 'user' as const;
	/** The sender's number, as it was given. */
	readonly events: number;
	/** The sender's value. */
	readonly user: T;
	/** A copy of the bytes of {@link Port.post}, 0 to 4096, its own; without post() undefined. */
	readonly bytes: Buffer | undefined;

	/** Ports make them; a program does for its tests. */
	constructor(events: number, user: T, bytes?: Buffer) {
		this.events = events;
		this.user = user;
		this.bytes = bytes;
	}

	/** @internal */
	[inspect.custom](_depth: number, options: InspectOptionsStylized, show: Inspect): string {
		const bytes = this.bytes === undefined ? '' : `, bytes: ${show(this.bytes, options)}`;
		return `UserEvent { events: ${show(this.events, options)}, user: ${show(this.user, options)}${bytes} }`;
	}
}

/**
 * The port is in alert mode, or was when this wait was woken (clauses 3.15, 10).
 *
 * @example
 * ```ts
 * port.alert(1, 'shut down');
 * for await (const event of port) {
 *   if (event.source === 'alert') break;
 * }
 * ```
 */
export class AlertEvent<T = unknown> {
	/** Tells the kind of event. */
	readonly source = 'alert' as const;
	/** The number given to {@link Port.alert}, never 0. */
	readonly events: number;
	/** The value given to {@link Port.alert}. */
	readonly user: T;

	/** Ports make them; a program does for its tests. */
	constructor(events: number, user: T) {
		this.events = events;
		this.user = user;
	}

	/** @internal */
	[inspect.custom](_depth: number, options: InspectOptionsStylized, show: Inspect): string {
		return `AlertEvent { events: ${show(this.events, options)}, user: ${show(this.user, options)} }`;
	}
}

/**
 * A timer has expired (clauses 6.3, 6.4).
 *
 * @example
 * ```ts
 * if (event?.source === 'timer') console.log(`${event.expirations} times`);
 * ```
 */
export class TimerEvent<T = unknown> {
	/** Tells the kind of event. */
	readonly source = 'timer' as const;
	/** The timer; in a thread that did not make it, another handle for it. */
	readonly timer: Timer<T>;
	/** How often it expired since the last event, up to the moment of this one's retrieval. */
	readonly expirations: number;
	/** What it was made with. */
	readonly user: T;

	/** Ports make them; a program does for its tests. */
	constructor(timer: Timer<T>, expirations: number, user: T) {
		this.timer = timer;
		this.expirations = expirations;
		this.user = user;
	}

	/** The expirations, as C has them in `portev_events`. */
	get events(): number {
		return this.expirations;
	}

	/** @internal */
	[inspect.custom](_depth: number, options: InspectOptionsStylized, show: Inspect): string {
		return `TimerEvent { expirations: ${show(this.expirations, options)}, user: ${show(this.user, options)} }`;
	}
}

/**
 * An event of a source that Node has no calls for, which another process of the port sent: a
 * message queue's (clause 8), or that of a library with a source of its own.
 *
 * @example
 * ```ts
 * if (event?.source === 'other' && event.number === Source.MQ) console.log(event.object);
 * ```
 */
export class OtherEvent<T = unknown> {
	/** Tells the kind of event. */
	readonly source = 'other' as const;
	/** The source's number, as C has it in `portev_source`. */
	readonly number: number;
	/** What the event is about, by the sender's count; its lowest 53 bits. */
	readonly object: number;
	/** The sender's number, or bits. */
	readonly events: number;
	/** The sender's value; of C, unless it is a small number, a {@link ForeignCookie}. */
	readonly user: T;

	/** Ports make them; a program does for its tests. */
	constructor(number: number, object: number, events: number, user: T) {
		this.number = number;
		this.object = object;
		this.events = events;
		this.user = user;
	}

	/** @internal */
	[inspect.custom](_depth: number, options: InspectOptionsStylized, show: Inspect): string {
		const { number, object, events } = this;
		return `OtherEvent ${show({ number, object, events, user: this.user }, options)}`;
	}
}

/**
 * Every kind of event by the name in its `source`.
 *
 * @example
 * ```ts
 * function onReady(event: PortEventMap<Connection>['fd']) {}
 * ```
 */
export interface PortEventMap<T = unknown> {
	/** A descriptor. */
	fd: FdEvent<T>;
	/** A message. */
	user: UserEvent<T>;
	/** A timer. */
	timer: TimerEvent<T>;
	/** Alert mode. */
	alert: AlertEvent<T>;
	/** Asynchronous I/O. */
	aio: AioEvent<T>;
	/** A file or directory. */
	file: FileEvent<T>;
	/** A source that Node has no calls for. */
	other: OtherEvent<T>;
}

/**
 * What a get returns: a union to be told apart by `source`.
 *
 * @example
 * ```ts
 * const event = await port.get();
 * switch (event?.source) {
 *   case 'fd': console.log(event.fd); break;
 *   case 'user': console.log(event.user); break;
 *   case 'alert': port.close();
 * }
 * ```
 */
export type PortEvent<T = unknown> = PortEventMap<T>[keyof PortEventMap];
