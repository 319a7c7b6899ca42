// A port's counters, as the addon gives them.

import type { RecordableHistogram } from 'node:perf_hooks';
import { columns } from './binding.js';
import { native } from './native.js';
import type { PortStats } from './options.js';

/** @internal */
export function statsOf(handle: number, waits: RecordableHistogram | null): PortStats {
	native.info(handle);
	const [limit, slots, queued, waiters, members, ports, alert, wakeups, ...delivered] =
		columns.object.slice(0, 16) as unknown as [
			...[number, number, number, number, number, number, number, number],
			...[number, number, number, number, number, number, number, number],
		];
	const [, aio, timer, user, fd, alerts, mq, file] = delivered;
	return {
		limit,
		slots,
		queued,
		waiters,
		members,
		ports,
		alert,
		wakeups,
		waits,
		delivered: { aio, timer, user, fd, alert: alerts, mq, file },
	};
}
