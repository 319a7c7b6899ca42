// The scripts of test/files through TypeScript, and again with a queue of 16 events, so that inotify
// overflows before each change and everything must be found by comparison.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

const FOLDER = path.join(import.meta.dirname, '../files');
const RUNNER = path.join(import.meta.dirname, 'support/file-scripts.mjs');
const SKIPPED = 77; // of overflow.sh
const scripts = readdirSync(FOLDER)
	.filter((name) => name.endsWith('.txt') && name !== 'CMakeLists.txt')
	.map((name) => path.join(FOLDER, name));
const names = scripts.flatMap((script) =>
	[...readFileSync(script, 'utf8').matchAll(/^case (\S+)/gm)].map(([, name]) => name as string),
);

interface Outcome {
	name: string;
	result: 'passed' | 'failed' | 'skipped';
	reason?: string;
}

const unshare = ['unshare', '--mount', '--propagation', 'private'];
const mayMount = spawnSync(unshare[0] as string, [...unshare.slice(1), 'true']).status === 0;

function runAll(...wrapper: string[]): Map<string, Outcome> | string {
	const mounts = mayMount ? [...unshare, 'env', 'SCRIPTS_MOUNT=1'] : [];
	const [command = '', ...args] = [...wrapper, ...mounts, process.execPath, RUNNER, ...scripts];
	const { status, stdout, stderr } = spawnSync(command, args, {
		encoding: 'utf8',
		timeout: 110_000,
	});
	if (status === SKIPPED) return stdout.trim();
	expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
	const lines = stdout.trim().split('\n');
	return new Map(lines.map((line) => JSON.parse(line)).map((each: Outcome) => [each.name, each]));
}

describe.each([
	['as it is', []],
	['that overflows', [path.join(FOLDER, 'overflow.sh')]],
])('with a queue %s', (_name, wrapper) => {
	let outcomes: ReturnType<typeof runAll>;
	beforeAll(() => {
		outcomes = runAll(...wrapper);
	});

	it.for(names)('%s', (name, { skip }) => {
		if (typeof outcomes === 'string') return skip(outcomes);
		const outcome = outcomes.get(name);
		if (outcome?.result === 'skipped') return skip(outcome.reason);
		expect(outcome?.reason).toBeUndefined();
		expect(outcome?.result).toBe('passed');
	});
});
