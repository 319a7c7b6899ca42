import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Facts } from '../../lib/doctor/facts.js';
import { examine } from '../../lib/doctor/findings.js';
import { CLI } from './support/serving.js';

function doctor(...args: string[]) {
	const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'doctor', ...args], {
		encoding: 'utf8',
		timeout: 60_000,
	});
	return { status, stdout, stderr };
}

const healthy: Facts = {
	version: '1.0.0',
	node: '20.19.0',
	arch: 'x64',
	kernel: '6.1.0-18-amd64',
	container: null,
	seccomp: false,
	binary: {
		file: '/p/prebuilds/linux-x64/event-ports.glibc.node',
		origin: 'prebuilt',
		current: true,
	},
	openFiles: 65_536,
	settings: {
		'fs.epoll.max_user_watches': 1e6,
		'fs.inotify.max_user_watches': 524_288,
		'fs.inotify.max_user_instances': 1024,
		'fs.inotify.max_queued_events': 16_384,
		'kernel.io_uring_disabled': 0,
		'fs.file-max': 1e6,
	},
	engineAsked: null,
	engine: { engine: 'io_uring', reason: '' },
	features: {
		memfd_create: 0,
		eventfd: 0,
		epoll: 0,
		wipe_on_fork: 0,
		timerfd: 0,
		inotify: 0,
		pidfd_open: 0,
		pidfd_getfd: 0,
		kcmp: 0,
		io_uring: 0,
	},
};
const threads = { engine: { engine: 'threads', reason: 'built without liburing' } } as const;
const EPERM = 1;
const ENOSYS = 38;

/** What is not all right, as one text each. */
function complaints(change: Partial<Facts>): string[] {
	return examine({ ...healthy, ...change })
		.filter(({ state }) => state !== 'ok')
		.map(({ name, state, detail }) => `${state} ${name}: ${detail}`);
}

describe('event-ports doctor', () => {
	test('reports this machine, in plain text where there is no terminal', () => {
		const { status, stdout, stderr } = doctor();
		expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
		expect(stdout).toMatch(/^event-ports \d+\.\d+\.\d+, Node \d+/);
		expect(stdout).toMatch(/^ok +epoll/m);
		expect(stdout).not.toContain('\x1b');
	});

	test('--json is one object, with the facts and the findings', () => {
		const { status, stdout } = doctor('--json');
		const report = JSON.parse(stdout);
		expect(status).toBe(0);
		expect(report).toMatchObject({ node: process.versions.node, features: { epoll: 0 } });
		expect(report.findings).toContainEqual(expect.objectContaining({ name: 'kernel' }));
		expect(Object.keys(report.features).sort()).toEqual(Object.keys(healthy.features).sort());
	});

	test('takes no arguments', () => {
		expect(doctor('now')).toMatchObject({ status: 2, stdout: '' });
	});
});

describe('findings', () => {
	const features = (change: Record<string, number>) => ({ ...healthy.features, ...change });

	test('a healthy machine has none to complain of', () => {
		expect(complaints({})).toEqual([]);
	});

	test.each<[string, Partial<Facts>, RegExp]>([
		['an old kernel', { kernel: '4.19.0' }, /^warning kernel: 4\.19/],
		['a stale build', { binary: { ...healthy.binary, current: false } }, /^warning binary/],
		['no memfd', { features: features({ memfd_create: ENOSYS }) }, /^missing memfd_create: ENOSYS/],
		['no timerfd', { features: features({ timerfd: EPERM }) }, /^missing timers: EPERM/],
		[
			'no inotify instance left',
			{ features: features({ inotify: 24 }) },
			/^warning files: .*EMFILE/,
		],
		['no kcmp', { features: features({ kcmp: EPERM }) }, /^warning sharing: kcmp: EPERM/],
		['few open files', { openFiles: 1024 }, /^warning descriptors: 1,024/],
		[
			'an emulated kernel',
			{ ...threads, features: features({ io_uring: ENOSYS }) },
			/^warning io_uring: .*ENOSYS/,
		],
		[
			'io_uring switched off',
			{
				...threads,
				features: features({ io_uring: EPERM }),
				settings: { ...healthy.settings, 'kernel.io_uring_disabled': 2 },
			},
			/io_uring_disabled is 2/,
		],
		[
			'io_uring blocked in a container',
			{ ...threads, features: features({ io_uring: EPERM }), container: 'docker', seccomp: true },
			/blocked by the container's seccomp profile/,
		],
		['an engine nobody knows', { engineAsked: 'threads' }, /^warning EVENT_PORTS_AIO: 'threads'/],
		['no liburing in the build', threads, /^warning io_uring: built without liburing; .* threads/],
		[
			'few watches',
			{ settings: { ...healthy.settings, 'fs.inotify.max_user_watches': 8192 } },
			/^warning files: inotify: 8,192 files/,
		],
	])('%s is named', (_name, change, expected) => {
		expect(complaints(change)).toEqual([expect.stringMatching(expected)]);
	});
});
