// Requests of asynchronous I/O on their way to the addon, and their data on its way to and from
// the program's buffers.
//
// The kernel works on memory of the addon's own. What is to be written is copied when the request
// is made, what was read when its event is retrieved: so a buffer that is detached, resized or
// collected meanwhile can't be written to.

import { types } from 'node:util';
import { AioEvent, type AioOperation } from './aio-event.js';
import { type Binding, columns, decodeSource, ROWS } from './binding.js';
import { nextTick } from './clock.js';
import { PortError, portClosed } from './errors.js';
import { native } from './native.js';
import { placeOf, type SocketPlace } from './socket-place.js';
import * as validate from './validate.js';

/** @internal As native/sys/io_op.hpp numbers them. */
export const CODES = {
	read: 0,
	write: 1,
	fsync: 4,
	fdatasync: 5,
	accept: 6,
	connect: 7,
	recv: 8,
	send: 9,
} as const satisfies Record<AioOperation, number>;
const NAMES: AioOperation[] = [];
for (const [name, code] of Object.entries(CODES)) NAMES[code] = name as AioOperation;

const { object, events, source } = columns;

// A request's number: generation, operation, place in the addon's table. By division, whose remainder
// V8 finds much faster than it does %.
const PLACES = 2 ** 24;
const OPERATIONS = 16;

function placeIn(request: number): number {
	return request - Math.floor(request / PLACES) * PLACES;
}

function operationIn(request: number): number {
	return Math.floor(request / PLACES) & (OPERATIONS - 1);
}

const EFAULT = -14;
const LENGTH_MAX = 0x7ffff000; // what one call of the kernel moves, of a longer buffer
const NONE: readonly number[] = [];
const ANSWERS = ['canceled', 'not-canceled', 'done'] as const;

/** @internal */
export type Buffers = NodeJS.TypedArray | readonly NodeJS.TypedArray[];

/** @internal What a request in flight fills. */
export interface Filling {
	readonly request: number;
	readonly buffers: Buffers;
	/** Of several buffers, in bytes as they were. */
	readonly lengths: readonly number[];
}

/** One request of {@link Aio.submit}. */
export type AioOrder<T = unknown> = { readonly user?: T | undefined } & (
	| {
			readonly operation: 'read' | 'write';
			readonly fd: number;
			/** A vector of buffers is filled, or written, one after the other. */
			readonly buffer: NodeJS.TypedArray | readonly NodeJS.TypedArray[];
			/** In bytes, 0 to 2^53 - 1; streams and O_APPEND ignore it. */
			readonly position: number;
	  }
	| {
			readonly operation: 'recv' | 'send';
			readonly fd: number;
			readonly buffer: NodeJS.TypedArray | readonly NodeJS.TypedArray[];
	  }
	| { readonly operation: 'fsync' | 'fdatasync' | 'accept'; readonly fd: number }
	| { readonly operation: 'connect'; readonly place: SocketPlace }
);

/**
 * A request that was submitted.
 *
 * @example
 * ```ts
 * const request = port.aio.read(fd, buffer, 0);
 * request.cancel();
 * ```
 */
export class AioRequest {
	readonly #request: number;

	/** @internal */
	constructor(request: number) {
		this.#request = request;
	}

	/**
	 * Cancels it if that is still possible (clause 7.9). Its event comes all the same: with the
	 * error ECANCELED if it was.
	 */
	cancel(): 'canceled' | 'not-canceled' | 'done' {
		return ANSWERS[native.aioCancel(this.#request)] as (typeof ANSWERS)[number];
	}
}

function fills(code: number): boolean {
	return code === CODES.read || code === CODES.recv;
}

function moves(code: number): boolean {
	return fills(code) || code === CODES.write || code === CODES.send;
}

const EMPTY = new Uint8Array(0);

// As the engine has it: a subclass may tell another.
const { get: lengthIn } = Object.getOwnPropertyDescriptor(
	Object.getPrototypeOf(Uint8Array.prototype),
	'byteLength',
) as { get(this: unknown): number };

/** The same memory as the addon takes it: kinds of arrays it knows none, there are ever more of them. */
function bytesIn(buffer: NodeJS.TypedArray): Uint8Array {
	if (types.isUint8Array(buffer)) return buffer;
	const { buffer: memory, byteOffset } = buffer;
	const byteLength = lengthIn.call(buffer);
	return byteLength === 0 ? EMPTY : new Uint8Array(memory, byteOffset, byteLength); // detached: 0
}

// --- Orders: whatever can run the program's own code, or throw, is done with before the first of
// them is prepared.

interface Job {
	readonly code: number;
	readonly fd: number;
	readonly place: readonly [string, number] | undefined;
	readonly filled: Buffers | undefined;
	readonly written: Uint8Array | readonly Uint8Array[] | undefined;
	length: number;
	readonly position: number;
	readonly cookie: number;
}

function bytesOf(name: string, buffer: unknown): number {
	if (!ArrayBuffer.isView(buffer) || types.isDataView(buffer)) validate.typedArray(name, buffer);
	return Math.min(lengthIn.call(buffer), LENGTH_MAX);
}

function lengthOf(buffers: Buffers): number {
	if (!Array.isArray(buffers)) return bytesOf('buffer', buffers);
	let length = 0;
	for (let i = 0; i < buffers.length; i++) length += bytesOf(`buffers[${i}]`, buffers[i]);
	return Math.min(length, LENGTH_MAX);
}

function jobOf(binding: Binding, order: AioOrder): Job {
	validate.object('order', order);
	const { operation } = order;
	if (typeof operation !== 'string' || !Object.hasOwn(CODES, operation))
		validate.oneOf('operation', operation, Object.keys(CODES));
	const code = CODES[operation];
	let fd = -1;
	let place: [string, number] | undefined;
	let filled: Buffers | undefined;
	let written: Uint8Array | Uint8Array[] | undefined;
	let position = 0;
	let length = 0;
	if (operation === 'connect') {
		place = placeOf(order.place);
	} else {
		fd = validate.descriptor('fd', order.fd);
		if (moves(code)) {
			const { buffer } = order as { readonly buffer: Buffers };
			const buffers: Buffers = Array.isArray(buffer) ? [...buffer] : buffer;
			length = lengthOf(buffers);
			if (fills(code)) filled = buffers;
			else if (Array.isArray(buffers)) written = buffers.map(bytesIn);
			else written = bytesIn(buffers as NodeJS.TypedArray);
			if (operation === 'read' || operation === 'write') {
				position = validate.integer('position', order.position, 0, Number.MAX_SAFE_INTEGER);
			}
		}
	}
	const cookie = binding.cookies.encode(order.user);
	return { code, fd, place, filled, written, length, position, cookie };
}

function setRow(row: number, { code, fd, position, length, cookie }: Job): void {
	events[row] = code;
	source[row] = fd;
	object[row] = position;
	columns.length[row] = length;
	columns.user[row] = cookie;
}

/** Whether one call can start it. */
function isSimple({ place, written }: Job): boolean {
	return place === undefined && !Array.isArray(written);
}

// Reads that are made one by one while others are under way reach the kernel together: with the
// next get, or when the program's turn ends.
let flushing = false;

function flush(): void {
	flushing = false;
	native.aioFlush();
}

/** A request of a simple job, submitted: its number, or -errno. In `events`: 1 if it waits for aioFlush(). */
function startJob({ handle }: Binding, job: Job): number {
	setRow(0, job);
	const bytes = job.written as Uint8Array | undefined;
	return bytes === undefined ? native.aioStart(handle) : native.aioStart(handle, bytes);
}

function fill(request: number, written: Uint8Array | readonly Uint8Array[], length: number): void {
	let at = 0;
	for (const bytes of Array.isArray(written) ? written : [written]) {
		const own = lengthIn.call(bytes);
		const part = Math.min(own, length - at);
		const moved = part === own ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, part);
		native.aioFill(request, moved, at);
		at += part;
	}
}

/** Requests for the next aioSubmit(): the number of each, or -errno. */
function prepareAll({ handle }: Binding, jobs: readonly Job[]): number[] {
	const requests: number[] = [];
	let rows = 0;
	const prepareRows = () => {
		if (rows === 0) return;
		native.aioPrepare(handle, rows);
		for (let row = 0; row < rows; row++) requests.push(object[row] as number);
		rows = 0;
	};
	for (const job of jobs) {
		if (job.place === undefined) {
			setRow(rows++, job);
			continue;
		}
		prepareRows(); // numbers come in the order of the jobs
		requests.push(native.aioConnect(handle, ...job.place, job.cookie));
	}
	prepareRows();
	for (const [i, { written, length }] of jobs.entries()) {
		const request = requests[i] as number;
		if (request >= 0 && written !== undefined) fill(request, written, length);
	}
	return requests;
}

function failed(binding: Binding, rc: number, cookie: number): PortError {
	binding.cookies.release(cookie);
	const error = binding.failure(rc, 'aio_submit');
	// What the port itself has become is no order's fault.
	if (!(error instanceof PortError)) throw error;
	return error;
}

function accepted(binding: Binding, request: number, { filled }: Job): AioRequest {
	if (filled !== undefined) {
		const lengths = Array.isArray(filled) ? filled.map((buffer) => lengthIn.call(buffer)) : NONE;
		binding.requests[placeIn(request)] = { request, buffers: filled, lengths };
	}
	return new AioRequest(request);
}

function outcome(binding: Binding, request: number, job: Job): AioRequest | PortError {
	return request < 0 ? failed(binding, request, job.cookie) : accepted(binding, request, job);
}

function submitRows(binding: Binding, jobs: readonly Job[]): (AioRequest | PortError)[] {
	const [first] = jobs;
	if (first !== undefined && jobs.length === 1 && isSimple(first)) {
		const request = startJob(binding, first);
		if (request >= 0 && events[0] === 1) native.aioFlush();
		return [outcome(binding, request, first)];
	}
	const requests = prepareAll(binding, jobs);
	const prepared = requests.reduce((sum, request) => (request < 0 ? sum : sum + 1), 0);
	const all = native.aioSubmit(binding.handle) === prepared;
	// Copied: what becomes of a failure may write rows.
	const outcomes = all ? undefined : source.slice(0, prepared);
	let row = 0;
	return jobs.map((job, i) => {
		let request = requests[i] as number;
		if (outcomes !== undefined && request >= 0) {
			const rc = outcomes[row++] as number;
			if (rc < 0) request = rc;
		}
		return outcome(binding, request, job);
	});
}

/** @internal */
export function submitAll(
	binding: Binding,
	orders: Iterable<AioOrder>,
): (AioRequest | PortError)[] {
	if (binding.closed) throw portClosed();
	const list = validate.iterable('orders', orders);
	const jobs: Job[] = [];
	try {
		for (const order of list) jobs.push(jobOf(binding, order));
		// What ran since may have detached or resized what is to be written.
		for (const job of jobs) if (job.written !== undefined) job.length = lengthOf(job.written);
	} catch (error) {
		for (const { cookie } of jobs) binding.cookies.release(cookie);
		throw error;
	}
	if (jobs.length <= ROWS) return submitRows(binding, jobs);
	const made: (AioRequest | PortError)[] = [];
	for (let at = 0; at < jobs.length; at += ROWS) {
		made.push(...submitRows(binding, jobs.slice(at, at + ROWS)));
	}
	return made;
}

/** @internal One order, with a buffer or without. */
export function start(
	binding: Binding,
	code: number,
	fd: number,
	buffer: NodeJS.TypedArray | undefined,
	position: number,
	user: unknown,
): AioRequest {
	if (binding.closed) throw portClosed();
	validate.descriptor('fd', fd);
	validate.integer('position', position, 0, Number.MAX_SAFE_INTEGER);
	const taken = fills(code);
	const length = moves(code) ? bytesOf('buffer', buffer) : 0;
	const filled = taken ? buffer : undefined;
	const written = taken || buffer === undefined ? undefined : bytesIn(buffer);
	const cookie = binding.cookies.encode(user);
	const job: Job = { code, fd, place: undefined, filled, written, length, position, cookie };
	const request = startJob(binding, job);
	if (request < 0) throw failed(binding, request, cookie);
	if (events[0] === 1 && !flushing) {
		flushing = true;
		nextTick(flush);
	}
	return accepted(binding, request, job);
}

/** @internal One order of any kind. */
export function startOrder(binding: Binding, order: AioOrder): AioRequest {
	const [made] = submitAll(binding, [order]);
	if (made instanceof PortError) throw made;
	return made as AioRequest;
}

// --- Events.

/** Moves what was read into the program's buffers. False: they have no room for it any more. */
function deliver(binding: Binding, request: number, bytes: number): boolean {
	const place = placeIn(request);
	const filling = binding.requests[place];
	if (filling?.request !== request) {
		native.aioFinish(request); // asked for by another thread
		return true;
	}
	binding.requests[place] = undefined;
	const { buffers, lengths } = filling;
	if (!Array.isArray(buffers)) {
		return native.aioTake(request, bytesIn(buffers as NodeJS.TypedArray)) >= bytes;
	}
	let at = 0;
	let whole = true;
	for (let i = 0; at < bytes; i++) {
		const length = lengths[i] as number;
		const moved = native.aioFetch(request, bytesIn(buffers[i]), at);
		whole &&= moved >= Math.min(length, bytes - at);
		at += length;
	}
	native.aioFinish(request);
	return whole;
}

decodeSource(1, (binding, row) => {
	const request = object[row] as number;
	const result = events[row] as number;
	const user = binding.user(row, true);
	const code = operationIn(request);
	const operation = NAMES[code] as AioOperation;
	let error = result < 0 ? new PortError(result, `aio_${operation}`) : null;
	if (fills(code)) {
		if (!deliver(binding, request, result)) error = new PortError(EFAULT, `aio_${operation}`);
		return new AioEvent(operation, error === null ? Math.max(result, 0) : 0, error, user);
	}
	const fd = native.aioFinish(request);
	if (fd >= 0) return new AioEvent(operation, 0, null, user, fd);
	return new AioEvent(operation, error === null ? result : 0, error, user);
});
