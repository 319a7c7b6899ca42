// A program that reads its configuration anew whenever it changes, however it is written: in place,
// or as editors and deployments do, by renaming another file over it.

import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watch } from 'event-ports';

const folder = mkdtempSync(join(tmpdir(), 'config-'));
const file = join(folder, 'config.json');
writeFileSync(file, '{ "level": 1 }');

// Somebody else, who changes it when the last change was seen.
const changes = {
	1: () => writeFileSync(file, '{ "level": 2 }'),
	2: () => {
		writeFileSync(`${file}.new`, '{ "level": 3 }');
		renameSync(`${file}.new`, file);
	},
};

let level = 0;

/** Reads it; a file that is half written will make another event. */
function load() {
	let now;
	try {
		now = JSON.parse(readFileSync(file, 'utf8')).level;
	} catch {
		return;
	}
	if (now === level) return;
	level = now;
	console.log(`level ${level}`);
	changes[level]?.();
}

const watching = watch(file); // before the first look, so that nothing is missed in between
load();
for await (const event of watching) {
	if (event.modified) load();
	if (level === 3) break;
}
rmSync(folder, { recursive: true });

// Prints:
// level 1
// level 2
// level 3
