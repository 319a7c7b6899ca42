// event-ports watch, as a program that another one reads.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
	appendFileSync,
	closeSync,
	mkdtempSync,
	openSync,
	renameSync,
	rmSync,
	symlinkSync,
	unlinkSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLI } from './support/serving.js';
import { type Outcome, outcomeOf } from './support.js';

let folder: string;
let name: string;
let child: ChildProcess;
let outcome: Promise<Outcome>;
beforeEach(() => {
	folder = mkdtempSync(path.join(tmpdir(), 'event-ports-'));
	name = path.join(folder, 'file');
	writeFileSync(name, '');
});
afterEach(() => {
	child.kill('SIGKILL');
	rmSync(folder, { recursive: true });
});

/** Starts it; the lines it prints. */
function start(...args: string[]): AsyncIterator<string> {
	child = spawn(process.execPath, [CLI, 'watch', ...args], {
		cwd: folder,
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	outcome = outcomeOf(child);
	return createInterface(child.stdout as NodeJS.ReadableStream)[Symbol.asyncIterator]();
}

/** It says nothing when it is ready: so it is asked until it answers. */
async function ready(
	lines: AsyncIterator<string>,
	ask = () => appendFileSync(name, 'x'),
): Promise<string> {
	const asking = setInterval(ask, 20);
	const { value } = await lines.next();
	clearInterval(asking);
	return value as string;
}

/** The next line that is not about the asking. */
async function line(lines: AsyncIterator<string>, about: RegExp): Promise<string> {
	for (;;) {
		const { value, done } = await lines.next();
		if (done) throw new Error('it ended');
		if (about.test(value)) return value;
	}
}

describe('a line', () => {
	it('says what happened to which path, as it was given', async () => {
		const lines = start('file', '.');
		expect(await ready(lines)).toBe('modified,attrib\tfile');
		writeFileSync(path.join(folder, 'new'), '');
		expect(await line(lines, /\t\.$/)).toBe('modified,attrib\t.');
		renameSync(path.join(folder, 'new'), name);
		expect(await line(lines, /renamed/)).toBe('renamedTo\tfile');
		expect(await line(lines, /file/)).toBe('modified,attrib\tfile');
		unlinkSync(name);
		expect(await line(lines, /file/)).toBe('deleted\tfile');
		writeFileSync(name, '');
		expect(await line(lines, /file/)).toBe('modified,attrib\tfile');
	});

	it('is a JSON object with --json', async () => {
		const lines = start('--json', name);
		const before = Date.now();
		const { time, ...rest } = JSON.parse(await ready(lines));
		expect(rest).toEqual({ path: name, events: ['modified', 'attrib'] });
		expect(new Date(time).toISOString()).toBe(time);
		expect(Date.parse(time)).toBeGreaterThanOrEqual(before);
	});

	it('comes for the events that are asked for, and those that come unasked', async () => {
		const lines = start('--events', 'modified', name);
		expect(await ready(lines)).toBe(`modified\t${name}`);
		unlinkSync(name);
		expect(await line(lines, /deleted/)).toBe(`deleted\t${name}`);
	});

	it('is about a link itself with --nofollow', async () => {
		const link = path.join(folder, 'link');
		const make = () => {
			rmSync(link, { force: true });
			symlinkSync('nowhere', link);
		};
		make();
		const lines = start('--nofollow', 'link');
		expect(await ready(lines, make)).toBe('deleted\tlink');
	});
});

describe('it ends', () => {
	it.each(['SIGINT', 'SIGTERM'] as const)('by %s with 0', async (signal) => {
		const lines = start(name);
		await ready(lines);
		child.kill(signal);
		expect(await outcome).toMatchObject({ code: 0, signal: null, stderr: '' });
	});

	it('with 0 when nobody reads any more', async () => {
		const lines = start(name);
		await ready(lines);
		child.stdout?.destroy();
		const feeding = setInterval(() => appendFileSync(name, 'x'), 20);
		const [code] = await once(child, 'exit');
		clearInterval(feeding);
		expect(code).toBe(0);
	});

	it.each<[string[], number, RegExp]>([
		[['/no/such'], 1, /^event-ports: ENOENT: .*'\/no\/such'$/m],
		[['.', '/no/such'], 1, /ENOENT/],
		[['/proc/self/status'], 1, /ENOTSUP: this file system tells nobody of changes/],
		[[], 2, /at least one path/],
		[['.', '--events', 'deleted'], 2, /--events takes modified/],
		[['.', '--events', 'toString'], 2, /--events takes/],
		[['.', '--no-such'], 2, /--no-such/],
	])('%j with %i', async (args, code, message) => {
		start(...args);
		const { stderr, ...rest } = await outcome;
		expect(rest).toEqual({ code, signal: null, stdout: '' });
		expect(stderr).toMatch(message);
		expect(stderr).not.toMatch(/^ +at /m);
	});

	it('--help tells all options', async () => {
		start('--help');
		const { code, stdout } = await outcome;
		expect(code).toBe(0);
		expect(stdout).toMatch(/^Usage: event-ports watch PATH/);
	});

	it('says that its output could not be written', async () => {
		const full = openSync('/dev/full', 'w');
		child = spawn(process.execPath, [CLI, 'watch', name], {
			cwd: folder,
			stdio: ['ignore', full, 'pipe'],
		});
		closeSync(full);
		outcome = outcomeOf(child);
		const asking = setInterval(() => appendFileSync(name, 'x'), 20);
		const { code, stderr } = await outcome;
		clearInterval(asking);
		expect(stderr).toContain('ENOSPC');
		expect(code).toBe(1);
	});
});
