// The addon's part for timers. An id is a double; -errno is a failure.

/** @internal */
export interface TimerCalls {
	/**
	 * A timer that runs: milliseconds, 0 is at once. `absolute`: since the epoch. Returns its id.
	 */
	timerStart(
		handle: number,
		value: number,
		interval: number,
		absolute: boolean,
		user: number,
	): number;
	/** Milliseconds; value 0 disarms. */
	timerSet(id: number, value: number, interval: number, absolute: boolean): number;
	/** The same in nanoseconds, from the first two of `raw`. */
	timerSetExact(id: number, absolute: boolean): number;
	/** What is left and the interval, in nanoseconds, into the first two of `raw`. */
	timerGet(id: number): number;
	timerDelete(id: number): number;
}
