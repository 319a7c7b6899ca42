// watch(): one file or directory continuously, whatever becomes of it and however slow the reader.

import { execFileSync, spawn } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import {
	appendFileSync,
	chmodSync,
	existsSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	unlinkSync,
	writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { FILE_ATTRIB, FILE_MODIFIED, FILE_NOFOLLOW, FileObject, watch } from 'event-ports';
import { describe, expect, it } from 'vitest';
import { folder, freshFolder, name, names, next, silent } from './support/watching.js';
import { openDescriptors, outcomeOf, PACKAGE, runProgram, turn, until } from './support.js';

freshFolder();

describe('watch', () => {
	it('tells each change, again and again', async () => {
		const watching = watch(name);
		for (let i = 0; i < 5; i++) {
			const event = next(watching);
			appendFileSync(name, 'x');
			expect(await event).toMatchObject({ source: 'file', path: name, modified: true });
		}
		chmodSync(name, 0o600);
		expect(await names(watching)).toBe('attrib');
		expect(await silent(watching)).toBe(true);
	});

	it.each(['dir/', 'dir/.', 'dir/../file'])(
		'waits for %s while a file is where its directory was',
		async (tail) => {
			const dir = path.join(folder, 'dir');
			const { stdout, stderr } = await runProgram(`
			import fs from 'node:fs';
			fs.mkdirSync('${dir}');
			const watching = evp.watch('${folder}/${tail}');
			const told = [];
			const tell = async () => told.push((await watching.next()).value.names.join('+'));
			const end = tell();
			fs.rmdirSync('${dir}');
			fs.writeFileSync('${dir}', '');
			await end;
			if (!told[0].includes('delete')) await tell();
			const back = tell();
			fs.unlinkSync('${dir}');
			fs.mkdirSync('${dir}');
			await back;
			console.log(told.at(-1), fs.existsSync('${folder}/${tail}'));
			await watching.return();
		`);
			expect(stderr).toBe('');
			expect(stdout).toBe('modified+attrib true\n');
		},
	);

	it('misses nothing that happens while an event is handled, without a pause or with one', async () => {
		const watching = watch(name);
		for (let i = 1; i <= 200; i++) {
			writeFileSync(name, String(i));
			let seen = '';
			// The reader looks after each event; the last state must be told by some event.
			while (seen !== String(i)) {
				await next(watching);
				seen = readFileSync(name, 'utf8');
				if (i % 3 === 0) await turn();
			}
		}
		await watching.return?.();
	});

	it('a change made between two events in the same tick of the clock is told', async () => {
		const watching = watch(name);
		for (let i = 0; i < 100; i++) {
			appendFileSync(name, 'a');
			await next(watching);
			appendFileSync(name, 'b'); // at once: the stamp may be the same
			await next(watching);
		}
		expect(await silent(watching)).toBe(true);
	});

	it('tells only what is asked for, and what comes unasked', async () => {
		const watching = watch(name, { events: FILE_ATTRIB });
		chmodSync(name, 0o600);
		expect(await names(watching)).toBe('attrib');
		unlinkSync(name);
		expect(await names(watching)).toBe('deleted');
		await watching.return?.();
	});

	it('tells entries of a directory', async () => {
		const watching = watch(folder);
		writeFileSync(path.join(folder, 'new'), '');
		expect((await next(watching)).modified).toBe(true);
		appendFileSync(name, 'content is not the directory');
		expect(await silent(watching)).toBe(true);
	});

	it('a symbolic link itself, with FILE_NOFOLLOW', async () => {
		const link = path.join(folder, 'link');
		symlinkSync('file', link);
		const watching = watch(link, { events: FILE_MODIFIED | FILE_NOFOLLOW });
		appendFileSync(name, 'x');
		unlinkSync(link);
		expect(await names(watching)).toBe('deleted');
		await watching.return?.();
	});

	it('serves many readers of one file, each at its own pace', async () => {
		const watchers = Array.from({ length: 10 }, () => watch(name));
		appendFileSync(name, 'x');
		for (const watching of watchers) expect((await next(watching)).modified).toBe(true);
		for (const watching of watchers) await watching.return?.();
	});

	it('of a relative name means the directory of that moment', async () => {
		const watching = watch(path.relative(process.cwd(), name));
		appendFileSync(name, 'x');
		expect(path.normalize((await next(watching)).path)).toBe(name);
		await watching.return?.();
	});
});

describe('a file that', () => {
	it('is replaced is told so, then what has the name now', async () => {
		const watching = watch(name);
		for (let i = 0; i < 3; i++) {
			writeFileSync(`${name}.new`, `version ${i}`);
			renameSync(`${name}.new`, name);
			expect(await names(watching)).toBe('renamedTo');
			expect(await names(watching)).toBe('modified,attrib');
			appendFileSync(name, '!');
			expect((await next(watching)).modified).toBe(true);
		}
		expect(await silent(watching)).toBe(true);
	});

	it('is removed comes back', async () => {
		const watching = watch(name);
		for (let i = 0; i < 3; i++) {
			unlinkSync(name);
			expect(await names(watching)).toBe('deleted');
			const event = next(watching);
			writeFileSync(path.join(folder, `other${i}`), '');
			await turn();
			writeFileSync(name, 'again');
			expect((await event).names.join()).toBe('modified,attrib');
		}
		await watching.return?.();
	});

	it('goes with its directories comes back with them', async () => {
		const deep = path.join(folder, 'a/b/c');
		mkdirSync(deep, { recursive: true });
		const file = path.join(deep, 'file');
		writeFileSync(file, '');
		const watching = watch(file);
		for (let i = 0; i < 3; i++) {
			rmSync(path.join(folder, 'a'), { recursive: true });
			expect(await names(watching)).toBe('deleted');
			const event = next(watching);
			await turn();
			mkdirSync(path.join(folder, 'a'));
			await turn();
			mkdirSync(deep, { recursive: true });
			writeFileSync(file, '');
			expect((await event).modified).toBe(true);
			while (!existsSync(file)) await turn();
		}
		await watching.return?.();
	});

	it('goes with its directory for another is told what is in that one, and no more of the former', async () => {
		const current = path.join(folder, 'current');
		const make = (directory: string, text: string) => {
			mkdirSync(directory);
			for (let i = 0; i < 100; i++) writeFileSync(path.join(directory, `${i}`), text);
		};
		make(current, 'old');
		make(path.join(folder, 'next'), 'new');
		const watching = Array.from({ length: 100 }, (_, i) => watch(path.join(current, `${i}`)));
		const told = watching.map(async (each) => {
			const seen: string[] = [];
			while (!seen.includes('new')) {
				const event = await next(each);
				seen.push(event.names.join(), readFileSync(event.path, 'utf8'));
			}
			return seen.join();
		});
		renameSync(current, path.join(folder, 'former'));
		renameSync(path.join(folder, 'next'), current);
		rmSync(path.join(folder, 'former'), { recursive: true }); // their exceptions are queued, too
		expect(new Set(await Promise.all(told))).toEqual(new Set(['modified,attrib,new']));
		for (const each of watching) expect(await silent(each)).toBe(true);
	});

	it('and its sibling go with their directories, then with the one of those', async () => {
		const [outer, inner] = [path.join(folder, 'outer'), path.join(folder, 'outer/inner')];
		const files = ['a', 'b'].map((each) => path.join(inner, each));
		const make = (text: string) => {
			mkdirSync(inner, { recursive: true });
			for (const file of files) writeFileSync(file, text);
		};
		make('');
		const watching = files.map((file) => watch(file));
		for (const [i, gone] of [outer, inner].entries()) {
			const told = watching.map(async (each) => {
				let event = await next(each);
				while (event.deleted) event = await next(each);
				return readFileSync(event.path, 'utf8');
			});
			renameSync(gone, path.join(folder, `away${i}`));
			make(`${i}`);
			expect(await Promise.all(told)).toEqual([`${i}`, `${i}`]);
		}
		for (const each of watching) expect(await silent(each)).toBe(true);
	});

	it('is written and then gone before its event is handled is told so', async () => {
		for (const away of [() => unlinkSync(name), () => renameSync(name, `${name}.old`)]) {
			writeFileSync(name, '0');
			const watching = watch(name);
			const first = names(watching);
			appendFileSync(name, 'x');
			away();
			expect(await first).not.toBe('');
			if (!(await first).includes('deleted')) expect(await names(watching)).toBe('deleted');
			expect(await silent(watching)).toBe(true);
		}
		// And while it is handled.
		writeFileSync(name, '0');
		const watching = watch(name);
		const first = names(watching);
		appendFileSync(name, 'x');
		await first;
		unlinkSync(name);
		expect(await names(watching)).toBe('deleted');
		await watching.return?.();
	});

	it('is renamed away is told so, and is no longer the one', async () => {
		const watching = watch(name);
		renameSync(name, `${name}2`);
		expect(await names(watching)).toBe('renamedFrom');
		appendFileSync(`${name}2`, 'x');
		expect(await silent(watching)).toBe(true);
	});
});

describe('the end', () => {
	it('by break, return, dispose and abort leaves nothing open', async () => {
		const before = openDescriptors().length;
		const round = async () => {
			const first = watch(name);
			appendFileSync(name, 'x');
			for await (const event of first) if (event.modified) break;
			expect(await first.next()).toEqual({ done: true, value: undefined });
			const waiting = watch(name);
			const asked = waiting.next();
			await waiting.return?.();
			expect(await asked).toEqual({ done: true, value: undefined });
			await watch(name)[Symbol.asyncDispose]();
			const thrown = watch(name);
			await expect(thrown.throw?.(new Error('enough'))).rejects.toThrow('enough');
			expect(await thrown.next()).toEqual({ done: true, value: undefined });
		};
		await round();
		const after = openDescriptors().length;
		for (let i = 0; i < 20; i++) await round();
		expect(openDescriptors().length).toBe(after);
		expect(after).toBeLessThan(before + 8); // the thread's poller, and the process's inotify
	});

	it('one that can not be told ends alone', async () => {
		const other = path.join(folder, 'other');
		writeFileSync(other, '0');
		const [one, two] = [watch(name), watch(other)];
		const asked = [next(one), next(two)];
		const { refresh } = FileObject.prototype;
		FileObject.prototype.refresh = function (options) {
			if (this.path === name) throw new Error('no look');
			return refresh.call(this, options);
		};
		try {
			appendFileSync(name, 'x');
			await expect(asked[0]).rejects.toThrow('no look');
			appendFileSync(other, 'x');
			expect((await asked[1])?.path).toBe(other);
		} finally {
			FileObject.prototype.refresh = refresh;
			await two.return?.();
		}
		expect((await one.next()).done).toBe(true);
	});

	it('a signal rejects who waits, else the next one who asks, with its reason', async () => {
		const one = new AbortController();
		const waiting = watch(name, { signal: one.signal }).next();
		one.abort(new Error('enough'));
		await expect(waiting).rejects.toThrow('enough');

		const two = new AbortController();
		const watching = watch(name, { signal: two.signal });
		appendFileSync(name, 'x');
		for (let i = 0; i < 5; i++) await turn();
		two.abort(new Error('enough'));
		expect((await next(watching)).modified).toBe(true); // what had come is not lost
		await expect(watching.next()).rejects.toThrow('enough');
		expect(await watching.next()).toEqual({ done: true, value: undefined });
		expect(() => watch(name, { signal: AbortSignal.abort(new Error('before')) })).toThrow('before');
	});

	it('waiting keeps the process alive, having ended does not', async () => {
		const child = runProgram(`
			const watching = evp.watch(${JSON.stringify(name)});
			console.log('ready');
			for await (const event of watching) break;
			console.log('end');`);
		const feeder = setInterval(() => appendFileSync(name, 'x'), 50);
		expect(await child).toEqual({ code: 0, signal: null, stdout: 'ready\nend\n', stderr: '' });
		clearInterval(feeder);
	});

	it('in a worker that is terminated, and by process.exit', async () => {
		const outcome = await runProgram(`
			const source = 'const { watch } = await import(' + ${JSON.stringify(JSON.stringify(new URL('../../dist/index.mjs', import.meta.url).href))} + ');' +
				"const { parentPort, workerData } = await import('node:worker_threads'); parentPort.postMessage(0); for await (const e of watch(workerData));";
			for (let i = 0; i < 3; i++) {
				const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)), { workerData: ${JSON.stringify(name)} });
				await new Promise((resolve) => worker.once('message', resolve));
				await worker.terminate();
			}
			evp.watch(${JSON.stringify(name)}).next();
			console.log('end');
			process.exit(0);`);
		expect(outcome).toEqual({ code: 0, signal: null, stdout: 'end\n', stderr: '' });
	});
});

describe('mistakes', () => {
	it.each<[string, () => unknown, string]>([
		['a missing file', () => watch('/no/such/file'), 'ENOENT'],
		['an empty name', () => watch(''), 'ENOENT'],
		['a file of proc', () => watch('/proc/self/status'), 'ENOTSUP'],
		['events that come unasked', () => watch('/tmp', { events: 0x10 }), 'EINVAL'],
		['no name', () => watch(undefined as never), 'ERR_INVALID_ARG_TYPE'],
		['a null byte', () => watch('a\0'), 'ERR_INVALID_ARG_VALUE'],
		['no options', () => watch('/tmp', null as never), 'ERR_INVALID_ARG_TYPE'],
		['no signal', () => watch('/tmp', { signal: {} as never }), 'ERR_INVALID_ARG_TYPE'],
		['no events', () => watch('/tmp', { events: 0.5 }), 'ERR_OUT_OF_RANGE'],
	])('%s is told at once', (_name, call, code) => {
		const fds = openDescriptors().length;
		expect(call).toThrow(expect.objectContaining({ code }));
		expect(openDescriptors().length).toBeLessThanOrEqual(fds + 8);
	});
});

it('that was refused for want of descriptors keeps nothing alive', async () => {
	const outcome = await runProgram(`
		import { closeSync, openSync } from 'node:fs';
		const held = [];
		try { for (;;) held.push(openSync('/dev/null')); } catch {}
		let code; try { evp.watch('/'); } catch (error) { ({ code } = error); }
		held.forEach(closeSync);
		await evp.watch('/').return();
		console.log(code);
	`);
	expect(outcome).toMatchObject({ code: 0, stdout: 'EMFILE\n', stderr: '' });
});

it('works under a limit of file sizes that any port fits in', () => {
	const script = `ulimit -f 100000; exec "$0" -e "$1" "$2"`;
	const program = `require(process.argv[1]).watch('/').return(); console.log('watched')`;
	const args = ['-ec', script, process.execPath, program, fileURLToPath(PACKAGE)];
	expect(execFileSync('sh', args, { encoding: 'utf8' })).toBe('watched\n');
});

it('under another process that changes faster than is read, the last state is always told', async () => {
	const FILES = 30;
	const ROUNDS = 100;
	const files = Array.from({ length: FILES }, (_, i) => path.join(folder, `f${i}`));
	for (const file of files) writeFileSync(file, '');
	const seen = new Map<string, string>();
	const stop = new AbortController();
	setMaxListeners(FILES, stop.signal);
	const readers = files.map(async (file) => {
		for await (const event of watch(file, { signal: stop.signal })) {
			if (event.path === file && existsSync(file)) seen.set(file, readFileSync(file, 'utf8'));
		}
	});
	const child = spawn(
		process.execPath,
		[
			'-e',
			`const fs = require('node:fs');
			for (let round = 1; round <= ${ROUNDS}; round++) for (let i = 0; i < ${FILES}; i++) {
				const file = process.argv[1] + '/f' + i;
				if ((round + i) % 5) fs.writeFileSync(file, String(round));
				else { fs.writeFileSync(file + '.new', String(round)); fs.renameSync(file + '.new', file); }
			}`,
			folder,
		],
		{ stdio: ['ignore', 'pipe', 'pipe'] },
	);
	expect(await outcomeOf(child)).toMatchObject({ code: 0, stderr: '' });
	await until(() => files.every((file) => seen.get(file) === String(ROUNDS)));
	stop.abort();
	expect((await Promise.allSettled(readers)).every(({ status }) => status === 'rejected')).toBe(
		true,
	);
});
