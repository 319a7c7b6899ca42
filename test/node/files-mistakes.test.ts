// Files as objects of a port: what is refused, and with which words.

import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import {
	FILE_DELETE,
	FILE_MODIFIED,
	FILE_RENAME_TO,
	FileObject,
	Port,
	UNMOUNTED,
} from 'event-ports';
import { describe, expect, it } from 'vitest';
import { errorOf, folder, name, next, port, watchedFile } from './support/watched-file.js';
import { PACKAGE } from './support.js';

watchedFile();

describe('mistakes', () => {
	it('of a name', () => {
		const blocked = path.join(name, 'below');
		symlinkSync('loop', path.join(folder, 'loop'));
		const cases: [string, string][] = [
			[path.join(folder, 'missing'), 'ENOENT'],
			['', 'ENOENT'],
			[blocked, 'ENOTDIR'],
			[path.join(folder, 'loop'), 'ELOOP'],
			[path.join(folder, 'n'.repeat(300)), 'ENAMETOOLONG'],
			['/proc/self/status', 'ENOTSUP'],
		];
		for (const [file, code] of cases) {
			const error = errorOf(() => port.associateFile(new FileObject(file), FILE_MODIFIED, {}));
			expect(error).toMatchObject({ code, syscall: 'port_associate', path: file });
		}
		expect(port.stats().slots).toBe(0);
	});

	it('of events', () => {
		const file = new FileObject(name);
		for (const events of [FILE_DELETE, FILE_RENAME_TO, UNMOUNTED, 0x8000]) {
			expect(errorOf(() => port.associateFile(file, events)).code).toBe('EINVAL');
		}
		expect(errorOf(() => port.associateFile(file, 1.5)).code).toBe('ERR_OUT_OF_RANGE');
		expect(errorOf(() => port.associateFile(file, '1' as never)).code).toBe('ERR_INVALID_ARG_TYPE');
	});

	it('of arguments', () => {
		for (const file of [undefined, null, name, { path: name }] as never[]) {
			expect(errorOf(() => port.associateFile(file, 0)).code).toBe('ERR_INVALID_ARG_TYPE');
			expect(errorOf(() => port.dissociateFile(file)).code).toBe('ERR_INVALID_ARG_TYPE');
		}
		const codes = (values: unknown[]) =>
			values.map((value) => errorOf(() => new FileObject(name, value as never)).code);
		expect(errorOf(() => new FileObject(1 as never)).code).toBe('ERR_INVALID_ARG_TYPE');
		expect(errorOf(() => new FileObject('a\0b')).code).toBe('ERR_INVALID_ARG_VALUE');
		expect(errorOf(() => new FileObject('a').refresh(null as never)).code).toBe(
			'ERR_INVALID_ARG_TYPE',
		);
		expect(codes([null, 1, { mtimeNs: 1 }, { mtimeMs: '1' }])).toEqual(
			Array(4).fill('ERR_INVALID_ARG_TYPE'),
		);
		expect(
			codes([{ mtimeNs: 2n ** 63n }, { atimeMs: 0, mtimeMs: Number.NaN, ctimeMs: 0 }]),
		).toEqual(Array(2).fill('ERR_OUT_OF_RANGE'));
	});

	it('a failing call leaves the association there is', () => {
		const file = new FileObject(name);
		port.associateFile(file, FILE_MODIFIED, { kept: true });
		errorOf(() => port.associateFile(file, FILE_DELETE, {}));
		appendFileSync(name, 'x');
		expect(next()).toMatchObject({ user: { kept: true } });
	});

	it('a file that was never associated', () => {
		expect(errorOf(() => port.dissociateFile(new FileObject(name))).code).toBe('EINVAL');
		port.associateFile(new FileObject(name), 0);
		expect(errorOf(() => port.dissociateFile(new FileObject(name))).code).toBe('ENOENT');
		expect(errorOf(() => port.dissociateFile(new FileObject(name))).message).toMatch(
			/^ENOENT: the file is not associated.* '.*'$/,
		);
	});

	it('a port that is full, or closed', () => {
		const small = new Port({ limit: 1 });
		const file = new FileObject(name);
		small.associateFile(file, FILE_MODIFIED);
		expect(errorOf(() => small.associateFile(new FileObject(name), 0, {})).code).toBe('EAGAIN');
		small.associateFile(file, FILE_MODIFIED, 'there is room for itself');
		small.close();
		expect(errorOf(() => small.associateFile(file, 0)).code).toBe('ERR_PORT_CLOSED');
		expect(errorOf(() => small.dissociateFile(file)).code).toBe('ERR_PORT_CLOSED');
	});

	// In a user namespace the limit is its own.
	const limited = (limit: number, program: string) =>
		spawnSync(
			'unshare',
			[
				'--user',
				'--map-root-user',
				'sh',
				'-c',
				'echo "$1" >/proc/sys/user/max_inotify_watches && exec "$2" --input-type=module -e "$3"',
				'sh',
				String(limit),
				process.execPath,
				program,
			],
			{ encoding: 'utf8', timeout: 60_000 },
		);
	it.skipIf(limited(9, '').status !== 0)(
		'too many watched files name the sysctl and disturb nothing',
		() => {
			mkdirSync(path.join(folder, 'other'));
			const { stdout, stderr } = limited(
				2, // the file, and its directory
				`import { appendFileSync } from 'node:fs';
				const { FILE_MODIFIED, FileObject, Port } = await import(${JSON.stringify(PACKAGE)});
				const port = new Port();
				port.associateFile(new FileObject(${JSON.stringify(name)}), FILE_MODIFIED, 'kept');
				try { port.associateFile(new FileObject('/usr/bin'), FILE_MODIFIED, {}); } catch ({ code, syscall, path, message }) { console.log(code, syscall, path, message); }
				appendFileSync(${JSON.stringify(name)}, 'x');
				console.log(port.stats().slots, port.getSync({ timeout: 0 }).user);`,
			);
			expect(stderr).toBe('');
			const [error, rest] = stdout.split('\n');
			expect(error).toMatch(/^ENOSPC inotify_add_watch \/usr\/bin .*fs\.inotify\.max_user_watches/);
			expect(rest).toBe('1 kept');
		},
	);
});
