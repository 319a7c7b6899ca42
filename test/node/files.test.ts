import {
	appendFileSync,
	chmodSync,
	existsSync,
	linkSync,
	renameSync,
	statSync,
	symlinkSync,
	unlinkSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import {
	EventView,
	FILE_ACCESS,
	FILE_ATTRIB,
	FILE_DELETE,
	FILE_EXCEPTION,
	FILE_MODIFIED,
	FILE_NOFOLLOW,
	FILE_RENAME_FROM,
	FILE_RENAME_TO,
	FILE_TRUNC,
	FileEvent,
	FileObject,
	ForeignCookie,
	MOUNTEDOVER,
	Source,
	UNMOUNTED,
} from 'event-ports';
import { describe, expect, it } from 'vitest';
import { errorOf, folder, name, next, port, watchedFile } from './support/watched-file.js';
import { message, openDescriptors, PACKAGE, runProgram, startWorker, until } from './support.js';

const ORDINARY = FILE_ACCESS | FILE_MODIFIED | FILE_ATTRIB | FILE_TRUNC;

watchedFile();

describe('an association', () => {
	it('gives one event, then none until it is made again', () => {
		const file = new FileObject(name);
		const user = { config: 1 };
		port.associateFile(file, FILE_MODIFIED, user);
		expect(next()).toBeNull();
		appendFileSync(name, 'more');
		const event = next();
		expect(event).toBeInstanceOf(FileEvent);
		expect(event).toMatchObject({ source: 'file', path: name, events: FILE_MODIFIED });
		expect(event?.file).toBe(file);
		expect(event?.user).toBe(user);
		appendFileSync(name, 'unseen');
		expect(next()).toBeNull();
		port.associateFile(file, FILE_MODIFIED, 'again');
		expect(next()).toBeNull();
		appendFileSync(name, 'seen');
		expect(next()?.user).toBe('again');
	});

	it('made again replaces events and value, and drops a queued event', () => {
		const file = new FileObject(name);
		port.associateFile(file, FILE_MODIFIED, { first: 1 });
		appendFileSync(name, 'x');
		expect(port.count()).toBe(1);
		port.associateFile(file, FILE_ATTRIB, 'second');
		expect(port.count()).toBe(0);
		chmodSync(name, 0o600);
		expect(next()).toMatchObject({ events: FILE_ATTRIB, user: 'second' });
		expect(port.stats().slots).toBe(1);
	});

	it('made again over a queued exception takes nothing from it, and nothing of the new one', () => {
		for (const call of ['associateFile', 'watchFile'] as const) {
			for (const values of [
				['first', 'second', 'third'],
				[1, 2, 3],
				[undefined, { a: 1 }, true],
			]) {
				const file = new FileObject(name);
				const [first, second, third] = values;
				port[call](file, FILE_MODIFIED, first);
				unlinkSync(name);
				writeFileSync(name, '1');
				expect(port.count()).toBe(1); // the kernel has told of it
				file.path = path.join(folder, '.', 'file');
				port[call](file, FILE_MODIFIED, second);
				unlinkSync(name); // told while the next is made
				writeFileSync(name, '2');
				file.path = `${folder}//file`;
				port[call](file, FILE_MODIFIED, third);
				appendFileSync(name, '3');
				const seen = [next(), next(), next()];
				expect(seen.map((event) => event?.user)).toEqual(values);
				expect(seen.map((event) => event?.names.join())).toEqual([
					'deleted',
					'deleted',
					'modified',
				]);
				for (const event of seen) expect(event?.file).toBe(file);
				expect(seen[2]?.path).toBe(`${folder}//file`);
				expect(next()).toBeNull();
				if (call === 'watchFile') port.dissociateFile(file);
			}
		}
	});

	it('dissociated after an exception was queued, and made again, leaves the exception as it was', () => {
		const file = new FileObject(name);
		port.associateFile(file, FILE_MODIFIED, 'first');
		unlinkSync(name);
		writeFileSync(name, '1');
		expect(errorOf(() => port.dissociateFile(file)).code).toBe('ENOENT');
		port.associateFile(file, FILE_MODIFIED, 'second');
		port.dissociateFile(file);
		expect(next()).toMatchObject({ deleted: true, user: 'first', file, path: name });
		expect(next()).toBeNull();
	});

	it('into a view is spent, and of the source that it has', () => {
		const view = new EventView();
		const file = new FileObject(name);
		for (const call of ['associateFile', 'watchFile'] as const) {
			port[call](file, FILE_MODIFIED, 'mine');
			appendFileSync(name, 'x');
			expect(port.take(view)).toBe(1);
			expect([view.source(0), view.user(0)]).toEqual([Source.FILE, 'mine']);
		}
	});

	it('is one of its FileObject: two on one file are two', () => {
		port.associateFile(new FileObject(name), FILE_MODIFIED, 1);
		port.associateFile(new FileObject(name), FILE_MODIFIED, 2);
		appendFileSync(name, 'x');
		expect([next()?.user, next()?.user]).toEqual([1, 2]);
	});

	it('ends by dissociating', () => {
		const file = new FileObject(name);
		port.associateFile(file, FILE_MODIFIED, {});
		appendFileSync(name, 'x');
		port.dissociateFile(file);
		expect(next()).toBeNull();
		expect(port.stats().slots).toBe(0);
		expect(errorOf(() => port.dissociateFile(file))).toMatchObject({
			code: 'ENOENT',
			syscall: 'port_dissociate',
		});
	});

	it('waits on the event loop, with what other processes change', async () => {
		port.associateFile(new FileObject(name), FILE_MODIFIED);
		const event = port.get();
		const outcome = await runProgram(
			`(await import('node:fs')).appendFileSync(${JSON.stringify(name)}, 'more');`,
		);
		expect(outcome.code).toBe(0);
		expect(await event).toMatchObject({ source: 'file', path: name });
	});

	it('of a relative name is of the current directory', () => {
		const file = new FileObject(path.relative(process.cwd(), name));
		port.associateFile(file, FILE_MODIFIED);
		appendFileSync(name, 'x');
		expect(next()?.path).toBe(file.path);
	});
});

describe('time stamps', () => {
	const change = () => appendFileSync(name, 'changed meanwhile');

	it.each<[string, () => FileObject]>([
		['bigint stats', () => new FileObject(name, statSync(name, { bigint: true }))],
		['plain stats', () => new FileObject(name, statSync(name))],
		[
			'one of them',
			() => new FileObject(name, { mtimeNs: statSync(name, { bigint: true }).mtimeNs }),
		],
		[
			'its own look',
			() => {
				const file = new FileObject(name);
				expect(file.refresh()).toBe(true);
				return file;
			},
		],
	])('of %s close the race between stat and associate', (_name, make) => {
		const file = make();
		port.associateFile(file, FILE_MODIFIED);
		expect(next()).toBeNull();
		change();
		expect(next()?.modified).toBe(true);
		change();
		port.associateFile(file, FILE_MODIFIED); // still as of the beginning
		expect(next()?.modified).toBe(true);
		file.setStamps();
		port.associateFile(file, FILE_MODIFIED);
		expect(next()).toBeNull();
	});

	it('are compared each with what is asked for', () => {
		const { atimeNs, ctimeNs } = statSync(name, { bigint: true });
		const file = new FileObject(name, { atimeNs: atimeNs - 1n, mtimeNs: 1n, ctimeNs });
		port.associateFile(file, FILE_ACCESS | FILE_MODIFIED | FILE_ATTRIB);
		expect(next()?.names).toEqual(['modified', 'access']);
		port.associateFile(file, FILE_ATTRIB | FILE_TRUNC);
		expect(next()).toBeNull();
	});

	it('are exact to the nanosecond, also before 1970', () => {
		utimesSync(name, new Date(-1500), new Date(-1500));
		const { mtimeNs } = statSync(name, { bigint: true });
		expect(mtimeNs).toBe(-1_500_000_000n);
		port.associateFile(new FileObject(name, { mtimeNs }), FILE_MODIFIED);
		port.associateFile(new FileObject(name, statSync(name)), FILE_MODIFIED);
		expect(next()).toBeNull();
		port.associateFile(new FileObject(name, { mtimeNs: mtimeNs + 1n }), FILE_MODIFIED);
		expect(next()?.modified).toBe(true);
	});

	it('survive a cookie table that grows', () => {
		const file = new FileObject(name, { mtimeNs: 1n });
		for (let i = 0; i < 100; i++) {
			const keep = new FileObject(name);
			port.associateFile(keep, FILE_MODIFIED, { i });
			port.associateFile(file, FILE_MODIFIED, { i });
			expect(next()).toMatchObject({ user: { i } });
		}
	});

	it('of a missing file are none', () => {
		const file = new FileObject(path.join(folder, 'missing'));
		expect(file.refresh()).toBe(false);
	});
});

describe('exceptions', () => {
	it.each<[string, number, () => void]>([
		['deleted', FILE_DELETE, () => unlinkSync(name)],
		['renamedFrom', FILE_RENAME_FROM, () => renameSync(name, `${name}2`)],
		[
			'renamedTo',
			FILE_RENAME_TO,
			() => {
				writeFileSync(`${name}2`, '');
				renameSync(`${name}2`, name);
			},
		],
	])('%s comes unasked and ends the association', (bit, events, act) => {
		const file = new FileObject(name);
		port.associateFile(file, 0, {});
		act();
		const event = next() as FileEvent;
		expect(event).toMatchObject({ events, exception: true, [bit]: true, names: [bit] });
		expect(event.file).toBe(file);
		expect(port.stats().slots).toBe(0);
		if (existsSync(name)) port.associateFile(file, FILE_MODIFIED);
		else expect(errorOf(() => port.associateFile(file, FILE_MODIFIED)).code).toBe('ENOENT');
	});

	it('tell a hard link from the name', () => {
		linkSync(name, `${name}2`);
		port.associateFile(new FileObject(name), FILE_ATTRIB);
		unlinkSync(`${name}2`);
		expect(next()?.names).toEqual(['attrib']);
	});
});

describe('links', () => {
	it('are followed, or watched themselves', () => {
		const link = path.join(folder, 'link');
		symlinkSync('file', link);
		port.associateFile(new FileObject(link), FILE_MODIFIED, 'target');
		port.associateFile(new FileObject(link), FILE_NOFOLLOW, 'link');
		appendFileSync(name, 'x');
		expect(next()).toMatchObject({ user: 'target', path: link });
		unlinkSync(link);
		expect(next()).toMatchObject({ user: 'link', events: FILE_DELETE });
	});
});

describe('an event', () => {
	it('names its bits', () => {
		const all = ORDINARY | FILE_EXCEPTION;
		expect(new FileEvent(undefined, all, 0).names).toEqual([
			'modified',
			'attrib',
			'access',
			'trunc',
			'deleted',
			'renamedFrom',
			'renamedTo',
			'unmounted',
			'mountedOver',
		]);
		const one = (bits: number) => new FileEvent(undefined, bits, 0);
		expect(one(UNMOUNTED)).toMatchObject({ unmounted: true, mountedOver: false, exception: true });
		expect(one(MOUNTEDOVER)).toMatchObject({ mountedOver: true, exception: true });
		expect(one(FILE_TRUNC)).toMatchObject({ trunc: true, modified: false, exception: false });
		expect(one(FILE_ACCESS)).toMatchObject({ access: true, attrib: false, path: '' });
		const file = new FileObject('/etc/hosts');
		expect(inspect(new FileEvent(file, FILE_MODIFIED | FILE_ATTRIB, 7))).toBe(
			"FileEvent { path: '/etc/hosts', events: modified|attrib, user: 7 }",
		);
	});
});

describe('threads', () => {
	it('a worker retrieves what another thread associated: bits, no object', async () => {
		const worker = startWorker(
			`const port = Port.attach(workerData.fd);
			const seen = [port.getSync(), port.getSync()].map(({ file, path, names, user }) => [file, path, names, user instanceof evp.ForeignCookie || user]);
			parentPort.postMessage(seen);`,
			{ workerData: { fd: port.fd } },
		);
		const answer = message(worker);
		await until(() => port.stats().waiters === 1);
		const file = new FileObject(name);
		port.associateFile(file, FILE_MODIFIED, 7);
		appendFileSync(name, 'x');
		await until(() => port.stats().delivered.file === 1);
		port.associateFile(file, FILE_MODIFIED, { mine: true });
		appendFileSync(name, 'x');
		expect(await answer).toEqual([
			[undefined, '', ['modified'], 7],
			[undefined, '', ['modified'], true],
		]);
		expect(ForeignCookie).toBeDefined();
		await worker.terminate();
	});

	it('each has FileObjects of its own', async () => {
		const source = `const port = new Port(); const file = new evp.FileObject(workerData);
			port.associateFile(file, evp.FILE_MODIFIED); parentPort.postMessage(0);
			const event = await port.get(); port.close();
			parentPort.postMessage([event.file === file, event.path, event.names.join()]);`;
		const workers = [0, 1, 2].map(() => startWorker(source, { workerData: name }));
		await Promise.all(workers.map((worker) => message(worker)));
		const answers = Promise.all(workers.map((worker) => message(worker)));
		appendFileSync(name, 'x');
		expect(await answers).toEqual(Array(3).fill([true, name, 'modified']));
	});
});

describe('the end', () => {
	const clean = { code: 0, signal: null, stderr: '', stdout: 'end\n' };
	const armed = (file: string) => `const fs = await import('node:fs');
		const file = new evp.FileObject(${JSON.stringify(file)});
		const port = new Port();
		port.associateFile(file, evp.FILE_MODIFIED, { port, file });\n`;

	it('process.exit, an idle end, and a terminated worker with files associated', async () => {
		const exit = `${armed(name)} port.get(); fs.appendFileSync(file.path, 'x'); console.log('end'); process.exit(0);`;
		expect(await runProgram(exit)).toEqual(clean);
		expect(await runProgram(`${armed(name)} console.log('end');`)).toEqual(clean);
		const fds = openDescriptors().length;
		for (let round = 0; round < 3; round++) {
			const worker = startWorker(`${armed(name)} parentPort.postMessage(0);
				for (;;) { port.getSync(); port.associateFile(file, evp.FILE_MODIFIED, {}); }`);
			await message(worker);
			appendFileSync(name, 'x');
			await worker.terminate();
		}
		// The one of inotify stays, for whoever comes next.
		expect(openDescriptors().length).toBeLessThanOrEqual(fds + 12);
		port.associateFile(new FileObject(name), FILE_MODIFIED);
		appendFileSync(name, 'x');
		expect(next()?.modified).toBe(true);
	});

	it('a port that nobody can reach is collected, with its files and values', async () => {
		const outcome = await runProgram(
			`const turn = () => new Promise((resolve) => setImmediate(resolve));
			const values = [];
			const make = async () => { ${armed(name)} const value = {}; port.associateFile(new evp.FileObject(file.path), 0, value); values.push(new WeakRef(value)); };
			for (let i = 0; i < 5; i++) await make();
			for (let i = 0; i < 20; i++) { await turn(); gc(); }
			const last = new Port();
			console.log(values.every((ref) => ref.deref() === undefined) && last.stats().ports === 1 ? 'end' : last.stats().ports);`,
			['--expose-gc'],
		);
		expect(outcome).toEqual(clean);
	});

	it('what another thread retrieved is forgotten by dissociateFile', async () => {
		const outcome = await runProgram(
			`${armed(name)} port.dissociateFile(file);
			const source = \`
				import { parentPort, workerData } from 'node:worker_threads';
				const { Port } = await import(workerData.package);
				const port = Port.attach(workerData.fd);
				while (port.getSync().source !== 'alert');
				parentPort.postMessage(0);
			\`;
			const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)), {
				workerData: { fd: port.fd, package: ${JSON.stringify(PACKAGE)} },
			});
			const turn = () => new Promise((resolve) => setImmediate(resolve));
			const values = [];
			const round = async (i) => {
				const { delivered } = port.stats();
				const other = new evp.FileObject(file.path);
				const value = { i };
				values.push(new WeakRef(value));
				port.associateFile(other, evp.FILE_MODIFIED, value);
				fs.appendFileSync(file.path, 'x');
				while (port.stats().delivered.file === delivered.file) await turn();
				port.send(1); // the queue is not empty, mostly
				try { port.dissociateFile(other); } catch (error) { if (error.code !== 'ENOENT') throw error; }
			};
			for (let i = 0; i < 50; i++) await round(i);
			port.alert(1);
			await new Promise((resolve) => worker.once('message', resolve));
			for (let i = 0; i < 20; i++) { await turn(); gc(); }
			const held = values.filter((ref) => ref.deref()).length;
			console.log(held < 3 ? 'end' : held);`,
			['--expose-gc'],
		);
		expect(outcome).toEqual(clean);
	});

	it('leaves nothing after ten thousand rounds', async () => {
		const outcome = await runProgram(
			`${armed(name)}
			const values = [];
			for (let i = 0; i < 10_000; i++) {
				const other = new evp.FileObject(file.path);
				const value = { i };
				values.push(new WeakRef(value));
				port.associateFile(other, evp.FILE_MODIFIED, value);
				if (i % 2) { fs.utimesSync(file.path, i, i); while (port.getSync({ timeout: 0 })); }
				try { port.dissociateFile(other); } catch (error) { if (error.code !== 'ENOENT') throw error; }
			}
			await new Promise((resolve) => setImmediate(resolve));
			gc();
			const held = values.filter((ref) => ref.deref()).length;
			console.log(held < 3 && port.stats().slots === 1 ? 'end' : [held, port.stats()]);`,
			['--expose-gc'],
		);
		expect(outcome).toEqual(clean);
	});
});
