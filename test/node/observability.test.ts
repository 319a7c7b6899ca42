// What can be seen of a port from outside: channels, the histogram of waits, the trace, contexts.

import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
	closeFd,
	EventView,
	FILE_MODIFIED,
	FileObject,
	Port,
	type PortDiagnostics,
	type PortError,
	pipe,
	watch,
} from 'event-ports';
import { afterEach, describe, expect, test } from 'vitest';
import { outcomeOf, PACKAGE, runProgram, until } from './support.js';

type Name = keyof PortDiagnostics;
const NAMES: Name[] = [
	'event-ports:port:open',
	'event-ports:port:close',
	'event-ports:wait:start',
	'event-ports:wait:end',
	'event-ports:event',
	'event-ports:error',
];
const undo: (() => void)[] = [];
afterEach(() => {
	for (const end of undo.splice(0)) end();
});

/** Collects what the channels tell, by the last words of their names. */
function listen(...names: Name[]): [string, unknown][] {
	const heard: [string, unknown][] = [];
	for (const name of names) {
		const hear = (message: unknown) => heard.push([name.slice('event-ports:'.length), message]);
		diagnostics.subscribe(name, hear);
		undo.push(() => diagnostics.unsubscribe(name, hear));
	}
	return heard;
}

describe('diagnostics_channel', () => {
	test('tells nothing of what goes into a view, of whatever source', async () => {
		const port = new Port();
		const heard = listen('event-ports:event');
		port.send(1);
		port.aio.fsync(0);
		port.associateFile(new FileObject('.', { mtimeNs: 1n }), FILE_MODIFIED);
		const view = new EventView(4);
		let taken = 0;
		await until(() => {
			taken += port.take(view);
			return taken === 3;
		});
		expect(heard).toEqual([]);
		port.close();
	});

	test('tells of a life: open, wait, event, close', async () => {
		const heard = listen(...NAMES);
		const port = new Port<string>();
		const { fd } = port;
		const wait = port.get();
		port.send(7, 'message');
		const event = await wait;
		port.close();
		expect(heard).toEqual([
			['port:open', { fd }],
			['wait:start', { fd, min: 1, max: 1 }],
			['wait:end', { fd, milliseconds: expect.any(Number), count: 1 }],
			['event', { fd, event }],
			['port:close', { fd }],
		]);
	});

	test.each<[string, (port: Port) => Promise<unknown>]>([
		['its timeout', (port) => port.get({ timeout: 1 })],
		[
			'its signal',
			(port) => {
				const abort = new AbortController();
				const wait = port.get({ signal: abort.signal });
				abort.abort();
				return wait;
			},
		],
		[
			'close',
			(port) => {
				const wait = port.get();
				port.close();
				return wait;
			},
		],
		[
			'the end of its iteration',
			(port) => {
				const events = port[Symbol.asyncIterator]();
				const wait = events.next();
				void events.return?.();
				return wait;
			},
		],
	])('a wait that ends by %s got nothing', async (_name, run) => {
		const heard = listen('event-ports:wait:end');
		const port = new Port();
		const { fd } = port;
		await run(port).catch(() => {});
		port.close();
		expect(heard).toEqual([['wait:end', { fd, milliseconds: expect.any(Number), count: 0 }]]);
	});

	test('a failure is told as it is thrown', () => {
		const heard = listen('event-ports:error');
		const port = new Port({ limit: 1 });
		port.send(1);
		let thrown: unknown;
		try {
			port.send(2);
		} catch (error) {
			thrown = error;
		}
		expect((thrown as PortError).code).toBe('EAGAIN');
		expect(heard).toEqual([['error', { fd: port.fd, error: thrown }]]);
		port.close();
	});
});

describe('the histogram of waits', () => {
	test('counts gets that waited and were given events', async () => {
		const port = new Port();
		expect(port.stats().waits).toBeNull();
		const waits = port.monitorWaits();
		expect(port.monitorWaits()).toBe(waits);
		expect(port.stats().waits).toBe(waits);
		port.send(1);
		await port.get(); // at once: no wait
		await port.get({ timeout: 1 }); // nothing
		expect(waits.count).toBe(0);
		const waiting = port.getn();
		port.after(5); // from when it waits already
		await waiting;
		expect(waits.count).toBe(1);
		expect(waits.min).toBeGreaterThan(1e6);
		// On a busy machine it may have expired before the call: that one did not wait.
		while (waits.count < 2) {
			port.after(1);
			port.getSync();
		}
		port.close();
	});
});

describe('stats', () => {
	test('count what was delivered by source', async () => {
		const port = new Port();
		const [reader, writer] = pipe();
		port.associate(writer, 4);
		port.after(0);
		port.send(1);
		port.send(2);
		const view = new EventView();
		await until(() => port.count() === 4);
		expect(port.take(view)).toBe(4);
		expect(port.stats().delivered).toMatchObject({ fd: 1, timer: 1, user: 2, file: 0, alert: 0 });
		port.close();
		closeFd(reader);
		closeFd(writer);
	});
});

describe('PORT_DEBUG', () => {
	const program = `
		const { Port } = await import(${JSON.stringify(PACKAGE)});
		const port = new Port({ limit: 1 });
		port.send(5, 6);
		try { port.send(7); } catch {}
		port.take(new (await import(${JSON.stringify(PACKAGE)})).EventView());
		port.close();`;
	const traceWith = async (value: string, source = program) => {
		const env = { ...process.env, PORT_DEBUG: value };
		const args = ['--input-type=module', '-e', source];
		const { stderr, code } = await outcomeOf(spawn(process.execPath, args, { env }));
		expect(code).toBe(0);
		const line = /^event-ports \d+\.\d{3} \d+\/0 (.*)$/;
		return stderr
			.trimEnd()
			.split('\n')
			.map((text) => line.exec(text)?.[1] ?? text);
	};

	test('1 tells of every call, with its result', async () => {
		const lines = await traceWith('1');
		expect(lines).toContain('create(1) = 0');
		expect(lines).toContainEqual(expect.stringMatching(/^send\(port \d+, events 5, user 6\)$/));
		expect(lines).toContainEqual(
			expect.stringMatching(/^send\(port \d+, events 7, user 0\) = -EAGAIN$/),
		);
		expect(lines.at(-1)).toBe('release(a closed port)');
	});

	test('a list tells of those calls', async () => {
		const lines = await traceWith('close, take');
		expect(lines).toEqual([
			expect.stringMatching(/^take\(port \d+, max 256, wanted 0\) = 1$/),
			expect.stringMatching(/^close\(port \d+\)$/),
		]);
	});

	test('of a request it tells what, and of what', async () => {
		const read = `port.aio.read(0, new Uint8Array(8), 16, 4); port.getSync()`;
		const lines = await traceWith('aioStart', program.replace('port.send(5, 6)', read));
		const request =
			/^aioStart\(port \d+, operation 0, fd 0, length 8, position 16, user 4\) = \d+$/;
		expect(lines).toEqual([expect.stringMatching(request)]);
	});

	test('a disk that is full fails no call', async () => {
		const full = openSync('/dev/full', 'w');
		const env = { ...process.env, PORT_DEBUG: '1' };
		const source = `${program} console.log('end');`;
		const stdio = ['ignore', 'pipe', full] as const;
		const args = ['--input-type=module', '-e', source];
		const outcome = outcomeOf(spawn(process.execPath, args, { env, stdio: [...stdio] }));
		closeSync(full);
		expect(await outcome).toMatchObject({ code: 0, stdout: 'end\n' });
	});

	test('a reader that is slow fails no call, and is told what it lost', async () => {
		const source = `
			console.error('hello'); // from now on writing does not wait
			const { Port } = await import(${JSON.stringify(PACKAGE)});
			const port = new Port();
			const round = () => { port.send(1); port.getSync(); };
			for (let i = 0; i < 20_000; i++) round();
			console.log('read');
			const again = setInterval(round);
			process.stdin.resume().once('end', () => { clearInterval(again); port.close(); });`;
		const env = { ...process.env, PORT_DEBUG: 'send' };
		const child = spawn(process.execPath, ['--input-type=module', '-e', source], { env });
		await once(child.stdout, 'data');
		let told = '';
		child.stderr.on('data', (chunk) => {
			told += chunk;
			if (/\nevent-ports: \d+ lines lost\n/.test(told)) child.stdin.end();
		});
		expect(await outcomeOf(child)).toMatchObject({ code: 0, stdout: '' });
	});

	test.each(['', '0', 'false'])("'%s' tells nothing", async (value) => {
		expect(await traceWith(value)).toEqual(['']);
	});
});

describe('AsyncLocalStorage', () => {
	const storage = new AsyncLocalStorage<string>();
	const send = (port: Port, events: number) => storage.run('sender', () => port.send(events));

	test.each<[string, (port: Port) => Promise<unknown>]>([
		['get', (port) => port.get()],
		['get with a timeout that passes', (port) => port.get({ timeout: 1 })],
		['get with a signal', (port) => port.get({ signal: new AbortController().signal })],
		['getn', (port) => port.getn({ max: 1 })],
		[
			'for await',
			async (port) => {
				for await (const _ of port) return;
			},
		],
		[
			'batches',
			async (port) => {
				for await (const _ of port.batches({ max: 1 })) return;
			},
		],
	])('%s goes on in the context of its caller', async (_name, get) => {
		const port = new Port();
		const seen = ['a', 'b'].map((name) =>
			storage.run(name, async () => {
				await get(port);
				return storage.getStore();
			}),
		);
		setImmediate(() => {
			send(port, 1);
			send(port, 2);
		});
		expect(await Promise.all(seen)).toEqual(['a', 'b']);
		port.close();
	});

	test('listeners of a signal have the context of who aborts, the get that of its caller', async () => {
		const port = new Port();
		const abort = new AbortController();
		const seen = storage.run('caller', async () => {
			await port.get({ signal: abort.signal }).catch(() => {});
			return storage.getStore();
		});
		storage.run('aborter', () => abort.abort());
		expect(await seen).toBe('caller');
		port.close();
	});

	test('watch() goes on in the context of its caller, also for the second watcher', async () => {
		const folder = mkdtempSync(path.join(tmpdir(), 'event-ports-context-'));
		const files = ['a', 'b'].map((name) => path.join(folder, name));
		for (const file of files) writeFileSync(file, '');
		const seen = files.map((file) =>
			storage.run(path.basename(file), async () => {
				const events = watch(file);
				const next = events.next();
				setImmediate(() => storage.run('writer', () => writeFileSync(file, 'changed')));
				await next;
				const context = storage.getStore();
				await events.return?.();
				return context;
			}),
		);
		expect(await Promise.all(seen)).toEqual(['a', 'b']);
		rmSync(folder, { recursive: true });
	});
});

test('an exception of a subscriber is no error of the port', async () => {
	const outcome = await runProgram(`
		import diagnostics from 'node:diagnostics_channel';
		diagnostics.subscribe('event-ports:event', () => { throw new Error('of the subscriber'); });
		process.on('uncaughtException', (error) => console.log(error.message));
		const port = new Port();
		port.send(1, 'kept');
		console.log(port.getSync().user);
		port.close();`);
	expect(outcome).toMatchObject({ code: 0, stdout: 'kept\nof the subscriber\n' });
});
