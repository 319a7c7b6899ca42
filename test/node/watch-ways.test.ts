// watch() and the way to a name: directories that are renamed, symbolic links that lead elsewhere.

import fs, {
	appendFileSync,
	existsSync,
	mkdirSync,
	readFileSync,
	renameSync,
	symlinkSync,
	unlinkSync,
	writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { watch } from 'event-ports';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
	folder,
	freshFolder,
	name,
	names,
	next,
	silent,
	type Watching,
} from './support/watching.js';
import { turn } from './support.js';

freshFolder();

describe('a name whose directories are renamed', () => {
	it.each([
		['the last', 'a/current', 'a/next'],
		['one above', 'current', 'next'],
	])('%s: tells what has the name then, or that it is gone', async (_what, current, other) => {
		const at = (...parts: string[]) => path.join(folder, ...parts);
		const below = current === 'current' ? 'a/file' : 'file';
		for (const each of [current, other]) {
			mkdirSync(path.dirname(at(each, below)), { recursive: true });
			writeFileSync(at(each, below), each);
		}
		const name = at(current, below);
		const watching = watch(name);
		let event = names(watching);
		renameSync(at(current), at('old'));
		renameSync(at(other), at(current));
		expect(await event).toContain('modified');
		expect(readFileSync(name, 'utf8')).toBe(other);
		event = names(watching);
		appendFileSync(name, 'more');
		expect(await event).toContain('modified');
		event = names(watching);
		renameSync(at(current), at('away'));
		expect(await event).toBe('deleted');
		event = names(watching);
		renameSync(at('old'), at(current));
		expect(await event).toContain('modified');
		await watching.return?.();
	});
});

describe('a name that leads through symbolic links', () => {
	const at = (leaf: string) => path.join(folder, leaf);
	/** Puts a link where another may be, as one does: by renaming it there. */
	const lead = (leaf: string, target: string) => {
		symlinkSync(target, at('new'));
		renameSync(at('new'), at(leaf));
	};
	/** Reads until the name's content was told of. */
	async function toldOf(watching: Watching, content: string): Promise<string[]> {
		const seen: string[] = [];
		do seen.push(...(await next(watching)).names);
		while (!existsSync(at('app')) || readFileSync(at('app'), 'utf8') !== content);
		return seen;
	}

	beforeEach(() => {
		for (const version of ['v1', 'v2']) {
			mkdirSync(at(version));
			writeFileSync(path.join(at(version), 'app'), version);
		}
		lead('data', 'v1');
		lead('app', 'data/app');
	});

	it('tells what a link in the middle leads to, again and again', async () => {
		const watching = watch(at('app'));
		for (const version of ['v2', 'v1', 'v2']) {
			const told = toldOf(watching, version);
			lead('data', version);
			expect(await told).toEqual(['modified', 'attrib']);
		}
		const told = next(watching);
		appendFileSync(path.join(at('v2'), 'app'), '!');
		expect(await told).toMatchObject({ path: at('app'), modified: true });
		lead('data', 'v1');
		expect((await next(watching)).modified).toBe(true); // also if nobody had asked
		expect(await silent(watching)).toBe(true);
	});

	it('tells what has the name in place of a link', async () => {
		const watching = watch(at('app'));
		lead('app', 'v2/app');
		expect(await toldOf(watching, 'v2')).toEqual(['modified', 'attrib']);
		renameSync(path.join(at('v1'), 'app'), at('app'));
		expect(await toldOf(watching, 'v1')).toEqual(['modified', 'attrib']);
		lead('app', 'data/app');
		expect(await names(watching)).toBe('renamedTo');
		await watching.return?.();
	});

	it('is told of also where a file became one before its event was told', async () => {
		const targets = ['one', 'two'].map((each) => path.join(folder, each));
		for (const target of targets) writeFileSync(target, path.basename(target));
		const link = (to: string) => {
			symlinkSync(to, `${name}.new`);
			renameSync(`${name}.new`, name);
		};
		const watching = watch(name);
		const told = next(watching);
		appendFileSync(name, 'x');
		link('one');
		const read = async (text: string) => {
			for (let seen = ''; seen !== text; seen = readFileSync(name, 'utf8')) await next(watching);
		};
		await told;
		if (readFileSync(name, 'utf8') !== 'one') await read('one');
		for (const to of ['two', 'one']) {
			link(to);
			await read(to);
		}
		appendFileSync(targets[0] as string, '!');
		await read('one!');
		await watching.return?.();
	});

	it('is told of also where a file became one while the watch began', async () => {
		for (const each of ['one', 'two']) writeFileSync(path.join(folder, each), each);
		const { lstatSync } = fs;
		const link = (to: string) => {
			symlinkSync(to, `${name}.new`);
			renameSync(`${name}.new`, name);
		};
		let looks = 0;
		const spy = vi.spyOn(fs, 'lstatSync').mockImplementation(((of: string, ...rest: []) => {
			const seen = lstatSync(of, ...rest);
			if (of === name && ++looks === 2) link('one'); // the last before it is associated
			return seen;
		}) as typeof lstatSync);
		const watching = watch(name);
		spy.mockRestore();
		expect(await names(watching)).toBe('modified,attrib');
		link('two');
		expect(await names(watching)).toBe('modified,attrib');
		await watching.return?.();
	});

	it('tells that it leads nowhere, and what comes there', async () => {
		const watching = watch(at('app'));
		const gone = names(watching);
		lead('data', 'v3');
		expect(await gone).toBe('deleted');
		const back = toldOf(watching, 'v3');
		mkdirSync(at('v3'));
		await turn();
		writeFileSync(path.join(at('v3'), 'app'), 'v3');
		expect((await back).at(-1)).toBe('attrib');
		unlinkSync(at('app'));
		expect(await names(watching)).toBe('deleted');
		writeFileSync(at('app'), 'plain');
		expect((await toldOf(watching, 'plain')).slice(0, 2)).toEqual(['modified', 'attrib']);
		await watching.return?.();
	});

	it('a link that leads to itself is an error at once', () => {
		lead('loop', 'loop');
		expect(() => watch(at('loop'))).toThrow(expect.objectContaining({ code: 'ELOOP' }));
	});
});
