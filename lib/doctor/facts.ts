// What can be read of this machine: the kernel's settings, the container, our own binary.

import { existsSync, readFileSync } from 'node:fs';
import { arch, release } from 'node:os';
import path from 'node:path';
import { engine } from '../aio.js';
import { native, nativeFile, nativeSource } from '../native.js';

const root = path.join(__dirname, '..', '..');

/** The limits that the kernel sets, by sysctl's name; null: not to be read here. */
export interface Settings {
	/** Descriptors that a user may watch. */
	readonly 'fs.epoll.max_user_watches': number | null;
	/** Files that a user may watch. */
	readonly 'fs.inotify.max_user_watches': number | null;
	/** inotify instances of a user: a process with files takes one. */
	readonly 'fs.inotify.max_user_instances': number | null;
	/** Changes that wait before some are lost, and looked for again. */
	readonly 'fs.inotify.max_queued_events': number | null;
	/** 0: for everyone, 1: for a group and the privileged, 2: for nobody. */
	readonly 'kernel.io_uring_disabled': number | null;
	/** Open files of all processes. */
	readonly 'fs.file-max': number | null;
}

/** What doctor knows before it judges. */
export interface Facts {
	readonly version: string;
	readonly node: string;
	readonly arch: string;
	readonly kernel: string;
	/** The kind of container, or null. */
	readonly container: string | null;
	/** Whether system calls of this process are filtered. */
	readonly seccomp: boolean;
	readonly binary: {
		readonly file: string;
		readonly origin: 'prebuilt' | 'built here';
		/** Of the same sources as the prebuilt ones; null: none came with the package. */
		readonly current: boolean | null;
	};
	/** Open files that this process may have. */
	readonly openFiles: number | null;
	readonly settings: Settings;
	/** EVENT_PORTS_AIO, or null. */
	readonly engineAsked: string | null;
	/** What runs asynchronous I/O here, and why not io_uring. */
	readonly engine: { readonly engine: 'none' | 'io_uring' | 'threads'; readonly reason: string };
	/** System calls and what is done with them: 0, or the errno. */
	readonly features: Readonly<Record<string, number>>;
}

function read(file: string): string | null {
	try {
		return readFileSync(file, 'utf8').trim();
	} catch {
		return null;
	}
}

function sysctl(name: string): number | null {
	const text = read(`/proc/sys/${name.replaceAll('.', '/')}`);
	return text === null || text === '' ? null : Number(text);
}

function containerKind(): string | null {
	if (existsSync('/.dockerenv')) return 'docker';
	const podman = read('/run/.containerenv');
	if (podman !== null) return 'podman';
	if (process.env['KUBERNETES_SERVICE_HOST'] !== undefined) return 'kubernetes';
	return read('/run/systemd/container') || process.env['container'] || null;
}

function softLimit(): number | null {
	const line = /^Max open files\s+(\d+|unlimited)/m.exec(read('/proc/self/limits') ?? '')?.[1];
	if (line === undefined) return null;
	return line === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line);
}

function binary(): Facts['binary'] {
	const manifest = read(path.join(root, 'prebuilds/manifest.json'));
	const prebuilt = nativeFile.startsWith(path.join(root, 'prebuilds'));
	return {
		file: nativeFile,
		origin: prebuilt ? 'prebuilt' : 'built here',
		current: manifest === null ? null : JSON.parse(manifest).sourceId === nativeSource,
	};
}

/** Everything, read now. */
export function gather(): Facts {
	const pkg = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
	return {
		version: pkg.version,
		node: process.versions.node,
		arch: arch(),
		kernel: release(),
		container: containerKind(),
		seccomp: /^Seccomp:\s+[12]/m.test(read('/proc/self/status') ?? ''),
		binary: binary(),
		openFiles: softLimit(),
		settings: {
			'fs.epoll.max_user_watches': sysctl('fs.epoll.max_user_watches'),
			'fs.inotify.max_user_watches': sysctl('fs.inotify.max_user_watches'),
			'fs.inotify.max_user_instances': sysctl('fs.inotify.max_user_instances'),
			'fs.inotify.max_queued_events': sysctl('fs.inotify.max_queued_events'),
			'kernel.io_uring_disabled': sysctl('kernel.io_uring_disabled'),
			'fs.file-max': sysctl('fs.file-max'),
		},
		engineAsked: process.env['EVENT_PORTS_AIO'] ?? null,
		engine: engine(),
		features: native.features(),
	};
}
