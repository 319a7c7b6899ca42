// A blocked get that is woken again and again, and never gets what it waits for, hears of the end of its
// worker all the same.

import { describe, expect, it } from 'vitest';
import { PACKAGE, runProgram } from './support.js';

const WORKER = `
	import { parentPort, workerData } from 'node:worker_threads';
	const { Port } = await import('${PACKAGE}');
	const port = Port.attach(workerData);
	parentPort.postMessage(0);
	port.getnSync({ min: 1000, max: 1000 });`;

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
});
