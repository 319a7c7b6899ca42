// What the tests of watch() share: a folder with a file in it, and what a watcher is told.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FileEvent, watch } from 'event-ports';
import { afterEach, beforeEach, expect } from 'vitest';
import { turn } from '../support.js';

/** Of each test its own, gone with it. */
export let folder: string;
export let name: string; // of the file

export function freshFolder(): void {
	beforeEach(() => {
		folder = mkdtempSync(path.join(tmpdir(), 'event-ports-'));
		name = path.join(folder, 'file');
		writeFileSync(name, '0');
	});
	afterEach(() => rmSync(folder, { recursive: true, force: true }));
}

export type Watching = ReturnType<typeof watch>;

export async function next(watching: Watching): Promise<FileEvent<undefined>> {
	const { value, done } = await watching.next();
	expect(done).toBeFalsy();
	return value as FileEvent<undefined>;
}

export const names = async (watching: Watching) => (await next(watching)).names.join();

/** Whether nothing is told, by a few turns of the event loop in which it would be. */
export async function silent(watching: Watching): Promise<boolean> {
	let told = false;
	const asked = watching.next().then(({ done }) => {
		told = !done;
	});
	for (let i = 0; i < 5; i++) await turn();
	const was = told;
	await watching.return?.();
	await asked;
	return !was;
}
