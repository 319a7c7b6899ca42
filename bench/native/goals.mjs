// What the native benches are held against. `figure` of `ours` over that of `peer` in each case of
// `bench` that fits `where`; without a peer the figure itself. `must` and `stretch` are upper bounds.
// `peerWhere` takes the peer from another case.

const fdRearm = { bench: 'fd_rearm', figure: 'cpu_ns', ours: 'port', peer: 'literal' };
const fdLibs = { bench: 'fd_libs', figure: 'cpu_ns', ours: 'port' };
const application = { bench: 'fd_application', figure: 'cpu_ns' };
const userThreads = { bench: 'user_threads', figure: 'cpu_ns', ours: 'port' };
const userProcs = { bench: 'user_procs', figure: 'cpu_ns', ours: 'port' };
const files = { bench: 'files', figure: 'cpu_ns', ours: 'port', peer: 'oneshot' };
const pingPong = { bench: 'user_pingpong', figure: 'p50_us', ours: 'port', peer: 'ring' };

const aio = { bench: 'aio_reads', figure: 'cpu_ns', ours: 'port-list' };
const timers = { bench: 'timers', figure: 'cpu_ns', ours: 'port', peer: 'libuv' };

export const goals = [
	{ goal: 'FD1', ...fdRearm, where: { active: ['1'] }, must: 1.15 },
	{ goal: 'FD1', ...fdRearm, where: { active: ['32', '256'] }, must: 1.1 },
	{ goal: 'FD1 list', ...fdRearm, ours: 'port-list', where: { active: ['32', '256'] }, stretch: 0.9 },

	{ goal: 'FD2', ...fdLibs, peer: 'libevent', must: 0.4 },
	{ goal: 'FD2', ...fdLibs, peer: 'libuv', must: 0.4 },
	{ goal: 'FD2', ...fdLibs, peer: 'kqueue-dispatch', must: 0.4 },
	{ goal: 'FD2', ...fdLibs, peer: 'kqueue-oneshot', must: 0.3 },

	// No bound: what an application on libevent sees, in each of its two styles.
	{ goal: 'libevent', ...application, ours: 'libevent-port', peer: 'libevent-epoll' },
	{ goal: 'libevent', ...application, ours: 'libevent-port-persist', peer: 'libevent-epoll-persist' },
	{ goal: 'libevent', ...application, ours: 'libevent-port', peer: 'epoll-oneshot' },

	{
		goal: 'FD3', ...fdRearm, peer: 'port',
		where: { fds: ['15000'], active: ['1', '32'] }, peerWhere: { fds: '64' }, must: 1.5,
	},
	{
		goal: 'FD3 epoll itself', ...fdRearm, ours: 'literal', peer: 'literal',
		where: { fds: ['15000'], active: ['1', '32'] }, peerWhere: { fds: '64' },
	},

	{
		goal: 'FD4', bench: 'fd_threads', figure: 'cpu_ns', ours: 'port', peer: 'epoll',
		where: { most: ['1'] }, must: 0.5, stretch: 0.4,
	},

	{ goal: 'ECHO in C', bench: 'fd_echo', figure: 'cpu_ns', ours: 'port', peer: 'epoll', must: 1.05 },

	{
		goal: 'USER1', bench: 'user_send', figure: 'cpu_ns', ours: 'port', peer: 'ring',
		where: { batch: ['64'], kept: ['0'] }, must: 4, stretch: 2,
	},
	// A raise and a lower of the bell per batch of 64; nothing while the queue isn't empty.
	{
		goal: 'USER1 syscalls', bench: 'user_send', figure: 'syscalls', ours: 'port',
		where: { batch: ['64'], kept: ['0'] }, must: 2 / 64,
	},
	{
		goal: 'USER1 syscalls', bench: 'user_send', figure: 'syscalls', ours: 'port',
		where: { batch: ['64'], kept: ['1'] }, must: 0.005,
	},

	{ goal: 'USER2', ...userThreads, peer: 'ring', must: 2.5, stretch: 1.5 },
	{ goal: 'USER2', ...userThreads, peer: 'pipe', must: 0.25 },
	{ goal: 'USER2', ...userThreads, peer: 'condvar', must: 0.8 },
	{ goal: 'USER2 wakes', ...userThreads, figure: 'wakes', must: 0.1 },

	{ goal: 'USER3', ...userProcs, peer: 'ring', must: 2.5, stretch: 1.5 },
	{ goal: 'USER3', ...userProcs, peer: 'pipe', must: 0.3 },
	{ goal: 'USER3', ...userProcs, peer: 'socketpair', must: 0.1 },
	{ goal: 'USER3', ...userProcs, peer: 'mq', must: 0.12 },

	{ goal: 'FILE1', ...files, where: { what: ['again'], active: ['32', '256'] }, must: 0.55, stretch: 0.45 },
	{ goal: "FILE1 with the program's stat", ...files, ours: 'port-stat', where: { what: ['again'] } },
	{ goal: 'FILE1 one active', ...files, where: { what: ['again'], active: ['1'] } },
	{ goal: 'FILE2', ...files, where: { what: ['first'] }, must: 1.3 },

	{ goal: 'TIMER1 arm', ...timers, where: { what: ['arm'] }, must: 0.8, stretch: 0.4 },
	{ goal: 'TIMER1 cancel', ...timers, where: { what: ['cancel'] }, must: 0.25 },
	{ goal: 'TIMER1 expire', ...timers, where: { what: ['expire'], timers: ['1000000'] }, must: 0.5 },
	{ goal: 'TIMER1 lateness', ...timers, figure: 'p99_ms', where: { what: ['expire'], timers: ['1000000'] }, must: 0.2 },
	{ goal: 'TIMER2', ...timers, figure: 'p50_us', peer: 'timerfd', where: { what: ['late'] }, must: 1.3 },

	{ goal: 'USER4', ...pingPong, where: { cpus: ['1'] }, must: 1.25, stretch: 1.05 },
	{ goal: 'USER4', ...pingPong, where: { cpus: ['2'] }, must: 1.1 },
	{ goal: 'USER4 with fds', ...pingPong, ours: 'port-with-fd', must: 1.35 },
	{ goal: 'USER4 p50 µs', ...pingPong, peer: undefined, where: { cpus: ['2'] }, stretch: 1 },
	{ goal: 'AIO1', ...aio, peer: 'io_uring', where: { from: ['cache'], depth: ['32'] }, must: 1.2, stretch: 1.1 },
	{ goal: 'AIO1', ...aio, peer: 'libuv', where: { from: ['cache'], depth: ['32'] }, must: 0.5 },
	{ goal: 'AIO1', ...aio, peer: 'glibc', where: { from: ['cache'], depth: ['32'] }, must: 0.55 },
	{ goal: 'AIO1 other depths', ...aio, peer: 'io_uring', where: { from: ['cache'], depth: ['1', '8', '128'] } },
	{ goal: 'AIO1 one by one', ...aio, ours: 'port', peer: 'io_uring', where: { from: ['cache'] } },
	{ goal: 'AIO2', ...aio, peer: 'libuv', where: { from: ['disk'] }, must: 0.3 },
	{ goal: 'AIO2 wall', ...aio, figure: 'wall_ns', peer: 'libuv', where: { from: ['disk'] }, must: 0.6 },
	// Calls of libc that libport wraps, on descriptors that are none of its business.
	{ goal: 'WRAP', bench: 'wrapped', figure: 'cpu_ns', ours: 'wrapped', peer: 'libc' },
];
