// What the README shows of the native benches.

const fdLibs = { bench: 'fd_libs', figure: 'cpu_ns', ours: 'port', where: { fds: ['1000'], active: ['32'] } };
const rearm = { bench: 'fd_rearm', figure: 'cpu_ns', ours: 'port', peer: 'literal', peerName: 'raw epoll, one-shot' };
const threads = { bench: 'user_threads', figure: 'cpu_ns', ours: 'port', where: { producers: ['4'], consumers: ['4'] } };
const procs = { bench: 'user_procs', figure: 'cpu_ns', ours: 'port', where: { producers: ['1'], consumers: ['1'] } };
const timers = { bench: 'timers', figure: 'cpu_ns', ours: 'port', peer: 'libuv', peerName: 'libuv' };

export const comparisons = [
	{
		title: 'C: retrieve and re-associate, 32 of 1,000 fds ready', ...rearm,
		where: { kind: ['eventfd'], fds: ['1000'], active: ['32'] },
	},
	{ title: 'C: the same work', ...fdLibs, peer: 'libevent', peerName: 'libevent' },
	{ title: 'C: the same work', ...fdLibs, peer: 'libuv', peerName: 'libuv' },
	{
		title: 'C: four threads, one port', bench: 'fd_threads', figure: 'cpu_ns', ours: 'port', peer: 'epoll',
		peerName: 'epoll_wait in each', where: { most: ['1'] },
	},
	{ title: 'C: a message, 4 threads to 4', ...threads, peer: 'pipe', peerName: 'pipe' },
	{ title: 'C: a message, 4 threads to 4', ...threads, peer: 'condvar', peerName: 'mutex + condition' },
	{ title: 'C: a message, process to process', ...procs, peer: 'pipe', peerName: 'pipe' },
	{ title: 'C: a message, process to process', ...procs, peer: 'socketpair', peerName: 'socketpair' },
	{ title: 'C: arm one of many timers', ...timers, where: { what: ['arm'], timers: ['100000'] } },
	{ title: 'C: cancel it', ...timers, where: { what: ['cancel'], timers: ['100000'] } },
	{
		title: 'C: a changed file, watched again', bench: 'files', figure: 'cpu_ns', ours: 'port', peer: 'oneshot',
		peerName: 'inotify, one-shot', where: { what: ['again'], active: ['32'] },
	},
];
