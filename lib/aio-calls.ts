// The addon's part for asynchronous I/O. A request is a number; -errno is a failure.

/** @internal */
export interface AioCalls {
	/**
	 * Requests for the next aioSubmit(), one of each row: the operation (as of aio-requests.ts) in `events`,
	 * the descriptor in `source`, the position in `object`, `length`, `user`. Their numbers, or -errno,
	 * in `object`.
	 */
	aioPrepare(handle: number, count: number): void;
	/** Data to be written, at an offset into the request's memory. */
	aioFill(request: number, bytes: Uint8Array, at: number): number;
	/** Submits what was prepared in this thread; -errno of each in `source`. How many were accepted. */
	aioSubmit(handle: number): number;
	/**
	 * aioPrepare() and aioSubmit() of the first row. `bytes`: what is to be written. In `events`: 1 if it waits for
	 * aioFlush(), to reach the kernel together with others; a get or count() does as well.
	 */
	aioStart(handle: number, bytes?: Uint8Array): number;
	aioFlush(): void;
	/** A connection to a place, for the next aioSubmit(). */
	aioConnect(handle: number, where: string, port: number, user: number): number;
	/** Data that was read, from an offset on; how much that is. */
	aioFetch(request: number, bytes: Uint8Array, at: number): number;
	/** All of it, into one buffer, and aioFinish(). */
	aioTake(request: number, bytes: Uint8Array): number;
	/** Gives up a request that is done. The descriptor that it brought, or -1. */
	aioFinish(request: number): number;
	/** 0: cancelled; 1: not; 2: it was done. */
	aioCancel(request: number): number;
	/** Starts the engine if none runs. kind: 0 none, 1 io_uring, 2 threads. */
	aioEngine(): { kind: number; error: number; reason: string };
}
