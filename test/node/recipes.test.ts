// Recipes that are whole programs, extracted and run.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'event-ports-recipes-'));
afterAll(() => rmSync(folder, { recursive: true }));
const text = readFileSync(path.join(root, 'docs/recipes.md'), 'utf8');
const programs = [...text.matchAll(/```js (\S+\.mjs)\n([\s\S]*?)```/g)];

mkdirSync(path.join(folder, 'node_modules'));
symlinkSync(root, path.join(folder, 'node_modules/event-ports'));

const EXPECTED: Record<string, string> = { 'job-queue.mjs': '338350\n' };

it('has an expectation for each program', () => {
	expect(programs.map(([, name]) => name)).toEqual(Object.keys(EXPECTED));
});

it.each(programs.map(([, name, code]) => [name as string, code as string]))(
	'runs %s',
	(name, code) => {
		writeFileSync(path.join(folder, name), code);
		const said = execFileSync(process.execPath, [name], { cwd: folder, encoding: 'utf8' });
		expect(said).toBe(EXPECTED[name]);
	},
);
