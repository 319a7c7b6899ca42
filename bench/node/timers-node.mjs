// Goal TS5: arming and cancelling one of 100,000 timers against setTimeout and clearTimeout.
//
//   node bench/node/timers.mjs [--quick] [--rounds N]
//
// "make" is a new timer (port.after against setTimeout), "again" one that is there and is set anew
// (timer.set against timeout.refresh), "cancel" ends it for good (timer.delete, clearTimeout). The
// times are spread over a minute and none expires. User and system time of the process.

import { Port } from 'event-ports';
import { compare, cpu, optionsOf } from './support.mjs';

const { quick, rounds } = optionsOf();
const TIMERS = quick ? 10_000 : 100_000;
const spread = Array.from({ length: TIMERS }, (_, i) => 600_000 + ((i * 7919) % 60_000));

function timed(call) {
	const before = cpu();
	call();
	return (cpu() - before) / TIMERS;
}

function port() {
	const one = new Port({ limit: TIMERS });
	const timers = [];
	const make = timed(() => {
		for (const ms of spread) timers.push(one.after(ms));
	});
	const again = timed(() => {
		for (let i = 0; i < TIMERS; i++) timers[i].set({ value: spread[TIMERS - 1 - i] });
	});
	const cancel = timed(() => {
		for (const timer of timers) timer.delete();
	});
	one.close();
	return { make_ns: make, again_ns: again, cancel_ns: cancel };
}

function node() {
	const callback = () => {};
	const timers = [];
	const make = timed(() => {
		for (const ms of spread) timers.push(setTimeout(callback, ms));
	});
	const again = timed(() => {
		for (const timer of timers) timer.refresh();
	});
	const cancel = timed(() => {
		for (const timer of timers) clearTimeout(timer);
	});
	return { make_ns: make, again_ns: again, cancel_ns: cancel };
}

await compare('timers-node', `timers=${TIMERS}`, rounds, { port, node });
