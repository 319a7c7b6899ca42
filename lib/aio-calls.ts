// The addon's part for asynchronous I/O. A request is a number; -errno is a failure.

/** @internal */
export interface AioCalls {
	/**
	 * A request for the next aioSubmit(), with memory of `length` bytes. Operations as of
	 * aio-requests.ts. `bytes`: what is to be written, or the beginning of it.
	 */
	aioPrepare(
		handle: number,
		operation: number,
		fd: number,
		length: number,
		position: number,
		user: number,
		bytes: Uint8Array | undefined,
	): number;
	/** Data to be written, at an offset into the request's memory. */
	aioFill(request: number, bytes: Uint8Array, at: number): number;
	/** Submits what was prepared in this thread; -errno of each in `source`. How many were accepted. */
	aioSubmit(handle: number): number;
	/** aioPrepare() and aioSubmit() of one. */
	aioStart(
		handle: number,
		operation: number,
		fd: number,
		length: number,
		position: number,
		user: number,
		bytes: Uint8Array | undefined,
	): number;
	/** A connection to a place, submitted. */
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
