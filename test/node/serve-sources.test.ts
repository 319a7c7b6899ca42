// event-ports serve: files that are kept until a FILE event, connections that a TIMER ends.

import { once } from 'node:events';
import {
	appendFileSync,
	mkdirSync,
	mkdtempSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	unlinkSync,
	writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Serving } from './support/serving.js';

describe.each([1, 2])('files and timers, with %d threads', (workers) => {
	const options = ['--workers', String(workers)];
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync(path.join(tmpdir(), 'event-ports-site-'));
	});
	afterAll(() => rmSync(folder, { recursive: true }));

	test('a changed, replaced, moved or removed file is read anew', async () => {
		await using serving = await Serving.start(folder, options);
		const file = path.join(folder, 'deep/er/file.txt');
		mkdirSync(path.dirname(file), { recursive: true });
		const text = async () => {
			const answer = await fetch(`${serving.url}/deep/er/file.txt`);
			const body = await answer.text();
			return answer.ok ? body : String(answer.status);
		};
		// What is kept may be answered until the event is retrieved; in the end it must be new.
		const becomes = async (want: string) => {
			while ((await text()) !== want);
			for (let i = 0; i < 4; i++) expect(await text()).toBe(want);
		};
		const changes: [() => void, string][] = [
			[() => writeFileSync(file, 'one'), 'one'],
			[() => writeFileSync(file, 'two'), 'two'],
			[() => appendFileSync(file, '!'), 'two!'],
			[() => truncateSync(file, 3), 'two'],
			[
				() => {
					writeFileSync(`${file}.new`, 'three');
					renameSync(`${file}.new`, file);
				},
				'three',
			],
			[() => unlinkSync(file), '404'],
			[() => writeFileSync(file, 'four'), 'four'],
			[() => renameSync(path.join(folder, 'deep'), path.join(folder, 'old')), '404'],
			[
				() => {
					mkdirSync(path.dirname(file), { recursive: true });
					writeFileSync(file, 'five');
				},
				'five',
			],
			[
				() => {
					renameSync(file, path.join(folder, 'target'));
					symlinkSync('../../target', file);
				},
				'five',
			],
			[
				() => {
					writeFileSync(path.join(folder, 'other'), 'six');
					unlinkSync(file);
					symlinkSync('../../other', file);
				},
				'six',
			],
		];
		for (const [change, want] of changes) {
			change();
			await becomes(want);
		}
		await serving.sampled(({ ports }) => ports.some(({ delivered: { file = 0 } }) => file > 3));
		rmSync(path.join(folder, 'deep'), { recursive: true });
		serving.interrupt();
		expect(await serving.exit()).toBe(0);
	});

	test('a file that has not changed is not read again', async () => {
		await using serving = await Serving.start(folder, options);
		writeFileSync(path.join(folder, 'big.txt'), 'x'.repeat(200_000));
		const get = async () => (await (await fetch(`${serving.url}/big.txt`)).text()).length;
		const before = await serving.bytesRead();
		for (let i = 0; i < 40; i++) expect(await get()).toBe(200_000);
		const times = ((await serving.bytesRead()) - before) / 200_000;
		expect(Number.isInteger(times)).toBe(true);
		expect(times).toBeGreaterThan(0);
		expect(times).toBeLessThanOrEqual(workers); // once by each that was asked, whoever that was
		serving.interrupt();
		expect(await serving.exit()).toBe(0);
	});

	test('an idle connection is ended by a timer of the port', async () => {
		await using serving = await Serving.start(folder, options);
		const { port } = serving;
		const socket = connect(port, '127.0.0.1');
		socket.write('GET /_port/ HTTP/1.1\r\nHost: x\r\n\r\n');
		socket.resume();
		await once(socket, 'close'); // by the keep-alive of five seconds
		const { ports } = await serving.sampled((sample) =>
			sample.ports.some(({ delivered: { timer = 0 } }) => timer > 0),
		);
		expect(ports.length).toBeGreaterThan(0);
		serving.interrupt();
		expect(await serving.exit()).toBe(0);
	});
});
