// The real clock. A test runner puts its own in place of setTimeout, performance, hrtime and nextTick; a get's timeout
// that went by one of them, or by some of each, would never end. So they are taken here, when the package is loaded, and not
// in a part of it that is loaded later: timeouts are as real as those of getSync() and the port's timers.

import timers from 'node:timers';

const { bigint } = process.hrtime;

/** @internal */
export const { nextTick } = process;

/** @internal */
export const { clearTimeout, setTimeout } = timers;

/** @internal In milliseconds. */
export function now(): number {
	return Number(bigint()) / 1e6;
}
