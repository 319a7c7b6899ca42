// Port.watchFile: associations that stand after their events.

import {
	appendFileSync,
	chmodSync,
	readFileSync,
	renameSync,
	statSync,
	truncateSync,
	unlinkSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import path from 'node:path';
import {
	FILE_ATTRIB,
	FILE_DELETE,
	FILE_MODIFIED,
	FILE_RENAME_TO,
	FILE_TRUNC,
	type FileEvent,
	FileObject,
} from 'event-ports';
import { describe, expect, it } from 'vitest';
import { folder, name, next, port, watchedFile } from './support/watched-file.js';
import { codeOf } from './support.js';

watchedFile();

describe('watchFile', () => {
	it('tells again and again, of the same object and value', () => {
		const file = new FileObject(name);
		const user = { config: 1 };
		port.watchFile(file, FILE_MODIFIED, user);
		expect(next()).toBeNull();
		for (let i = 0; i < 3; i++) {
			appendFileSync(name, 'x');
			const event = next();
			expect(event).toMatchObject({ source: 'file', path: name, events: FILE_MODIFIED });
			expect(event?.file).toBe(file);
			expect(event?.user).toBe(user);
			expect(next()).toBeNull();
		}
		expect(port.stats().slots).toBe(1);
	});

	it('adds what happens while the event is queued', () => {
		port.watchFile(new FileObject(name), FILE_MODIFIED | FILE_ATTRIB | FILE_TRUNC);
		chmodSync(name, 0o600);
		expect(port.count()).toBe(1);
		appendFileSync(name, 'x');
		expect(port.count()).toBe(1);
		truncateSync(name, 1);
		expect(port.count()).toBe(1);
		expect(next()?.names).toEqual(['modified', 'attrib', 'trunc']);
		expect(next()).toBeNull();
		appendFileSync(name, 'x');
		expect(next()?.names).toEqual(['modified', 'attrib']);
	});

	it('knows what was told: only what is new makes an event', () => {
		port.watchFile(new FileObject(name), FILE_MODIFIED);
		appendFileSync(name, 'x');
		expect(next()?.modified).toBe(true);
		chmodSync(name, 0o600); // not asked for, though the time of modification differs from the first
		expect(next()).toBeNull();
		utimesSync(name, 1, 1);
		expect(next()?.modified).toBe(true);
		utimesSync(name, 2, 1); // the time of access
		expect(next()).toBeNull();
	});

	it('begins with what the stamps tell', () => {
		const file = new FileObject(name, statSync(name, { bigint: true }));
		utimesSync(name, 1, 1);
		port.watchFile(file, FILE_MODIFIED);
		expect(next()?.modified).toBe(true);
		appendFileSync(name, 'x');
		expect(next()?.modified).toBe(true);
	});

	it('ends by an exception, which replaces what was queued', () => {
		const file = new FileObject(name);
		port.watchFile(file, FILE_MODIFIED, {});
		appendFileSync(name, 'x');
		expect(port.count()).toBe(1);
		unlinkSync(name);
		expect(port.count()).toBe(1);
		expect(next()).toMatchObject({ events: FILE_DELETE, path: name });
		expect(port.stats().slots).toBe(0);
		expect(codeOf(() => port.dissociateFile(file))).toBe('ENOENT');
		writeFileSync(name, 'anew');
		expect(next()).toBeNull();
		port.watchFile(file, FILE_MODIFIED);
		appendFileSync(name, 'x');
		expect(next()?.modified).toBe(true);
	});

	it('ends by dissociating, with its event', () => {
		const file = new FileObject(name);
		port.watchFile(file, FILE_MODIFIED, {});
		appendFileSync(name, 'x');
		expect(next()?.modified).toBe(true);
		appendFileSync(name, 'x');
		port.dissociateFile(file);
		expect(next()).toBeNull();
		expect(port.stats().slots).toBe(0);
		expect(codeOf(() => port.dissociateFile(file))).toBe('ENOENT');
	});

	it('and associateFile replace each other', () => {
		const file = new FileObject(name);
		port.watchFile(file, FILE_MODIFIED, 'stands');
		port.associateFile(file, FILE_MODIFIED, 'once');
		appendFileSync(name, 'x');
		expect(next()?.user).toBe('once');
		appendFileSync(name, 'x');
		expect(next()).toBeNull();
		port.watchFile(file, FILE_MODIFIED, 'stands');
		appendFileSync(name, 'x');
		expect(next()?.user).toBe('stands');
		appendFileSync(name, 'x');
		expect(next()?.user).toBe('stands');
		expect(port.stats().slots).toBe(1);
	});

	it('keeps the path it was asked with', () => {
		const file = new FileObject(name);
		port.watchFile(file, FILE_MODIFIED, 1);
		file.path = path.join(folder, 'other');
		appendFileSync(name, 'x');
		expect(next()).toMatchObject({ path: name, file, user: 1 });
		appendFileSync(name, 'x');
		expect(next()?.path).toBe(name);
	});

	it('tells each of many, whoever comes and goes', () => {
		const count = 3000; // more than a block of keys
		const name = (i: number) => path.join(folder, `of-many-${i}`);
		const files = Array.from({ length: count }, (_, i) => new FileObject(name(i)));
		for (const file of files) writeFileSync(file.path, '');
		const shuffled = [...files.keys()].sort((a, b) => ((a * 7919) % count) - ((b * 7919) % count));
		for (const i of shuffled)
			port.watchFile(files[i] as FileObject, FILE_MODIFIED, i % 3 ? i : { i });
		for (const i of shuffled) if (i % 2) port.dissociateFile(files[i] as FileObject);
		for (const i of shuffled) appendFileSync(name(i), 'x');
		const events = port.getnSync({ max: count, timeout: 0 }) as FileEvent[];
		expect(events.map((event) => event.file)).toEqual(
			shuffled.filter((i) => i % 2 === 0).map((i) => files[i]),
		);
		for (const { file, user } of events) {
			const i = files.indexOf(file as FileObject);
			expect(user).toEqual(i % 3 ? i : { i });
		}
		expect(port.stats().slots).toBe(count / 2);
	});

	it('goes on where notes were lost', () => {
		const others = ['second', 'gone', 'replaced'].map((leaf) => path.join(folder, leaf));
		const [second, gone, replaced] = others as [string, string, string];
		for (const other of others) writeFileSync(other, 'x');
		for (const each of [name, ...others]) port.watchFile(new FileObject(each), FILE_MODIFIED, each);
		const length = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
		// One after the other, so that no two are one note.
		for (let i = 0; i <= length; i++) appendFileSync(i % 2 ? name : second, 'x');
		unlinkSync(gone);
		writeFileSync(path.join(folder, 'new'), '');
		renameSync(path.join(folder, 'new'), replaced);
		const told = () =>
			(port.getnSync({ timeout: 0 }) as FileEvent[])
				.map(({ user, events }) => [user, events])
				.sort();
		expect(told()).toEqual(
			[
				[name, FILE_MODIFIED],
				[second, FILE_MODIFIED],
				[gone, FILE_DELETE],
				[replaced, FILE_RENAME_TO],
			].sort(),
		);
		expect(told()).toEqual([]);
		appendFileSync(name, 'x');
		chmodSync(second, 0o600);
		expect(told()).toEqual([[name, FILE_MODIFIED]]);
		unlinkSync(name);
		expect(told()).toEqual([[name, FILE_DELETE]]);
	});

	it('calls on the event loop', async () => {
		port.watchFile(new FileObject(name), FILE_MODIFIED);
		const seen: string[] = [];
		setImmediate(() => appendFileSync(name, ' world'));
		for await (const [event] of port.batches()) {
			seen.push(readFileSync((event as FileEvent).path, 'utf8'));
			if (seen.length === 1)
				appendFileSync(name, '!'); // while the event is being handled
			else break;
		}
		expect(seen).toEqual(['hello world', 'hello world!']);
	});
});
