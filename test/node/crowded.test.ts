// The kernel lets one file lead to a hundred event loops through as many ports: more are refused by
// an error, and those that were there before go on (12.4, divergence same-file).

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FILE_MODIFIED, FileObject, POLLIN, Port, PortError, pipe, write } from 'event-ports';
import { expect, test } from 'vitest';

const MOST = 100;

/** What came of each port's wait or of what it was to wait for: its events, or the error's code. */
async function outcomes(
	start: (port: Port) => void,
	happen: () => void,
	waitsFirst: boolean,
): Promise<string[]> {
	const ports = Array.from({ length: MOST + 20 }, () => new Port());
	const codeOf = (error: unknown) => {
		expect(error).toBeInstanceOf(PortError);
		return (error as PortError).code;
	};
	const waits = ports.map((port) => {
		const wait = () => port.get().then(() => 'event', codeOf);
		const early = waitsFirst ? wait() : undefined;
		try {
			start(port);
		} catch (error) {
			early?.catch(() => {});
			return Promise.resolve(codeOf(error));
		}
		return early ?? wait();
	});
	await new Promise((resolve) => setImmediate(resolve));
	happen();
	const seen = await Promise.all(waits);
	for (const port of ports) port.close();
	return seen;
}

const count = (seen: string[]) => ({
	events: seen.filter((outcome) => outcome === 'event').length,
	refused: seen.filter((outcome) => outcome === 'EAGAIN').length,
});

for (const waitsFirst of [false, true]) {
	const when = waitsFirst ? 'after its wait' : 'before its wait';

	test(`one descriptor, ${when}`, async () => {
		const [readable, writable] = pipe();
		const happen = () => write(writable, Buffer.from('x'));
		const seen = await outcomes((port) => port.associate(readable, POLLIN), happen, waitsFirst);
		expect(count(seen)).toEqual({ events: MOST, refused: 20 });
	});

	test(`requests of their own, ${when}`, async () => {
		const pipes: number[] = [];
		const start = (port: Port) => {
			const [readable, writable] = pipe();
			port.aio.read(readable, Buffer.alloc(1), 0);
			pipes.push(writable);
		};
		const happen = () => {
			for (const writable of pipes) write(writable, Buffer.from('x'));
		};
		const { events, refused } = count(await outcomes(start, happen, waitsFirst));
		expect(events + refused).toBe(MOST + 20);
		expect(events).toBe(MOST);
	});

	test(`files of their own, ${when}`, async () => {
		const folder = mkdtempSync(path.join(tmpdir(), 'crowded-'));
		const files: string[] = [];
		const start = (port: Port) => {
			const file = path.join(folder, String(files.length));
			writeFileSync(file, '');
			files.push(file);
			port.associateFile(new FileObject(file), FILE_MODIFIED);
		};
		const happen = () => {
			for (const file of files) writeFileSync(file, 'changed');
		};
		expect(count(await outcomes(start, happen, waitsFirst))).toEqual({ events: MOST, refused: 20 });
		rmSync(folder, { recursive: true });
	});
}
