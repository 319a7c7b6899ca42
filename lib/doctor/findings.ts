// From facts to findings: what works, what works otherwise, what is missing and what to do.

import { errnoName } from '../errors.js';
import type { Facts } from './facts.js';

/** One line of the report. `missing`: ports can't work; `warning`: they do, another way or less. */
export interface Finding {
	readonly name: string;
	readonly state: 'ok' | 'warning' | 'missing';
	readonly detail: string;
	/** What to do about it. */
	readonly remedy?: string;
}

const OLDEST_KERNEL = [5, 10]; // what Node 20's own supported systems have
const FEW_WATCHES = 65_536;
const FEW_INSTANCES = 128;
const FEW_FILES = 4096;

const EPERM = 1;
const ENOSYS = 38;
const EACCES = 13;

function number(value: number | null): string {
	if (value === null) return 'not to be read here';
	return Number.isFinite(value) ? value.toLocaleString('en-US') : 'unlimited';
}

function kernel({ kernel, container, seccomp }: Facts): Finding {
	const [major = 0, minor = 0] = kernel.split('.').map(Number);
	const [needMajor, needMinor] = OLDEST_KERNEL as [number, number];
	const fine = major > needMajor || (major === needMajor && minor >= needMinor);
	const where = container === null ? '' : `, in a container (${container})`;
	const filtered = seccomp ? ', system calls filtered (seccomp)' : '';
	const detail = `${kernel}${where}${filtered}`;
	if (fine) return { name: 'kernel', state: 'ok', detail };
	return { name: 'kernel', state: 'warning', detail, remedy: 'tests run on 5.10 and later' };
}

function binary({ binary }: Facts): Finding {
	const detail = `${binary.origin}: ${binary.file}`;
	if (binary.current !== false) return { name: 'binary', state: 'ok', detail };
	return {
		name: 'binary',
		state: 'warning',
		detail: `${detail}, of other sources than the prebuilt one`,
		remedy: 'npm rebuild event-ports --build-from-source, or remove build/',
	};
}

// What a port is made of.
const NEEDED: Readonly<Record<string, string>> = {
	memfd_create: 'the memory that processes share',
	eventfd: 'the doorbell',
	epoll: 'descriptors, in nested sets',
	wipe_on_fork: 'telling a child from its parent',
};

function needed({ features }: Facts): Finding[] {
	return Object.entries(NEEDED).map(([name, what]) => {
		const errno = features[name] ?? ENOSYS;
		if (errno === 0) return { name, state: 'ok', detail: what };
		return {
			name,
			state: 'missing',
			detail: `${errnoName(errno)}: ${what}`,
			remedy: 'allow this system call in the seccomp profile; no port works without it',
		};
	});
}

function timers({ features }: Facts): Finding {
	const errno = features['timerfd'] ?? ENOSYS;
	if (errno === 0) return { name: 'timers', state: 'ok', detail: 'timerfd' };
	return { name: 'timers', state: 'missing', detail: errnoName(errno) };
}

function files({ features, settings }: Facts): Finding {
	const errno = features['inotify'] ?? ENOSYS;
	const watches = settings['fs.inotify.max_user_watches'];
	const instances = settings['fs.inotify.max_user_instances'];
	const queue = settings['fs.inotify.max_queued_events'];
	const limits = `${number(watches)} files, ${number(instances)} instances, queue ${number(queue)}`;
	if (errno !== 0) {
		return {
			name: 'files',
			state: 'warning',
			detail: `inotify: ${errnoName(errno)} (${limits})`,
			remedy: 'sysctl fs.inotify.max_user_instances=1024, or fewer programs that watch files',
		};
	}
	const few =
		(watches ?? FEW_WATCHES) < FEW_WATCHES || (instances ?? FEW_INSTANCES) < FEW_INSTANCES;
	if (!few) return { name: 'files', state: 'ok', detail: `inotify: ${limits}` };
	return {
		name: 'files',
		state: 'warning',
		detail: `inotify: ${limits}`,
		remedy: 'sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=1024',
	};
}

function descriptors({ openFiles, settings }: Facts): Finding {
	const watches = settings['fs.epoll.max_user_watches'];
	const detail = `${number(openFiles)} open files, ${number(watches)} watched at once`;
	if ((openFiles ?? FEW_FILES) >= FEW_FILES) return { name: 'descriptors', state: 'ok', detail };
	return {
		name: 'descriptors',
		state: 'warning',
		detail,
		remedy: 'ulimit -n 65536; a port takes five descriptors',
	};
}

/** Why io_uring refuses, as far as it can be known. */
function uringRefusal(errno: number, { settings, container, seccomp }: Facts): string {
	const disabled = settings['kernel.io_uring_disabled'];
	if (errno === ENOSYS) return 'this kernel, or its emulation, has none (ENOSYS)';
	if (errno !== EPERM && errno !== EACCES) return errnoName(errno);
	if (disabled === 2) return 'sysctl kernel.io_uring_disabled is 2';
	if (disabled === 1) return 'sysctl kernel.io_uring_disabled is 1: for kernel.io_uring_group only';
	if (container !== null || seccomp) {
		return `blocked by the container's seccomp profile (${errnoName(errno)})`;
	}
	return `refused by a security module (${errnoName(errno)})`;
}

function asynchronous(facts: Facts): Finding {
	const errno = facts.features['io_uring'] ?? ENOSYS;
	const { engine, reason } = facts.engine;
	if (engine === 'io_uring') return { name: 'io_uring', state: 'ok', detail: 'allowed, runs I/O' };
	const why = errno === 0 ? reason : uringRefusal(errno, facts);
	return {
		name: 'io_uring',
		state: 'warning',
		detail: `${why}; asynchronous I/O runs on threads`,
		remedy: 'everything works all the same, at a higher cost',
	};
}

/** A word that nobody knows is ignored: whoever wrote it meant something. */
function asked({ engineAsked }: Facts): Finding[] {
	if (engineAsked === null || engineAsked === '' || engineAsked === 'pool') return [];
	return [
		{
			name: 'EVENT_PORTS_AIO',
			state: 'warning',
			detail: `'${engineAsked}' is ignored`,
			remedy: 'pool chooses threads; unset, io_uring runs where it is allowed',
		},
	];
}

function sharing({ features }: Facts): Finding[] {
	const lacking = ['pidfd_open', 'pidfd_getfd', 'kcmp'].filter((name) => features[name] !== 0);
	const detail = 'pidfd_open, pidfd_getfd, kcmp';
	if (lacking.length === 0) return [{ name: 'sharing', state: 'ok', detail }];
	const said = lacking.map((name) => `${name}: ${errnoName(features[name] ?? ENOSYS)}`);
	return [
		{
			name: 'sharing',
			state: 'warning',
			detail: said.join(', '),
			remedy: 'ports are shared by fork and by ticket; a bare number needs these calls',
		},
	];
}

/** The report, in the order in which it is read. */
export function examine(facts: Facts): Finding[] {
	return [
		kernel(facts),
		binary(facts),
		...needed(facts),
		descriptors(facts),
		timers(facts),
		files(facts),
		...sharing(facts),
		asynchronous(facts),
		...asked(facts),
	];
}
