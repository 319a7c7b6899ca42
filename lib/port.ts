// The Port: checks arguments, designs what the addon's numbers mean.

import type { RecordableHistogram } from 'node:perf_hooks';
import { type InspectOptionsStylized, inspect, types } from 'node:util';
import type { Aio, AioEngine } from './aio.js';
import { Binding, columns, ROWS } from './binding.js';
import { PortError, portClosed } from './errors.js';
import type { PortEvent } from './events.js';
import type { FileObject } from './files.js';
import { PortIterator, type Stream } from './iterators.js';
import * as later from './later.js';
import { native } from './native.js';
import type {
	Abortable,
	Association,
	BatchOptions,
	PortOptions,
	PortStats,
	WaitOptions,
} from './options.js';
import { many, one, type Range, range, retrieve, SINGLE, take } from './retrieval.js';
import { refusal } from './sharing.js';
import { statsOf } from './stats.js';
import type { Timer } from './timers.js';
import * as validate from './validate.js';
import { EventView } from './view.js';
import type { Shape } from './waits.js';

const LIMIT_MAX = 0x7fffffff;
const POST_MAX = 4096; // BLOCK_BYTES of native/shm/layout.hpp
const ALERT_SET = 1;
const ALERT_UPDATE = 2;
const EBUSY = -16;

/** In place of options: a port that is there already. */
class Attachment implements PortOptions {
	readonly limit = undefined;
	readonly fd: number;

	constructor(fd: number) {
		this.fd = fd;
	}
}

/** @internal */
export let bindingOf: (port: Port<never>) => Binding;
/** @internal Not what only inherits from one: a Proxy, an object made of it. */
export let isPort: (value: unknown) => boolean;

/**
 * An event port: one queue into which descriptors, messages and alerts flow, retrieved one at a
 * time or in batches by any number of threads.
 *
 * Once the port is closed every call throws `ERR_PORT_CLOSED`, and promises reject with it, but for
 * `close`, `ref`, `unref` and `hasRef`, and the properties `fd`, `closed` and `capabilities`. Wrong
 * arguments throw a TypeError or RangeError with `ERR_INVALID_ARG_TYPE` or `ERR_OUT_OF_RANGE`,
 * failures of the system a {@link PortError}. A timeout is a value, never an error.
 *
 * A Port is ref'd: while a get waits, the process stays alive (see {@link Port.unref}). One that
 * is collected unclosed lets go of its descriptor.
 *
 * @typeParam T - what `user` values are; with `undefined` among them where a call leaves `user` out, for then
 *   its events have `undefined`
 *
 * @example
 * ```ts
 * import { POLLIN, Port } from 'event-ports';
 *
 * const port = new Port<string>();
 * port.associate(0, POLLIN, 'standard input');
 * port.send(1, 'hello');
 * for await (const event of port) {
 *   console.log(event);
 *   if (event.source === 'fd') break;
 * }
 * port.close();
 * ```
 */
export class Port<T = unknown> implements AsyncIterable<PortEvent<T>>, AsyncDisposable, Disposable {
	readonly #binding: Binding;
	readonly #creator: boolean;
	#closed = false;
	#aio: Aio<T> | undefined;

	static {
		bindingOf = (port) => port.#binding;
		isPort = (value) => typeof value === 'object' && value !== null && #binding in value;
	}

	/**
	 * Makes a port (clause 2.1). Its descriptor is closed in programs that this process executes.
	 *
	 * @throws {@link PortError} EAGAIN (PORT_MAX_PORTS), EMFILE, ENOMEM
	 */
	constructor(options: PortOptions = {}) {
		validate.object('options', options);
		this.#creator = !(options instanceof Attachment);
		if (options instanceof Attachment) {
			this.#binding = Binding.attach(options.fd);
		} else {
			const { limit } = options;
			if (limit !== undefined) validate.integer('options.limit', limit, 1, LIMIT_MAX);
			this.#binding = Binding.create(limit ?? 0);
		}
		this.#binding.join();
	}

	/**
	 * The port behind a descriptor: another worker's, by the number in its {@link Port.fd}, or
	 * another process's, by a {@link Port.ticket} that came from there. Each thread attaches for
	 * itself; an alert wakes all of them, an event goes to one. A ticket stays open, and is the
	 * caller's to close.
	 *
	 * @param fd - a descriptor of an open port, or a ticket
	 * @throws {@link PortError} EBADF: not open; EBADFD: neither port nor ticket; EPROTO: a ticket
	 *   of another version; EBADMSG: a ticket of something else; EMFILE; ENOMEM; EAGAIN
	 *   (PORT_MAX_PORTS, or 1023 processes have it)
	 *
	 * @example
	 * ```ts
	 * // in a worker
	 * const port = Port.attach<number>(workerData.fd);
	 * for (let event = port.getSync(); event?.source !== 'alert'; event = port.getSync()) {}
	 * ```
	 */
	static attach<T = unknown>(fd: number): Port<T> {
		return new Port<T>(new Attachment(validate.descriptor('fd', fd)));
	}

	/**
	 * A ticket: a descriptor that gives the port to another process, in the stdio of spawn() and
	 * fork(), also after this process has ended. It can be redeemed again and again by
	 * {@link Port.attach}, keeps the port alive while it is open, and is closed in programs that
	 * this process executes. The caller closes it.
	 *
	 * From the first ticket on, and wherever one was attached, what other processes may retrieve
	 * (messages, alerts, descriptors' events) carries only integers, null, undefined and booleans:
	 * other `user` values are refused with `ERR_PORT_COOKIE_NOT_SHAREABLE`. See {@link Port.post}.
	 *
	 * @throws {@link PortError} EMFILE, ENFILE, ENOMEM
	 *
	 * @example
	 * ```ts
	 * const ticket = port.ticket();
	 * spawn(process.execPath, ['worker.mjs'], { stdio: ['ignore', 'inherit', 'inherit', ticket] });
	 * closeFd(ticket);
	 * // worker.mjs: const port = Port.attach(3);
	 * ```
	 */
	ticket(): number {
		return this.#check(native.ticket(this.#handle()), 'port_ticket');
	}

	/** The port's descriptor: for attach(), poll(2) or another port's associate(); -1 once closed. */
	get fd(): number {
		return this.closed ? -1 : this.#binding.fd;
	}

	/** Whether this Port was closed, or its creator closed it for all. */
	get closed(): boolean {
		return this.#closed || this.#binding.closed;
	}

	#open(): Binding {
		if (this.#closed || this.#binding.closed) throw portClosed();
		return this.#binding;
	}

	#handle(): number {
		return this.#open().handle;
	}

	#check(rc: number, syscall: string): number {
		if (rc < 0) throw this.#binding.failure(rc, syscall);
		return rc;
	}

	// --- Sources.

	/**
	 * Asks for one event when a descriptor is ready (clauses 2.2, 4). The state is looked at now:
	 * if it is ready already, the event is queued before this returns. Associating again replaces
	 * `events` and `user`, and drops an event that is still queued.
	 *
	 * @param fd - an open descriptor; one without poll(2), such as a file, is ready at once
	 * @param events - bits of poll(2), 0 to 0xffff; POLLERR and POLLHUP come unasked
	 * @param user - comes back with the event
	 * @throws {@link PortError} EBADFD: not open; EAGAIN: the port is full, or the user's limit of
	 *   watched descriptors (fs.epoll.max_user_watches) is reached; ENOMEM
	 *
	 * @example
	 * ```ts
	 * port.associate(fd, POLLIN, connection);
	 * ```
	 */
	associate(fd: number, events: number, user?: T): void {
		const handle = this.#handle();
		validate.descriptor('fd', fd);
		validate.pollMask('events', events);
		const code = this.#binding.cookies.encode(user);
		const rc = native.associate(handle, fd, events, code);
		this.#binding.associated(fd, code, rc);
		if (rc < 0) throw this.#binding.failure(rc, 'port_associate');
	}

	/**
	 * Associates many descriptors in one call. One that fails doesn't keep the others from it.
	 *
	 * @returns for each item null, or the {@link PortError} that associate() would have thrown
	 *
	 * @example
	 * ```ts
	 * const errors = port.associateAll(clients.map((c) => ({ fd: c.fd, events: POLLIN, user: c })));
	 * ```
	 */
	associateAll(list: Iterable<Association<T>>): (Error | null)[] {
		this.#handle();
		const { cookies } = this.#binding;
		const items: { fd: number; events: number; code: number }[] = [];
		let handle: number;
		try {
			// Read once, and before the columns are used: an item may be anything, and a value's code may need them.
			for (const item of validate.iterable('list', list)) {
				const name = `list[${items.length}]`;
				validate.object(name, item);
				const { fd, events, user } = item;
				validate.descriptor(`${name}.fd`, fd);
				validate.pollMask(`${name}.events`, events);
				items.push({ fd, events, code: cookies.encode(user) });
			}
			handle = this.#handle(); // still
		} catch (error) {
			for (const { code } of items) cookies.release(code);
			throw error;
		}
		const errors: (Error | null)[] = [];
		for (let start = 0; start < items.length; start += ROWS) {
			const part = items.slice(start, start + ROWS);
			for (const [row, { fd, events, code }] of part.entries()) {
				columns.object[row] = fd;
				columns.events[row] = events;
				columns.user[row] = code;
			}
			native.associateAll(handle, part.length);
			for (const [row, { fd, code }] of part.entries()) {
				const rc = columns.source[row] as number;
				this.#binding.associated(fd, code, rc);
				errors.push(rc < 0 ? this.#binding.failure(rc, 'port_associate') : null);
			}
		}
		return errors;
	}

	/**
	 * Ends an association (clause 2.3): no event of it can be retrieved any more.
	 *
	 * @param fd - the descriptor, still open
	 * @throws {@link PortError} ENOENT: not associated, or its event was retrieved already (it is
	 *   forgotten all the same); EBADFD: not open. {@link PortOwnershipError} EACCES: another process
	 *   associated it, and its number means the same open file here; nothing is changed
	 *
	 * @example
	 * ```ts
	 * port.dissociate(fd);
	 * closeFd(fd);
	 * ```
	 */
	dissociate(fd: number): void {
		const handle = this.#handle();
		validate.descriptor('fd', fd);
		const rc = refusal(handle, 'dissociate', fd) || native.dissociate(handle, fd);
		this.#binding.forget(fd);
		this.#check(rc, 'port_dissociate');
	}

	/**
	 * Asks for one event when a file or directory changes (clauses 2.2, 5). The name is looked up
	 * now. If the file object carries time stamps that are no longer the file's, the event is
	 * queued before this returns. Associating again replaces `events` and `user`, takes the
	 * stamps anew, and drops an event that is still queued.
	 *
	 * Deleting, renaming, replacing and unmounting are told unasked, and end the association.
	 *
	 * @param file - what to watch; keep it, it is the association's identity
	 * @param events - of FILE_MODIFIED, FILE_ATTRIB, FILE_ACCESS, FILE_TRUNC; FILE_NOFOLLOW watches
	 *   a symbolic link itself; 0: only what comes unasked
	 * @param user - comes back with the event
	 * @throws {@link PortError} ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG: the name; EINVAL:
	 *   `events`; ENOTSUP: procfs and sysfs; EAGAIN: the port is full; ENOSPC: too many files are
	 *   watched (fs.inotify.max_user_watches); nothing is changed then
	 *
	 * @example
	 * ```ts
	 * const file = new FileObject('/etc/hosts');
	 * file.refresh();
	 * port.associateFile(file, FILE_MODIFIED);
	 * ```
	 */
	associateFile(file: FileObject, events: number, user?: T): void {
		this.#handle();
		later.files().associate(this.#binding, file, events, user, false);
	}

	/**
	 * As associateFile(), but not for one event: the association stands until dissociateFile(), or
	 * an {@link FileEvent.exception}, which ends it. What happens while its event is queued is added
	 * to that event's bits; what happens once it was retrieved makes another. So whoever looks at
	 * the file after an event has the last state, or will be told, and nothing has to be associated
	 * again: much the cheapest way to watch many files. At most one event a file is queued.
	 *
	 * @param file - as of associateFile(), which with the same object makes it one for one event
	 * @param events - as of associateFile()
	 * @param user - comes back with each event
	 * @throws as associateFile()
	 *
	 * @example
	 * ```ts
	 * for (const name of names) port.watchFile(new FileObject(name), FILE_MODIFIED, name);
	 * for await (const event of port) if (event.source === 'file') reload(event.user);
	 * ```
	 */
	watchFile(file: FileObject, events: number, user?: T): void {
		this.#handle();
		later.files().associate(this.#binding, file, events, user, true);
	}

	/**
	 * Ends a file's association (clause 2.3): no event of it can be retrieved any more.
	 *
	 * @param file - what was associated
	 * @throws {@link PortError} ENOENT: not associated, or its event was retrieved already (it is
	 *   forgotten all the same), or it ended by an exception, which is still queued; EINVAL: no
	 *   file was ever associated with this port
	 *
	 * @example
	 * ```ts
	 * port.dissociateFile(file);
	 * ```
	 */
	dissociateFile(file: FileObject): void {
		this.#handle();
		const rc = later.files().dissociate(this.#binding, file);
		if (rc < 0) throw this.#binding.failure(rc, 'port_dissociate', file.path);
	}

	/**
	 * Queues a message (clauses 2.6, 9). Never waits. Only integers, null, undefined and booleans
	 * reach other threads; of other values a thread that is not this one sees a
	 * {@link ForeignCookie}. Once the port is shared with other processes they are refused
	 * (`ERR_PORT_COOKIE_NOT_SHAREABLE`).
	 *
	 * @param events - any 32-bit integer
	 * @param user - comes back with the event
	 * @throws {@link PortError} EAGAIN: the port is full; nothing was queued; ENOMEM
	 *
	 * @example
	 * ```ts
	 * port.send(1, { path: '/index.html' });
	 * ```
	 */
	send(events: number, user?: T): void {
		const handle = this.#handle();
		validate.int32('events', events);
		const code = this.#binding.cookies.encode(user);
		columns.source[0] = handle;
		columns.events[0] = events;
		columns.user[0] = code;
		const rc = native.send();
		if (rc !== undefined) {
			this.#binding.cookies.release(code);
			throw this.#binding.failure(rc, 'port_send');
		}
	}

	/**
	 * Queues a message that carries bytes: they go through the memory of the port itself, so that
	 * another process has them too. Never waits. They arrive, copied, in {@link UserEvent.bytes};
	 * a C program that retrieves the event gets it without them.
	 *
	 * @param bytes - 0 to 4096 bytes of a Buffer, typed array or DataView; copied now
	 * @param events - any 32-bit integer; default 0
	 * @param user - comes back with the event
	 * @throws RangeError `ERR_OUT_OF_RANGE`: more than 4096 bytes; {@link PortError} EAGAIN: the port
	 *   is full, or holds as many such messages as it may at once (its limit, at most 4096); ENOMEM
	 *
	 * @example
	 * ```ts
	 * port.post(Buffer.from(JSON.stringify({ path: '/index.html' })));
	 * ```
	 */
	post(bytes: NodeJS.ArrayBufferView, events = 0, user?: T): void {
		this.#handle();
		const plain = validate.bytes('bytes', bytes, POST_MAX);
		validate.int32('events', events);
		const handle = this.#handle(); // still
		const code = this.#binding.cookies.encode(user);
		const rc = native.post(handle, events, code, plain);
		if (rc < 0) {
			this.#binding.cookies.release(code);
			throw this.#binding.failure(rc, 'port_post');
		}
	}

	/**
	 * Alert mode (clauses 2.8, 10): every get, here and in every thread, waiting now or called
	 * later, returns an {@link AlertEvent} at once until clearAlert(). Queued events stay.
	 *
	 * @param events - any 32-bit integer but 0
	 * @param user - comes back with each alert
	 * @param options - `update`: only if the port is not in alert mode yet
	 * @returns false with `update` if it was in alert mode already (EBUSY); else true
	 *
	 * @example
	 * ```ts
	 * process.once('SIGINT', () => port.alert(1));
	 * ```
	 */
	alert(events: number, user?: T, options: { update?: boolean | undefined } = {}): boolean {
		this.#handle();
		validate.int32('events', events);
		if (events === 0) validate.notZero('events');
		validate.object('options', options);
		const flags = validate.flag('options.update', options.update) ? ALERT_UPDATE : ALERT_SET;
		this.#handle(); // still
		const rc = this.#binding.alert(flags, events, user);
		if (rc === EBUSY) return false;
		this.#check(rc, 'port_alert');
		return true;
	}

	/**
	 * Leaves alert mode. Waits that were woken by it get their alert all the same (3.15).
	 *
	 * @example
	 * ```ts
	 * port.alert(1, 'all of you, once');
	 * port.clearAlert();
	 * ```
	 */
	clearAlert(): void {
		this.#handle();
		this.#check(this.#binding.alert(ALERT_SET, 0, undefined), 'port_alert');
	}

	// --- Timers.

	/**
	 * A timer that expires once (section 6). One event, however long nobody retrieves it; the
	 * timer stays, to be armed again, until it is deleted.
	 *
	 * @param ms - milliseconds from now, fractions allowed; 0: at once
	 * @param user - comes back with its events
	 * @throws {@link PortError} EAGAIN: the port is full; EMFILE; ENOMEM
	 *
	 * @example
	 * ```ts
	 * const timer = port.after(30_000, connection);
	 * ```
	 */
	after(ms: number, user?: T): Timer<T> {
		this.#handle();
		validate.milliseconds('ms', ms);
		return later.timers().startTimer(this.#binding, ms, 0, false, user);
	}

	/**
	 * A timer that expires again and again. While its event waits, further expirations only add
	 * to {@link TimerEvent.expirations}.
	 *
	 * @param ms - milliseconds, more than 0
	 * @param user - comes back with its events
	 * @throws {@link PortError} EAGAIN: the port is full; EMFILE; ENOMEM
	 *
	 * @example
	 * ```ts
	 * const tick = port.every(1000, 'tick');
	 * ```
	 */
	every(ms: number, user?: T): Timer<T> {
		this.#handle();
		validate.milliseconds('ms', ms);
		if (ms === 0) validate.positive('ms', ms);
		return later.timers().startTimer(this.#binding, ms, ms, false, user);
	}

	/**
	 * A timer that expires at a time of the wall clock, also when that is set meanwhile.
	 *
	 * @param time - a Date, or milliseconds since the epoch; one that has passed: at once
	 * @param user - comes back with its events
	 * @throws {@link PortError} EAGAIN: the port is full; EMFILE; ENOMEM
	 *
	 * @example
	 * ```ts
	 * const newYear = port.at(new Date('2030-01-01T00:00:00Z'), 'happy');
	 * ```
	 */
	at(time: Date | number, user?: T): Timer<T> {
		this.#handle();
		const ms = validate.wallTime('time', types.isDate(time) ? time.getTime() : time);
		return later.timers().startTimer(this.#binding, ms, 0, true, user);
	}

	// --- Asynchronous I/O.

	/**
	 * Asynchronous I/O on descriptors, told of by events of this port (section 7).
	 *
	 * @example
	 * ```ts
	 * port.aio.read(fd, Buffer.alloc(4096), 0, 'first page');
	 * ```
	 */
	get aio(): Aio<T> {
		this.#handle();
		this.#aio ??= new (later.aio().Aio)<T>(this.#binding, () => new Port<never>());
		return this.#aio;
	}

	/**
	 * What this machine allows: which engine carries out asynchronous I/O, and why. Starts it.
	 *
	 * @example
	 * ```ts
	 * port.capabilities.aio; // { engine: 'threads', reason: 'io_uring is refused by ...' }
	 * ```
	 */
	get capabilities(): { readonly aio: AioEngine } {
		return { aio: later.aio().engine() };
	}

	// --- Retrieval.

	/**
	 * Waits for one event on the event loop (clause 2.4), without a thread.
	 *
	 * @param options - `timeout` in milliseconds; `signal` to end the wait
	 * @returns the event, or null when the timeout passed
	 * @throws the signal's reason; `ERR_PORT_CLOSED` if the port is closed meanwhile
	 *
	 * @example
	 * ```ts
	 * const event = await port.get({ timeout: 1000 });
	 * ```
	 */
	get(options?: WaitOptions & Abortable): Promise<PortEvent<T> | null> {
		try {
			return retrieve(this, this.#open(), options, SINGLE, one);
		} catch (error) {
			return Promise.reject(error);
		}
	}

	/**
	 * Waits until `min` events are there and takes up to `max` (clause 2.5). Fewer than `min`: the
	 * timeout passed, or the port is in alert mode (then it is one {@link AlertEvent}).
	 *
	 * @param options - `min`, `max`, `timeout` in milliseconds; `signal` to end the wait
	 * @throws the signal's reason; `ERR_PORT_CLOSED` if the port is closed meanwhile
	 *
	 * @example
	 * ```ts
	 * for (const event of await port.getn({ min: 8, max: 64, timeout: 5 })) {}
	 * ```
	 */
	getn(options?: BatchOptions & Abortable): Promise<PortEvent<T>[]> {
		try {
			return retrieve(this, this.#open(), options, range(options), many);
		} catch (error) {
			return Promise.reject(error);
		}
	}

	/**
	 * Waits for one event and blocks this thread: for workers and command-line tools.
	 * `worker.terminate()` ends it; in the main thread a `timeout` of `node:vm` does not.
	 *
	 * @param options - `timeout` in milliseconds
	 * @returns the event, or null when the timeout passed
	 *
	 * @example
	 * ```ts
	 * const event = port.getSync({ timeout: 100 });
	 * ```
	 */
	getSync(options?: WaitOptions): PortEvent<T> | null {
		this.#handle();
		let timeout = -1;
		if (options !== undefined) {
			validate.object('options', options);
			timeout = validate.timeout(options.timeout);
			this.#handle(); // still
		}
		const count = this.#binding.block(1, 1, timeout);
		this.#check(count, 'port_get');
		return count === 0 ? null : this.#binding.event(0);
	}

	/**
	 * Waits until `min` events are there, takes up to `max`, and blocks this thread meanwhile.
	 * Fewer than `min`: the timeout passed, or the port is in alert mode.
	 *
	 * @param options - `min`, `max`, `timeout` in milliseconds
	 *
	 * @example
	 * ```ts
	 * const events = port.getnSync({ max: 256, timeout: 0 }); // what is there
	 * ```
	 */
	getnSync(options?: BatchOptions): PortEvent<T>[] {
		this.#handle();
		const { min, max } = range(options);
		const timeout = validate.timeout(options?.timeout);
		if (options !== undefined) this.#handle(); // still
		const count = this.#binding.block(Math.min(max, ROWS), min, timeout);
		return this.#binding.list(this.#check(count, 'port_getn'), max);
	}

	/**
	 * Takes what is there, without waiting, into a view that is used again and again.
	 *
	 * @returns how many rows were filled
	 *
	 * @example
	 * ```ts
	 * const view = new EventView<number>();
	 * const n = port.take(view);
	 * ```
	 */
	take(view: EventView<T>): number {
		if (!EventView.is(view)) validate.eventView(view);
		const binding = this.#open();
		const filled = view as EventView<never>;
		return EventView.fill(filled, binding, take(binding, EventView.room(filled), 0));
	}

	/**
	 * Events that are queued, also those that only another process may have (2.5.3).
	 *
	 * @example
	 * ```ts
	 * if (port.count() > 1000) slowDown();
	 * ```
	 */
	count(): number {
		return this.#check(native.count(this.#handle()), 'port_getn');
	}

	/**
	 * Events one by one, until the port is closed. Takes no event before it is asked for, so that
	 * `break` loses none.
	 *
	 * @example
	 * ```ts
	 * for await (const event of port) if (event.source === 'alert') break;
	 * ```
	 */
	[Symbol.asyncIterator](): AsyncIterableIterator<PortEvent<T>, undefined> & AsyncDisposable {
		return new PortIterator(this.#stream(SINGLE, one, -1, undefined));
	}

	/**
	 * Events in batches, until the port is closed; cheaper than one by one.
	 *
	 * @param options - as of getn(); after a timeout a batch may be short, even empty
	 *
	 * @example
	 * ```ts
	 * for await (const events of port.batches({ max: 256 })) for (const event of events) {}
	 * ```
	 */
	batches(
		options?: BatchOptions & Abortable,
	): AsyncIterableIterator<PortEvent<T>[], undefined> & AsyncDisposable {
		const asked = range(options);
		const timeout = validate.timeout(options?.timeout);
		const signal = validate.signal(options?.signal);
		return new PortIterator(this.#stream(asked, many, timeout, signal));
	}

	#stream(asked: Range, shape: Shape, timeout: number, signal: AbortSignal | undefined): Stream {
		const isClosed = () => this.closed;
		return { port: this, binding: this.#open(), ...asked, timeout, signal, shape, isClosed };
	}

	// --- The event loop, and the end.

	/**
	 * From now on a get that waits keeps the process alive: the default.
	 *
	 * @example
	 * ```ts
	 * port.ref();
	 * ```
	 */
	ref(): this {
		this.#binding.setRef(true);
		return this;
	}

	/**
	 * From now on gets that wait don't keep the process alive. For all Ports of this thread that
	 * name the same port.
	 *
	 * @example
	 * ```ts
	 * port.unref();
	 * ```
	 */
	unref(): this {
		this.#binding.setRef(false);
		return this;
	}

	/**
	 * Whether a get that waits keeps the process alive.
	 *
	 * @example
	 * ```ts
	 * port.unref().hasRef(); // false
	 * ```
	 */
	hasRef(): boolean {
		return this.#binding.hasRef;
	}

	/**
	 * The processes that hold the port, by their pids, this one first; 0 for one of another pid
	 * namespace. One that was killed is gone from it: looking ends what it owned (clause 2.11.6).
	 *
	 * @example
	 * ```ts
	 * const others = port.members.slice(1);
	 * ```
	 */
	get members(): number[] {
		const count = this.#check(native.members(this.#handle()), 'port_info');
		return Array.from(columns.object.subarray(0, count));
	}

	/**
	 * A snapshot of the port's counters.
	 *
	 * @example
	 * ```ts
	 * console.table(port.stats().delivered);
	 * ```
	 */
	stats(): PortStats {
		return statsOf(this.#handle(), this.#binding.histogram);
	}

	/**
	 * From now on the time that gets of this thread wait for events is recorded, for all Ports of
	 * this thread that name the same port. A get that is answered at once doesn't count, nor one
	 * that times out or is aborted. In nanoseconds; also in {@link PortStats.waits}. The same histogram each time.
	 *
	 * @example
	 * ```ts
	 * const waits = port.monitorWaits();
	 * setInterval(() => { console.log(waits.percentile(99) / 1e6, 'ms'); waits.reset(); }, 10_000);
	 * ```
	 */
	monitorWaits(): RecordableHistogram {
		this.#handle();
		return this.#binding.monitor();
	}

	/**
	 * Closes the port. On the Port that created it: for the whole process, gets that wait in any
	 * thread end with `ERR_PORT_CLOSED`, iterators end. On one from {@link Port.attach}: for that
	 * Port alone. The descriptor's number is closed when the last thread has let go of it. Closing
	 * again does nothing.
	 *
	 * @example
	 * ```ts
	 * port.close();
	 * ```
	 */
	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#aio?.promises.close();
		if (this.#creator && !this.#binding.closed) this.#binding.closeEverywhere();
		this.#binding.leave(this);
	}

	/** close(), for `using`. */
	[Symbol.dispose](): void {
		this.close();
	}

	/** close(), for `await using`. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.close();
	}

	/** @internal */
	[inspect.custom](_depth: number, options: InspectOptionsStylized, show: typeof inspect): string {
		const { size } = this.#binding.waits;
		const state = this.closed
			? { closed: true }
			: { fd: this.fd, queued: this.count(), waiting: size, ref: this.hasRef() };
		return `Port ${show(state, options)}`;
	}
}
