// What a cycle of the storm may be. Each action leaves nothing behind, however it ends.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { closeFd, FILE_MODIFIED, FileObject, pipe, POLLIN, Port, write } from 'event-ports';

const WORKER = new URL('./worker.mjs', import.meta.url);
const turn = () => new Promise((resolve) => setImmediate(resolve));
const folder = mkdtempSync(path.join(tmpdir(), 'event-ports-storm-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const name = path.join(folder, 'file');
writeFileSync(name, '');

/** A port with something of everything in it. */
function fill(port) {
	const file = new FileObject(name);
	file.refresh();
	port.associateFile(file, FILE_MODIFIED, {});
	port.send(1, { port });
	port.after(1e6, {});
	port.every(0.01, 'tick');
	const [reader, writer] = pipe();
	port.associate(reader, POLLIN, [reader]);
	write(writer, Buffer.from('x'));
	return () => {
		closeFd(reader);
		closeFd(writer);
	};
}

const ignore = () => {};

/** Starts a worker that does `what` with a port, until it says so. */
async function start(what, port) {
	const worker = new Worker(WORKER, { workerData: { what, fd: port?.fd } });
	worker.on('error', ignore); // some end by an exception
	await new Promise((resolve, reject) => {
		worker.once('message', resolve);
		worker.once('exit', () => reject(new Error(`a worker ended before it could ${what}`)));
	});
	return worker;
}

async function ended(worker) {
	if (worker.threadId === -1) return;
	await new Promise((resolve) => worker.once('exit', resolve));
}

export const actions = {
	async 'create, use, close'() {
		const port = new Port();
		const end = fill(port);
		assert.ok((await port.getn({ min: 2 })).length >= 2);
		port.close();
		end();
	},
	async 'close while waits are pending'() {
		const port = new Port({ limit: 64 });
		port.get().catch(ignore);
		port.getn({ min: 9, timeout: 1e6 }).catch(ignore);
		const events = port[Symbol.asyncIterator]();
		const next = events.next();
		await turn();
		port.close();
		assert.equal((await next).done, true);
	},
	async 'abort a wait'() {
		const port = new Port();
		const abort = new AbortController();
		const wait = port.get({ signal: abort.signal });
		setImmediate(() => abort.abort());
		await assert.rejects(wait, { name: 'AbortError' });
		port.close();
	},
	async 'throw in the body of an iteration'() {
		const port = new Port();
		port.send(1);
		const body = (async () => {
			for await (const event of port) throw new Error(`after ${event.source}`);
		})();
		await assert.rejects(body, /after user/);
		port.close();
	},
	async 'drop it unclosed'() {
		const port = new Port();
		fill(port)();
		port.unref();
	},
	async 'terminate a worker in a blocking get'() {
		const port = new Port();
		const worker = await start('block', port);
		await worker.terminate();
		assert.equal(port.stats().members, 1);
		port.close();
	},
	async 'terminate a worker with everything open'() {
		const worker = await start('everything');
		await worker.terminate();
	},
	async 'terminate a worker as it starts'() {
		const worker = new Worker(WORKER, { workerData: { what: 'everything' } });
		await turn();
		await worker.terminate();
	},
	async 'a worker calls process.exit in a wait'() {
		await ended(await start('exit'));
	},
	async 'a worker throws in a callback'() {
		await ended(await start('throw'));
	},
	async 'a worker ends with everything open'() {
		await ended(await start('leave'));
	},
	async 'close under a worker that waits'() {
		const port = new Port();
		const worker = await start('block', port);
		port.close();
		await ended(worker);
	},
};

/** How a whole process may end, with everything open. */
export const ends = {
	'process.exit': () => process.exit(0),
	'process.exit in a wait': () => {
		const port = new Port();
		port.get().then(() => process.exit(0));
		setImmediate(() => port.send(1));
	},
	throw: () => {
		process.exitCode = 7;
		throw new Error('meant');
	},
	'nothing left to do': () => {},
};

/** Opens what the end of the process shall find open. */
export function leaveOpen() {
	const port = new Port();
	fill(port);
	port.get().catch(ignore);
	port.getn({ min: 50, timeout: 1e6 }).catch(ignore);
	port.unref();
}
