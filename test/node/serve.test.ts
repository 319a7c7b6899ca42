import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
	linkSync,
	mkdirSync,
	mkdtempSync,
	rmSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client, GET } from './support/client.js';
import { Serving } from './support/serving.js';
import { until } from './support.js';

const run = promisify(execFile);
const base = mkdtempSync(path.join(tmpdir(), 'event-ports-serve-'));
const site = path.join(base, 'site');
const HUGE = 1 << 30;
const MEDIUM = 8 << 20;
const LARGE = 60_000; // bytes of an answer in one piece
const TEXT = 'The quick brown fox.\n';
const medium = Buffer.alloc(MEDIUM, 'a line of text that is repeated\n');

function sha(bytes: Buffer): string {
	return createHash('sha256').update(bytes).digest('hex');
}

function bodyOf(message: Buffer): Buffer {
	return message.subarray(message.indexOf('\r\n\r\n') + 4);
}

beforeAll(() => {
	mkdirSync(path.join(site, 'folder'), { recursive: true });
	mkdirSync(path.join(site, 'index'));
	writeFileSync(path.join(base, 'secret'), 'secret');
	writeFileSync(path.join(site, 'text.txt'), TEXT);
	writeFileSync(path.join(site, 'medium.bin'), medium);
	writeFileSync(path.join(site, 'empty.html'), '');
	writeFileSync(path.join(site, '.hidden'), 'hidden');
	writeFileSync(path.join(site, 'index', 'index.html'), '<p>index</p>');
	writeFileSync(path.join(site, 'index', 'large.bin'), Buffer.alloc(LARGE, 'x'));
	writeFileSync(path.join(site, 'folder', 'a <b> & "c"?#%.md'), '# heading');
	writeFileSync(path.join(site, 'huge.bin'), '');
	truncateSync(path.join(site, 'huge.bin'), HUGE);
	symlinkSync('../secret', path.join(site, 'out'));
	symlinkSync('text.txt', path.join(site, 'within'));
	linkSync(path.join(site, 'text.txt'), path.join(site, 'linked.txt'));
	execFileSync('mkfifo', [path.join(site, 'fifo')]);
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('files', () => {
	let serving: Serving;
	beforeAll(async () => {
		serving = await Serving.start(site);
	});
	afterAll(() => serving[Symbol.asyncDispose]());

	const get = (where: string, headers: Record<string, string> = {}) =>
		fetch(serving.url + where, { headers, redirect: 'manual' });

	test('curl gets what is on the disk', async () => {
		const target = path.join(base, 'copy');
		await run('curl', ['-sSf', '-o', target, `${serving.url}/medium.bin`]);
		expect(sha(execFileSync('cat', [target], { maxBuffer: MEDIUM * 2 }))).toBe(sha(medium));
		const { stdout } = await run('curl', ['-sSfi', `${serving.url}/text.txt`]);
		expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
		expect(stdout).toMatch(/content-type: text\/plain; charset=utf-8\r\n/);
		expect(stdout.endsWith(`\r\n\r\n${TEXT}`)).toBe(true);
	});

	test('HEAD tells without sending; other methods are refused', async () => {
		const { stdout } = await run('curl', ['-sSI', `${serving.url}/medium.bin`]);
		expect(stdout).toContain(`content-length: ${MEDIUM}\r\n`);
		const refused = await fetch(`${serving.url}/text.txt`, { method: 'DELETE' });
		expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
		expect((await get('/empty.html')).headers.get('content-length')).toBe('0');
	});

	test('conditional requests', async () => {
		const { headers } = await get('/text.txt');
		const etag = headers.get('etag') ?? '';
		const modified = headers.get('last-modified') ?? '';
		const status = async (name: string, value: string) =>
			(await get('/text.txt', { [name]: value })).status;
		expect(await status('if-none-match', etag)).toBe(304);
		expect(await status('if-none-match', `"other", W/${etag}`)).toBe(304);
		expect(await status('if-none-match', '*')).toBe(304);
		expect(await status('if-none-match', '"other"')).toBe(200);
		expect(await status('if-modified-since', modified)).toBe(304);
		expect(await status('if-modified-since', new Date(0).toUTCString())).toBe(200);
		expect(await status('if-modified-since', 'no date')).toBe(200);
		expect(await status('if-match', etag)).toBe(200);
		expect(await status('if-match', '"other"')).toBe(412);
		expect(await status('if-unmodified-since', new Date(0).toUTCString())).toBe(412);
	});

	test.each([
		['bytes=0-2', 206, 'The', 'bytes 0-2/21'],
		['bytes=16-', 206, 'fox.\n', 'bytes 16-20/21'],
		['bytes=-5', 206, 'fox.\n', 'bytes 16-20/21'],
		['bytes=16-999', 206, 'fox.\n', 'bytes 16-20/21'],
		['bytes=-999', 206, TEXT, 'bytes 0-20/21'],
		['bytes=21-', 416, '', 'bytes */21'],
		['bytes=-0', 416, '', 'bytes */21'],
		['bytes=5-2', 200, TEXT, null],
		['bytes=0-1,4-5', 200, TEXT, null],
		['lines=1-2', 200, TEXT, null],
	])('Range: %s', async (range, status, body, contentRange) => {
		const response = await get('/text.txt', { range });
		expect(response.status).toBe(status);
		expect(response.headers.get('content-range')).toBe(contentRange);
		expect(await response.text()).toBe(body);
	});

	test('If-Range with another state of the file gives the whole', async () => {
		const etag = (await get('/text.txt')).headers.get('etag') ?? '';
		const status = async (only: string) =>
			(await get('/text.txt', { range: 'bytes=0-2', 'if-range': only })).status;
		expect(await status(etag)).toBe(206);
		expect(await status('"other"')).toBe(200);
	});

	test('folders: index.html, or a list whose links work', async () => {
		expect(await (await get('/index/')).text()).toBe('<p>index</p>');
		const moved = await get('/folder');
		expect([moved.status, moved.headers.get('location')]).toEqual([301, '/folder/']);
		const list = await (await get('/folder/')).text();
		const link = /href="(\.\/a[^"]*)"/.exec(list)?.[1] ?? '';
		expect(await (await get(`/folder/${link}`)).text()).toBe('# heading');
		expect(list).not.toContain('<b>');
		expect(await (await get('/')).text()).not.toContain('hidden');
	});

	test.each([
		['/nothing', 404],
		['/text.txt/', 404],
		['/text.txt/more', 404],
		['/.hidden', 404],
		['/fifo', 404],
		['/../secret', 404],
		['/folder/../../secret', 404],
		['/%2e%2e/secret', 404],
		['/..%2fsecret', 404],
		['/folder/%2e%2e%2f%2e%2e%2fsecret', 404],
		['/out', 403],
		['/within', 200],
		['/linked.txt', 200],
		['/text.txt?query', 200],
		['http://elsewhere/text.txt', 200],
		['/text%00.txt', 400],
		['/%ff', 400],
		['*', 400],
		['/_port', 301],
		['/_port/nothing', 404],
		['/_port/../text.txt', 200],
		[`/${'x'.repeat(5000)}`, 404],
	])('%s', async (where, status) => {
		using client = new Client(serving.port);
		client.send(GET(where, 'Connection: close\r\n'));
		const answer = (await client.all()).toString();
		expect(Number(answer.split(' ')[1])).toBe(status);
		expect(answer).not.toContain('secret\n');
		expect(bodyOf(Buffer.from(answer)).toString()).not.toBe('secret');
	});

	test('a redirect never leaves the site', async () => {
		using client = new Client(serving.port);
		client.send(GET('//folder', 'Connection: close\r\n'));
		expect((await client.all()).toString()).toMatch(/\r\nlocation: \/folder\/\r\n/);
	});

	test('many requests in one packet are answered in order', async () => {
		using client = new Client(serving.port);
		const paths = ['/text.txt', '/nothing', '/empty.html', '/text.txt', '/index/'];
		client.send(
			paths.map((where) => GET(where)).join('') + GET('/within', 'Connection: close\r\n'),
		);
		const answers = (await client.all()).toString().match(/(?<=HTTP\/1\.1 )\d+/g);
		expect(answers).toEqual(['200', '404', '200', '200', '200', '200']);
	});

	test('what is no HTTP gets 400', async () => {
		using client = new Client(serving.port);
		client.send('\x16\x03\x01 this is no request\r\n\r\n');
		expect((await client.all()).toString()).toMatch(/^HTTP\/1\.1 400 /);
	});
});

describe('difficult clients', () => {
	let serving: Serving;
	beforeAll(async () => {
		serving = await Serving.start(site);
	});
	afterAll(() => serving[Symbol.asyncDispose]());

	// Not the first sample, that is taken before the viewer's own connection is back at rest.
	const alone = () =>
		serving.sampled(({ workers }, before) => before !== undefined && workers[0]?.connections === 1);

	test('one that reads nothing stops the server from reading the file', async () => {
		using client = new Client(serving.port);
		client.send(GET('/huge.bin'));
		const {
			workers: [worker],
		} = await serving.sampled(({ workers: [now] }, before) => {
			const read = now?.read ?? 0;
			return read > 100_000 && read === before?.workers[0]?.read; // it has begun, and stopped
		});
		expect(worker?.read).toBeLessThan(HUGE / 4);
	});

	test('one that reads slowly gets every byte', async () => {
		using client = new Client(serving.port);
		client.send(GET('/medium.bin', 'Connection: close\r\n'));
		const { socket } = client;
		const chunks: Buffer[] = [];
		for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
			chunks.push(chunk as Buffer);
			await new Promise((resolve) => setImmediate(resolve));
		}
		expect(sha(bodyOf(Buffer.concat(chunks)))).toBe(sha(medium));
	});

	test('one that has shut down its writing half gets its answer', async () => {
		using client = new Client(serving.port);
		client.socket.end(GET('/medium.bin'));
		expect(sha(bodyOf(await client.all()))).toBe(sha(medium));
	});

	test('one that sends byte by byte', async () => {
		using client = new Client(serving.port);
		client.socket.setNoDelay();
		for (const byte of GET('/text.txt', 'Connection: close\r\n')) {
			await new Promise((resolve) => client.socket.write(byte, resolve));
		}
		expect(bodyOf(await client.all()).toString()).toBe(TEXT);
	});

	test('one that asks and says it will not read on is not cut off by its own input', async () => {
		using client = new Client(serving.port);
		client.send(GET('/medium.bin', 'Connection: close\r\n') + 'x'.repeat(100_000));
		const answer = await client.all();
		expect(answer.toString('latin1', 0, 8)).toBe('HTTP/1.1');
	});

	test('hundreds that reset in the middle leave nothing behind', async () => {
		const slots = (await alone()).ports[0]?.slots ?? 0;
		const before = serving.descriptors();
		for (let round = 0; round < 4; round++) {
			const clients = Array.from({ length: 100 }, () => new Client(serving.port));
			for (const client of clients) client.send(GET('/huge.bin'));
			await Promise.all(clients.map((client) => client.received(/\r\n\r\n/)));
			for (const { socket } of clients) socket.resetAndDestroy();
		}
		await alone();
		await serving.sampled(({ ports }) => (ports[0]?.slots ?? Infinity) <= slots);
		// Files that were being opened are closed a little later.
		await serving.sampled(() => serving.descriptors() <= before + 1);
		expect((await fetch(`${serving.url}/text.txt`)).status).toBe(200);
	});

	test('those that never finish, or say nothing more, are not waited for', async () => {
		using idle = new Client(serving.port);
		const unfinished = Array.from({ length: 50 }, () => new Client(serving.port));
		idle.send(GET('/text.txt'));
		for (const client of unfinished) client.send('GET / HTTP/1.1\r\nHost: loc');
		const [kept, ...late] = await Promise.all([idle, ...unfinished].map((client) => client.all()));
		expect(kept?.toString()).toMatch(/^HTTP\/1\.1 200 /);
		for (const answer of late) expect(answer.toString()).toMatch(/^HTTP\/1\.1 408 /);
		for (const client of unfinished) client[Symbol.dispose]();
	});
});

test('without descriptors left, those who wait are served by and by', async () => {
	await using serving = await Serving.start(site, [], 'ulimit -n 96');
	const ask = async () => {
		using client = new Client(serving.port);
		client.send(GET('/_port/page.css'));
		await client.received(/\r\n\r\n[\s\S]*\}\n$/);
	};
	await Promise.all(Array.from({ length: 200 }, ask));
	expect(serving.ended).toBe(false);
	expect((await fetch(`${serving.url}/text.txt`)).status).toBe(200);
});

describe.each([1, 2, 3])('%d threads', (workers) => {
	const start = () => Serving.start(site, ['--workers', String(workers)]);

	test('wrk with 500 connections meets no error', async () => {
		await using serving = await start();
		for (const where of ['/text.txt', '/index/', '/_port/page.js']) {
			const load = ['-t1', '-c500', '-d2s', '--timeout', '60s', serving.url + where];
			const { stdout } = await run('wrk', load);
			expect(stdout).toMatch(/\d+ requests in/);
			expect(stdout).not.toMatch(/Socket errors|Non-2xx/);
		}
		const closing = ['-t1', '-c500', '-d2s', '--timeout', '60s', '-H', 'Connection: close'];
		const { stdout } = await run('wrk', [...closing, `${serving.url}/text.txt`]);
		expect(stdout).not.toMatch(/Socket errors|Non-2xx/);
		serving.interrupt();
		expect(await serving.exit()).toBe(0);
	});

	test('each of them takes connections', async () => {
		await using serving = await start();
		const clients: Client[] = [];
		await serving.sampled((sample) => {
			for (let i = 0; i < 50; i++) clients.push(new Client(serving.port));
			return sample.workers.every(({ accepted }) => accepted > 0);
		});
		for (const client of clients) client[Symbol.dispose]();
	});

	test('SIGINT: no one new, the idle go, what is under way is finished', async () => {
		await using serving = await start();
		using idle = new Client(serving.port);
		using silent = new Client(serving.port);
		using viewer = new Client(serving.port);
		const busy = Array.from({ length: 8 }, () => new Client(serving.port));
		idle.send(GET('/text.txt'));
		await idle.received(/fox/);
		viewer.send(GET('/_port/events'));
		await viewer.received(/data: /);
		for (const client of busy) client.send(GET('/medium.bin'));
		await serving.sampled(({ workers: rows }) => {
			const accepted = rows.reduce((sum, row) => sum + row.accepted, 0);
			const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
			return accepted >= 12 && bytes > 8 * 65_536; // all are under way, none can have ended
		});

		serving.interrupt();
		await Promise.all([idle.all(), silent.all(), viewer.all()]);
		expect(serving.ended).toBe(false);
		await refusedAt(serving.port);
		for (const client of busy) expect(sha(bodyOf(await client.all()))).toBe(sha(medium));
		expect(await serving.exit()).toBe(0);
		expect(serving.output).toMatch(/Closing.*\n.*Closed\.\n$/);
	});

	test('a connection that closes takes the answers along whose turn never came', async () => {
		await using serving = await start();
		const opened = () => serving.opened(/huge\.bin$/).length;
		for (const close of ['destroy', 'resetAndDestroy'] as const) {
			using client = new Client(serving.port);
			client.send(GET('/huge.bin').repeat(3));
			await until(() => opened() >= 3);
			client.socket[close]();
			await until(() => opened() === 0);
		}
	});

	test('SIGINT: what had arrived before it is answered', async () => {
		await using serving = await start();
		using known = new Client(serving.port);
		known.send(GET('/text.txt'));
		await known.received(/fox/);
		// While it is stopped, everything comes at once.
		serving.child.kill('SIGSTOP');
		using fresh = new Client(serving.port);
		known.send(GET('/index/').repeat(3));
		fresh.send(GET('/index/').repeat(3));
		await once(fresh.socket, 'connect');
		serving.interrupt();
		serving.child.kill('SIGCONT');
		for (const client of [known, fresh]) {
			expect((await client.all()).toString().match(/<p>index<\/p>/g)).toHaveLength(3);
		}
		expect(await serving.exit()).toBe(0);
	});

	test('SIGINT: an answer that is whole but not sent yet is sent', async () => {
		await using serving = await start();
		using slow = new Client(serving.port);
		// More than the system takes of what nobody reads.
		slow.send(GET('/index/large.bin').repeat(200));
		await serving.sampled((now, before) => {
			const [bytes, last] = [now, before].map((sample) =>
				sample?.workers.reduce((sum, row) => sum + row.bytes, 0),
			);
			return Number(bytes) > LARGE && Number(bytes) - Number(last) < LARGE; // the samples are sent, too
		});
		serving.interrupt();
		await refusedAt(serving.port);
		const answers = (await slow.all()).toString('latin1').split('HTTP/1.1 200 OK').slice(1);
		expect(await serving.exit()).toBe(0); // first: of a server that died no answer would be whole
		expect(answers.length).toBeGreaterThan(1);
		expect(new Set(answers.map((answer) => bodyOf(Buffer.from(answer)).length))).toEqual(
			new Set([LARGE]),
		);
	});

	test('SIGINT: who takes too long is cut off, a second one ends at once', async () => {
		await using patient = await Serving.start(site, ['--workers', String(workers), '--grace', '0']);
		await using hasty = await start();
		using stuck = new Client(patient.port);
		using other = new Client(hasty.port);
		for (const client of [stuck, other]) client.send(GET('/huge.bin'));
		await patient.sampled(({ workers: rows }) => rows.some(({ bytes }) => bytes > 100_000));
		await hasty.sampled(({ workers: rows }) => rows.some(({ bytes }) => bytes > 100_000));
		patient.interrupt();
		hasty.interrupt();
		await hasty.said(/Closing/);
		hasty.interrupt();
		expect(await patient.exit()).toBe(0);
		expect(await hasty.exit()).toBe(130);
	});
});

/** Until nobody listens there any more. */
async function refusedAt(port: number): Promise<void> {
	for (;;) {
		using client = new Client(port);
		const refused = await new Promise<boolean>((resolve) => {
			client.socket.once('connect', () => resolve(false));
			client.socket.once('error', () => resolve(true));
		});
		if (refused) return;
	}
}
