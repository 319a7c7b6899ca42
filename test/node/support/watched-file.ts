// A port, and a file to watch in a folder of its own: new ones for each test of a suite.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type FileEvent, Port } from 'event-ports';
import { afterEach, beforeEach } from 'vitest';

export let port: Port;
export let folder: string;
/** The file, which holds "hello". */
export let name: string;

/** For every test of the calling suite. */
export function watchedFile(): void {
	beforeEach(() => {
		port = new Port();
		folder = mkdtempSync(path.join(tmpdir(), 'event-ports-'));
		name = path.join(folder, 'file');
		writeFileSync(name, 'hello');
	});
	afterEach(() => {
		port.close();
		rmSync(folder, { recursive: true });
	});
}

/** What is there now. */
export function next(): FileEvent | null {
	return port.getSync({ timeout: 0 }) as FileEvent | null;
}

/** What the call throws. */
export function errorOf(call: () => unknown): { code: string; message: string } {
	try {
		call();
	} catch (error) {
		return error as { code: string; message: string };
	}
	return { code: 'none', message: '' };
}
