// What the benches in JavaScript are held against: as native/goals.mjs.

const timers = { bench: 'timers-node', ours: 'port', peer: 'node' };
const watch = { bench: 'watch', ours: 'port', peer: 'fs.watch', where: { what: ['idle'] } };
const send = { bench: 'send', figure: 'cpu_ns' };
const size = { bench: 'size', ours: 'port' };
const aio = { bench: 'aio', figure: 'cpu_ns', ours: 'port' };

const oneWay = { bench: 'one-way', figure: 'cpu_ns', ours: 'port' };
const roundTrip = { bench: 'round-trip', figure: 'p50_us', ours: 'port' };

export const goals = [
	{ goal: 'ECHO', bench: 'echo', figure: 'cpu_ns', ours: 'port', peer: 'net', must: 1 },
	{ goal: 'ECHO completions', bench: 'echo', figure: 'cpu_ns', ours: 'completions', peer: 'net', must: 1, stretch: 0.8 },
	{ goal: 'ECHO serve', bench: 'serve', figure: 'cpu_ns', ours: 'completion', peer: 'readiness' },
	{ goal: 'TS2', ...send, ours: 'objects', must: 100 },
	{ goal: 'TS2', ...send, ours: 'objects', peer: 'messageport', must: 0.08 },
	{ goal: 'TS2 objects', ...send, ours: 'reaped', must: 80 },
	{ goal: 'TS2 view', ...send, ours: 'reaped-view', must: 30 },

	{ goal: 'TS1', ...aio, peer: 'fs.read', where: { depth: ['32'] }, must: 0.5, stretch: 0.35 },
	{ goal: 'TS1', ...aio, peer: 'FileHandle.read', where: { depth: ['32'] }, must: 0.25, stretch: 0.15 },
	{ goal: 'TS1 depth 1', ...aio, peer: 'fs.read', where: { depth: ['1'] }, must: 0.15 },

	{ goal: 'TS3', ...oneWay, peer: 'process.send', must: 0.04 },
	{ goal: 'TS3', ...oneWay, ours: 'port-loop', peer: 'process.send', must: 0.04 },
	{ goal: 'TS3', ...oneWay, peer: 'ring', must: 1 },
	// The same ring made to wake only a receiver that sleeps: what more than the goal would take.
	{ goal: 'TS3 lazy ring', ...oneWay, peer: 'ring-lazy' },

	{ goal: 'TS4', ...roundTrip, peer: 'process.send', must: 0.5 },
	{ goal: 'TS4', ...roundTrip, peer: 'socket', must: 0.65 },
	{ goal: 'TS4 cpu', ...roundTrip, figure: 'cpu_ns', peer: 'process.send' },
	{ goal: 'TS4 cpu', ...roundTrip, figure: 'cpu_ns', peer: 'socket' },

	{ goal: 'TS5 arm', ...timers, figure: 'make_ns', must: 0.25 },
	{ goal: 'TS5 arm again', ...timers, figure: 'again_ns' },
	{ goal: 'TS5 cancel', ...timers, figure: 'cancel_ns', must: 0.3 },

	{ goal: 'TS6', bench: 'wake', figure: 'p50_us', ours: 'port', peer: 'uv_poll', must: 1.3 },
	{ goal: 'TS6 node:net', bench: 'wake', figure: 'p50_us', ours: 'port', peer: 'net' },

	{ goal: 'WATCH memory', ...watch, figure: 'memory_bytes', must: 0.35 },
	{ goal: 'WATCH set-up', ...watch, figure: 'setup_ms', must: 0.7 },
	{ goal: 'WATCH latency', ...watch, figure: 'latency_us', must: 1 },

	{ goal: 'SIZE first event', ...size, figure: 'start_ms', where: { what: ['start'] }, ours: 'require', must: 15 },
	{ goal: 'SIZE first event', ...size, figure: 'start_ms', where: { what: ['start'] }, ours: 'import' },
	{ goal: 'SIZE idle port', ...size, figure: 'each_bytes', must: 64 * 1024 },
	{ goal: 'SIZE tarball', ...size, figure: 'unpacked_bytes', must: 2e6 },

	{ goal: 'FILE3', bench: 'watch', figure: 'unreported', ours: 'port', where: { what: ['load'] }, must: 0 },
	{ goal: 'FILE3 fs.watch', bench: 'watch', figure: 'unreported', ours: 'fs.watch', where: { what: ['load'] } },
];
