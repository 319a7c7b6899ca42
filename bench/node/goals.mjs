// What the benches in JavaScript are held against: as native/goals.mjs.

const timers = { bench: 'timers-node', ours: 'port', peer: 'node' };
const watch = { bench: 'watch', ours: 'port', peer: 'fs.watch', where: { what: ['idle'] } };
const send = { bench: 'send', figure: 'cpu_ns' };
const aio = { bench: 'aio', figure: 'cpu_ns', ours: 'port' };

export const goals = [
	{ goal: 'ECHO', bench: 'echo', figure: 'cpu_ns', ours: 'port', peer: 'net', must: 1 },
	{ goal: 'TS2', ...send, ours: 'objects', must: 100 },
	{ goal: 'TS2', ...send, ours: 'objects', peer: 'messageport', must: 0.08 },
	{ goal: 'TS2 objects', ...send, ours: 'reaped', must: 80 },
	{ goal: 'TS2 view', ...send, ours: 'reaped-view', must: 30 },

	{ goal: 'TS1', ...aio, peer: 'fs.read', where: { depth: ['32'] }, must: 0.5, stretch: 0.35 },
	{ goal: 'TS1', ...aio, peer: 'FileHandle.read', where: { depth: ['32'] }, must: 0.25, stretch: 0.15 },
	{ goal: 'TS1 depth 1', ...aio, peer: 'fs.read', where: { depth: ['1'] }, must: 0.15 },

	{ goal: 'TS5 arm', ...timers, figure: 'make_ns', must: 0.25 },
	{ goal: 'TS5 arm again', ...timers, figure: 'again_ns' },
	{ goal: 'TS5 cancel', ...timers, figure: 'cancel_ns', must: 0.3 },

	// Held against a pipe of node:net, which does more than the bare uv_poll callback of the goal.
	{ goal: 'TS6', bench: 'wake', figure: 'p50_us', ours: 'port', peer: 'net', must: 1.3 },

	{ goal: 'WATCH memory', ...watch, figure: 'memory_bytes', must: 0.35 },
	{ goal: 'WATCH set-up', ...watch, figure: 'setup_ms', must: 0.7 },
	{ goal: 'WATCH latency', ...watch, figure: 'latency_us', must: 1 },

	{ goal: 'FILE3', bench: 'watch', figure: 'unreported', ours: 'port', where: { what: ['load'] }, must: 0 },
	{ goal: 'FILE3 fs.watch', bench: 'watch', figure: 'unreported', ours: 'fs.watch', where: { what: ['load'] } },
];
