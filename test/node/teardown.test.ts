// Rule 9 of the design: teardown in any order is clean. Each case is a process of its own that must
// end by itself, with the exit code it meant and nothing on stderr.

import { describe, expect, it } from 'vitest';
import { PACKAGE, runProgram } from './support.js';

// A worker in the program, made from source text.
const WORKER = `
const work = (source, workerData) => new Worker(new URL('data:text/javascript,' + encodeURIComponent(
	"import { parentPort, workerData } from 'node:worker_threads';" +
	"const { Port, pipe, POLLIN } = await import('${PACKAGE}');" + source)), { workerData });
const once = (worker, name) => new Promise((resolve) => worker.once(name, resolve));
const turn = () => new Promise((resolve) => setImmediate(resolve));
const until = async (condition) => { while (!condition()) await turn(); };
`;

const clean = { code: 0, signal: null, stderr: '', stdout: 'end\n' };

const gets: [string, string][] = [
	['getSync', 'port.getSync();'],
	['getnSync with a long timeout', 'port.getnSync({ min: 3, timeout: 1e9 });'],
	['get', 'await port.get();'],
	[
		'get with a timeout and a signal',
		'await port.get({ timeout: 1e9, signal: new AbortController().signal });',
	],
	['for await', 'for await (const event of port) {}'],
	['a loop of getSync', 'for (;;) port.getSync({ timeout: 0.01 });'],
];

describe('worker.terminate()', () => {
	it.each(gets)('in the middle of %s', async (_name, get) => {
		const outcome = await runProgram(`${WORKER}
			const port = new Port();
			for (let round = 0; round < 3; round++) {
				const workers = [1, 2].map(() => work("const port = Port.attach(workerData); parentPort.postMessage(0); ${get}", port.fd));
				await Promise.all(workers.map((worker) => once(worker, 'message')));
				if (round < 2) await until(() => port.stats().waiters === 2 || ${get.includes('0.01')});
				await Promise.all(workers.map((worker) => worker.terminate()));
				await until(() => port.stats().waiters === 0);
			}
			port.send(1, 'still here');
			if (port.getSync().user !== 'still here') throw new Error('lost');
			port.close();
			console.log('end');`);
		expect(outcome).toEqual(clean);
	});

	it('of the thread that created the port leaves it to the others', async () => {
		const outcome = await runProgram(`${WORKER}
			const worker = work("const port = new Port(); port.send(5); port.get(); port.get(); parentPort.postMessage(port.fd); port.getSync({ timeout: 1e9 });");
			const port = Port.attach(await once(worker, 'message'));
			port.send(6);
			await worker.terminate();
			port.send(7);
			console.log(port.closed ? 'closed' : 'end');`);
		expect(outcome).toEqual(clean);
	});

	it('lets go of the number when it was the last user', async () => {
		const outcome = await runProgram(`${WORKER}
			import { readdirSync } from 'node:fs';
			const count = () => readdirSync('/proc/self/fd').length;
			const run = async () => {
				const worker = work("const port = new Port(); port.get(); parentPort.postMessage(port.fd); port.getSync();");
				const fd = await once(worker, 'message');
				await worker.terminate();
				return fd;
			};
			await run(); // libuv keeps some of its own
			const before = count();
			const fd = await run();
			let code; try { Port.attach(fd); } catch (error) { code = error.code; }
			console.log(code === 'EBADF' && count() === before ? 'end' : [code, before, count()]);`);
		expect(outcome).toEqual(clean);
	});
});

describe('the end of the process', () => {
	const open = `
		const port = new Port(); const other = new Port({ limit: 5 });
		const [reader, writer] = evp.pipe();
		port.associate(reader, POLLIN, {}); port.associate(other.fd, POLLIN, {}); port.send(1, {}); port.alert(1, {}); port.clearAlert();
		const ignore = () => {}; other.get().catch(ignore); other.getn({ min: 5, timeout: 1e6 }).catch(ignore); (async () => { for await (const e of other) {} })();
		Port.attach(other.fd).get().catch(ignore);
	`;
	it.each([
		['process.exit with everything open', `${open} console.log('end'); process.exit(0);`],
		[
			'process.exit in a get',
			`${open} port.getnSync({ max: 9 }); setImmediate(() => port.send(1)); await port.get(); console.log('end'); process.exit(0);`,
		],
		[
			'process.exit with workers in gets',
			`${open}
			const workers = ['port.getSync()', 'await port.get()'].map((get) => work('const port = Port.attach(workerData); parentPort.postMessage(0);' + get, other.fd));
			await Promise.all(workers.map((worker) => once(worker, 'message')));
			console.log('end'); process.exit(0);`,
		],
		[
			'process.exit in a worker',
			`${open}
			const worker = work('const port = Port.attach(workerData); port.get(); setImmediate(() => process.exit(3));', other.fd);
			const code = await once(worker, 'exit'); other.close(); port.close(); console.log(code === 3 ? 'end' : code);`,
		],
		[
			'a worker that ends by itself with a Port open',
			`${open}
			const worker = work('const port = Port.attach(workerData); port.unref().get();', other.fd);
			const code = await once(worker, 'exit'); other.close(); console.log(code === 0 ? 'end' : code);`,
		],
		[
			'nothing closed, nothing waited for',
			`const port = new Port(); port.send(1, {}); console.log('end');`,
		],
	])('%s', async (_name, program) => {
		expect(await runProgram(WORKER + program)).toEqual(clean);
	});
});

describe('an exception', () => {
	it('after an await on a port is an ordinary one', async () => {
		const outcome = await runProgram(`
			const port = new Port();
			const caught = [];
			process.on('uncaughtException', (error) => caught.push(error.message));
			process.on('unhandledRejection', (error) => caught.push(error.message));
			const failing = (async () => { await port.get(); throw new Error('rejected'); })();
			port.getn({ max: 1 }).then(() => process.nextTick(() => { throw new Error('thrown'); }));
			setImmediate(() => { port.send(1); port.send(2); });
			setImmediate(async function goOn() {
				if (caught.length < 2) return setImmediate(goOn);
				setImmediate(() => port.send(3));
				const { events } = await port.get();
				console.log(caught.sort().join(), events);
				port.close();
			});`);
		expect(outcome).toEqual({ ...clean, stdout: 'rejected,thrown 3\n' });
	});

	it('that nobody catches ends the process as any other', async () => {
		const outcome = await runProgram(`
			const port = new Port(); port.get(); port.send(1, {});
			for await (const event of port) throw new Error('from the body');`);
		expect(outcome).toMatchObject({ code: 1, signal: null });
		expect(outcome.stderr).toContain('from the body');
	});

	it('in a worker ends that worker alone', async () => {
		const outcome = await runProgram(`${WORKER}
			const port = new Port();
			const worker = work("const port = Port.attach(workerData); port.get(); await port.get(); throw new Error('from the worker');", port.fd);
			setImmediate(() => { port.send(1); port.send(2); });
			const error = await once(worker, 'error');
			await until(() => port.stats().waiters === 0);
			port.send(3); port.close();
			console.log(error.message === 'from the worker' ? 'end' : error);`);
		expect(outcome).toEqual(clean);
	});
});

describe('the addon', () => {
	it('in eight workers at once, again and again', async () => {
		const outcome = await runProgram(`${WORKER}
			const port = new Port();
			for (let round = 0; round < 3; round++) {
				const workers = Array.from({ length: 8 }, () => work(
					"const port = Port.attach(workerData); const own = new Port(); own.send(1, {});" +
					"const [reader] = pipe(); own.associate(reader, POLLIN, {}); own.get(); parentPort.postMessage((await port.get()).events);", port.fd));
				const answers = Promise.all(workers.map((worker) => once(worker, 'message')));
				await until(() => port.stats().waiters === 8);
				for (let i = 0; i < 8; i++) port.send(i);
				if ((await answers).sort().join() !== '0,1,2,3,4,5,6,7') throw new Error('not once each');
				await Promise.all(workers.map((worker) => worker.terminate()));
			}
			const { ports, waiters, slots } = port.stats();
			console.log(ports === 1 && waiters === 0 && slots === 0 ? 'end' : [ports, waiters, slots]);
			port.close();`);
		expect(outcome).toEqual(clean);
	});
});

describe('a Port', () => {
	it('that is collected lets go, one that waits is kept', async () => {
		const outcome = await runProgram(
			`${WORKER}
			import { readdirSync } from 'node:fs';
			const count = () => readdirSync('/proc/self/fd').length;
			new Port().close();
			const before = count();
			const make = (i) => { const port = new Port(); port.send(i, { port }); port.unref(); port.associate(port.fd, POLLIN, port); };
			for (let i = 0; i < 20; i++) make(i);
			const waiting = (() => { const port = new Port(); return [port.fd, port.get()]; })();
			for (let i = 0; i < 10; i++) { await turn(); gc(); }
			const kept = count() - before;
			Port.attach(waiting[0]).send(8);
			const { events } = await waiting[1];
			for (let i = 0; i < 10; i++) { await turn(); gc(); }
			console.log(events, kept > 0 && kept < 10, count() - before);`,
			['--expose-gc'],
		);
		expect(outcome).toEqual({ ...clean, stdout: '8 true 0\n' });
	});

	it.each(['', 'pool'])(
		'closed over its requests keeps none of their memory (engine %j)',
		async (engine) => {
			const program = `
			import fs from 'node:fs';
			process.env.EVENT_PORTS_AIO = '${engine}';
			const fd = fs.openSync(process.execPath);
			const buffer = Buffer.alloc(2 ** 20);
			const round = async (i) => {
				const port = new Port();
				port.aio.read(fd, buffer, (i % 16) * buffer.length);
				await new Promise((resolve) => setImmediate(resolve)); // mostly it is done by then
				port.close();
			};
			for (let i = 0; i < 50; i++) await round(i);
			const before = process.memoryUsage.rss();
			for (let i = 0; i < 300; i++) await round(i);
			const grown = process.memoryUsage.rss() - before;
			console.log(grown < 100 * buffer.length ? 'end' : grown);
		`;
			expect(await runProgram(program)).toEqual(clean);
		},
	);

	it('is closed in its own callbacks', async () => {
		const outcome = await runProgram(`
			const ports = Array.from({ length: 50 }, () => new Port());
			const codes = ports.map(async (port, i) => {
				const other = port.get().catch((error) => error.code);
				await port.get(); port.close(); port.close(); ports[(i + 1) % 50].close();
				return other;
			});
			setImmediate(() => { for (const port of ports) if (!port.closed) port.send(1); });
			const results = await Promise.allSettled(codes);
			console.log(results.every(({ status, value, reason }) => (value ?? reason.code) === 'ERR_PORT_CLOSED') ? 'end' : results);`);
		expect(outcome).toEqual(clean);
	});

	it('is made, used and closed ten thousand times', async () => {
		const outcome = await runProgram(`
			import { readdirSync } from 'node:fs';
			for (let i = 0; i < 10_000; i++) {
				const port = new Port(); const wait = port.get(); port.send(i, {}); 
				if (i % 2) await wait; else wait.catch(() => {});
				port.close();
			}
			await new Promise((resolve) => setImmediate(resolve));
			console.log(readdirSync('/proc/self/fd').length < 40 ? 'end' : readdirSync('/proc/self/fd'));`);
		expect(outcome).toEqual(clean);
	});
});
