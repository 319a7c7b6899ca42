// What `event-ports bench` and the README show of the benches in JavaScript.

const send = { bench: 'send', figure: 'cpu_ns', peer: 'messageport', peerName: 'MessagePort' };
const timers = { bench: 'timers-node', ours: 'port', peer: 'node' };
const aio = { bench: 'aio', figure: 'cpu_ns', ours: 'port', where: { depth: ['32'] } };
const trip = { bench: 'round-trip', figure: 'p50_us', ours: 'port' };
const watch = { bench: 'watch', ours: 'port', peer: 'fs.watch', peerName: 'fs.watch', where: { what: ['idle'] } };
const echo = { bench: 'echo', figure: 'cpu_ns', ours: 'port', peer: 'net', peerName: 'node:net' };

export const comparisons = [
	{ title: 'send and retrieve a message', ...send, ours: 'objects' },
	{ title: 'the same, read as columns', ...send, ours: 'view' },
	{ title: 'a message to another process, and its answer', ...trip, peer: 'process.send', peerName: 'process.send' },
	{ title: 'the same', ...trip, peer: 'socket', peerName: 'unix socket' },
	{ title: 'start one of many timers', ...timers, figure: 'make_ns', peerName: 'setTimeout' },
	{ title: 'cancel it', ...timers, figure: 'cancel_ns', peerName: 'clearTimeout' },
	{ title: 'read 4 KiB, 32 under way', ...aio, peer: 'fs.read', peerName: 'fs.read' },
	{ title: 'the same', ...aio, peer: 'FileHandle.read', peerName: 'FileHandle.read' },
	{ title: 'a descriptor ready → the code that awaits it', bench: 'wake', figure: 'p50_us', ours: 'port', peer: 'net', peerName: 'node:net' },
	{ title: 'watch thousands of files: memory', ...watch, figure: 'memory_bytes' },
	{ title: 'watch thousands of files: set-up', ...watch, figure: 'setup_ms' },
	{ title: 'a file changes → the callback', ...watch, figure: 'latency_us' },
	{ title: 'echo 64 bytes, 64 connections', ...echo, where: { connections: ['64'] } },
	{ title: 'echo 64 bytes, 512 connections', ...echo, where: { connections: ['512'] } },
];
