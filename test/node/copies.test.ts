// The package's JavaScript evaluated several times in one thread, as test runners and reloaders do
// it, while the addon is loaded once: copies are to each other what threads are.

import { describe, expect, it } from 'vitest';
import { runProgram } from './support.js';

// load() is another copy than those before.
const COPIES = `import { createRequire } from 'node:module';
import path from 'node:path';
const { cache } = createRequire(import.meta.url);
const file = ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).pathname)};
const load = () => {
	for (const name of Object.keys(cache)) if (!name.endsWith('.node')) delete cache[name];
	const copy = createRequire(import.meta.url)(file);
	copy.Port;
	return copy;
};
`;

async function run(source: string, args: string[] = []): Promise<unknown> {
	const { code, signal, stdout, stderr } = await runProgram(COPIES + source, args);
	expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
	return JSON.parse(stdout);
}

describe('copies in one thread', () => {
	it('end with the process', async () => {
		expect(
			await run(
				'const ports = [new (load().Port)(), new (load().Port)()]; console.log(ports.length);',
			),
		).toBe(2);
	});

	it('wait and retrieve beside each other', async () => {
		const source = `
			const ports = [load(), load(), load()].map(({ Port }) => new Port());
			const waits = ports.map((port) => port.get());
			for (const [i, port] of ports.entries()) port.send(i, { i });
			const got = (await Promise.all(waits)).map(({ events, user }) => [events, user.i]);
			for (const [i, port] of ports.entries()) port.send(i + 10);
			got.push(ports.map((port) => port.getSync().events));
			ports[0].close();
			setImmediate(() => ports[2].send(22));
			got.push((await ports[2].get()).events, ports.map((port) => port.closed));
			console.log(JSON.stringify(got));`;
		expect(await run(source)).toEqual([
			[0, 0],
			[1, 1],
			[2, 2],
			[10, 11, 12],
			22,
			[true, false, false],
		]);
	});

	it('attach to one port as threads do: a value of the other copy stays with it', async () => {
		const source = `
			const [a, b] = [load(), load()];
			const port = new a.Port();
			const other = b.Port.attach(port.fd);
			port.send(1, 5);
			port.send(2, { mine: true });
			const got = [other.getSync().user, other.getSync().user instanceof b.ForeignCookie];
			const wait = other.get().catch((error) => error.code);
			port.close();
			console.log(JSON.stringify([...got, await wait]));`;
		expect(await run(source)).toEqual([5, true, 'ERR_PORT_CLOSED']);
	});

	it('associate what they are told to while values that the other one retrieved come back', async () => {
		const source = `
			const [a, b] = [load(), load()];
			const port = new a.Port();
			port.send(1, { first: 1 });
			b.Port.attach(port.fd).getSync(); // whose place is free for the next value
			const ends = [a.pipe(), a.pipe()];
			port.associateAll(ends.map(([fd]) => ({ fd, events: a.POLLIN, user: { fd } })));
			for (const [, writer] of ends) a.write(writer, Buffer.from('x'));
			const got = port.getnSync({ min: 2, timeout: 1000 });
			console.log(JSON.stringify(got.map(({ fd, user }) => fd === user.fd)));`;
		expect(await run(source)).toEqual([true, true]);
	});

	it('close what the other one closed, and no port that was made since', async () => {
		const source = `
			const [a, b] = [load(), load()];
			const ports = [new a.Port(), new a.Port()];
			const [first, second] = ports.map(({ fd }) => b.Port.attach(fd));
			const again = first.get().catch(({ code }) => {
				second.close(); // of whose end it hears after this
				return [code, new b.Port(), new b.Port()];
			});
			for (const port of ports) port.close();
			const [code, ...made] = await again;
			await new Promise((resolve) => setImmediate(resolve));
			console.log(JSON.stringify([code, ...made.map(({ closed }) => closed)]));`;
		expect(await run(source)).toEqual(['ERR_PORT_CLOSED', false, false]);
	});

	it('stay whole when modules are loaded anew: what a port needs later is of its own copy', async () => {
		const source = `
			import { openSync } from 'node:fs';
			const a = load();
			const port = new a.Port();
			const b = load();
			const other = new b.Port();
			port.aio.read(openSync('/proc/self/comm', 'r'), Buffer.alloc(1), 0, 'of a');
			const read = port.getSync().user;
			port.after(0, 'timer of a');
			const expired = port.getSync().user;
			port.associateFile(new a.FileObject('/', { mtimeNs: 1n }), a.FILE_MODIFIED, 'file of a');
			const changed = port.getSync().user;
			console.log(JSON.stringify([read, expired, changed, other.count()]));`;
		expect(await run(source)).toEqual(['of a', 'timer of a', 'file of a', 0]);
	});

	it('end with their worker, which is terminated while they wait', async () => {
		const source = `
			const own = new Port();
			const text = ${JSON.stringify(COPIES)}
				.replaceAll('import.meta.url', JSON.stringify(file))
				+ "import { parentPort, workerData } from 'node:worker_threads';"
				+ "for (const { Port } of [load(), load(), load()]) { new Port().get(); Port.attach(workerData).get(); }"
				+ "parentPort.postMessage(0);";
			const start = () => new Worker(new URL('data:text/javascript,' + encodeURIComponent(text)), { workerData: own.fd });
			for (let round = 0; round < 5; round++) {
				const worker = start();
				await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
				while (own.stats().waiters < 3) await new Promise((resolve) => setImmediate(resolve));
				await worker.terminate();
			}
			while (own.stats().waiters > 0) await new Promise((resolve) => setImmediate(resolve));
			own.send(1);
			console.log(JSON.stringify([own.getSync().events, own.stats().ports]));`;
		expect(await run(source)).toEqual([1, 1]);
	});

	it('leave nothing once they are collected', async () => {
		// A copy is seen to be gone by its Port; the last one that was made may be on the stack still.
		const source = `
			const gone = [];
			const use = async (close) => {
				const { Port } = load();
				gone.push(new WeakRef(Port));
				const port = new Port();
				setImmediate(() => port.send(1));
				await port.get();
				if (close) port.close();
			};
			for (let i = 0; i < 20; i++) await use(i % 2 === 0);
			load();
			while (gone.some((copy) => copy.deref())) {
				await new Promise((resolve) => setImmediate(resolve));
				gc();
			}
			console.log(JSON.stringify(new (load().Port)().stats().ports));`;
		expect(await run(source, ['--expose-gc'])).toBe(1);
	});
});
