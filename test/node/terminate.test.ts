// A blocked get that is woken again and again, and never gets what it waits for, hears of the end of its
// worker all the same; so does one that is only loading the package.

import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PACKAGE, runProgram } from './support.js';

const WORKER = `
	import { parentPort, workerData } from 'node:worker_threads';
	const { Port } = await import('${PACKAGE}');
	const port = Port.attach(workerData);
	parentPort.postMessage(0);
	port.getnSync({ min: 1000, max: 1000 });`;

// Node loads one addon at a time: while one of them, which is a FIFO, is being read, the next waits in there.
const HOLDER = `
	const { workerData } = require('node:worker_threads');
	try { process.dlopen({ exports: {} }, workerData); } catch {}`;
const LOADER = `
	const { parentPort, workerData } = require('node:worker_threads');
	const load = process.dlopen;
	process.dlopen = (...given) => {
		parentPort.postMessage('about to load');
		Atomics.wait(workerData, 0, 0);
		parentPort.postMessage('loading');
		load.apply(process, given);
	};
	const { Port } = require(${JSON.stringify(fileURLToPath(new URL('index.js', PACKAGE)))});
	new Port();
	parentPort.postMessage('loaded');`;

const SOURCES = {
	timers: 'port.every(1);',
	descriptors: `
		const [reader, writer] = pipe();
		const again = () => port.associate(reader, POLLIN);
		again();
		setInterval(() => { read(reader, Buffer.alloc(64)); write(writer, Buffer.from('x')); again(); }, 1).unref();`,
	files: `
		const name = path.join(mkdtempSync(path.join(tmpdir(), 'terminate-')), 'f');
		writeFileSync(name, '');
		port.watchFile(new FileObject(name), FILE_MODIFIED);
		setInterval(() => appendFileSync(name, 'x'), 1).unref();`,
};

describe('worker.terminate()', () => {
	it.each(Object.entries(SOURCES))('ends a get that %s wake in vain', async (_name, source) => {
		const outcome = await runProgram(`
			import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs';
			import { tmpdir } from 'node:os';
			import path from 'node:path';
			const { FILE_MODIFIED, FileObject, pipe, read, write } = evp;
			const port = new Port();
			${source}
			let seen = 0;
			(async () => { for await (const event of port) seen++; })();
			const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(WORKER)})), { workerData: port.fd });
			const turn = () => new Promise((resolve) => setImmediate(resolve));
			await new Promise((resolve) => worker.once('message', resolve));
			while (port.stats().waiters < 2) await turn();
			for (const before = seen; seen < before + 20; ) await turn();
			await worker.terminate();
			console.log('end');
			process.exit();`);
		expect(outcome).toEqual({ code: 0, signal: null, stderr: '', stdout: 'end\n' });
	});

	it('ends a worker that is loading the addon', async () => {
		const outcome = await runProgram(`
			import { execFileSync } from 'node:child_process';
			import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
			import { tmpdir } from 'node:os';
			const folder = mkdtempSync(tmpdir() + '/terminate-');
			const fifo = folder + '/fifo';
			execFileSync('mkfifo', [fifo]);
			const options = { eval: true, execArgv: [] };
			const threads = () => readdirSync('/proc/self/task');
			const former = new Set(threads());
			const go = new Int32Array(new SharedArrayBuffer(4));
			const worker = new Worker(${JSON.stringify(LOADER)}, { ...options, workerData: go });
			const said = () => new Promise((resolve) => worker.once('message', resolve));
			await said();
			new Worker(${JSON.stringify(HOLDER)}, { ...options, workerData: fifo });
			const writer = openSync(fifo, 'w'); // once it is being opened
			Atomics.store(go, 0, 1);
			Atomics.notify(go, 0);
			await said();
			const sleeps = (id) => / S /.test(readFileSync('/proc/self/task/' + id + '/stat', 'latin1'));
			const turn = () => new Promise((resolve) => setImmediate(resolve));
			while (!threads().every((id) => former.has(id) || sleeps(id))) await turn();
			worker.on('message', console.log);
			const ended = worker.terminate();
			closeSync(writer);
			console.log(await ended);
			rmSync(folder, { recursive: true });`);
		expect(outcome).toEqual({ code: 0, signal: null, stderr: '', stdout: '1\n' });
	});
});
