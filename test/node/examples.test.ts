import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const folder = path.join(import.meta.dirname, '../../examples');
const examples = readdirSync(folder).filter((name) => name.endsWith('.mjs'));

test.each(examples)('examples/%s prints what it says', (name) => {
	const file = path.join(folder, name);
	const promised = /\n\/\/ Prints:\n((?:\/\/ .*\n)+)$/.exec(readFileSync(file, 'utf8'))?.[1];
	expect(promised, 'an example ends in a comment of what it prints').toBeDefined();
	const options = { encoding: 'utf8', timeout: 60_000 } as const;
	const { status, stdout, stderr } = spawnSync(process.execPath, [file], options);
	expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
	expect(stdout).toBe(promised?.replace(/^\/\/ /gm, ''));
});
