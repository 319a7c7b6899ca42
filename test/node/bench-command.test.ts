import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { CLI } from './support/serving.js';

const folder = mkdtempSync(path.join(tmpdir(), 'event-ports-bench-'));
afterAll(() => rmSync(folder, { recursive: true }));

function bench(...args: string[]) {
	const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'bench', ...args], {
		cwd: folder,
		encoding: 'utf8',
		timeout: 120_000,
	});
	return { status, stdout, stderr };
}

const chart = path.join(folder, 'event-ports-bench.svg');

describe('event-ports bench', () => {
	test('tells the ratios, and draws them', () => {
		const { status, stdout, stderr } = bench('send', '--quick', '--rounds', '1');
		expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
		expect(stdout).toMatch(/^send and retrieve a message +\d.* ns +\d.*MessagePort +\d/m);
		expect(stdout).toMatch(/event-ports-bench\.svg\n$/);
		expect(stdout).not.toContain('\x1b');
		const svg = readFileSync(chart, 'utf8');
		expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg".*<\/svg>\n$/s);
		expect(svg).toContain('send and retrieve a message');
		rmSync(chart);
	});

	test('--json is one object, and draws only where --svg says', () => {
		const { status, stdout } = bench('timers-node', '--quick', '--rounds', '1', '--json');
		const report = JSON.parse(stdout);
		expect({ status, drawn: existsSync(chart) }).toEqual({ status: 0, drawn: false });
		expect(report.machine).toMatchObject({ node: process.version });
		expect(report.comparisons).toContainEqual(
			expect.objectContaining({ peer: 'setTimeout', ratio: expect.any(Number) }),
		);
		expect(report.rows).toContainEqual(
			expect.objectContaining({ bench: 'timers-node', who: 'node' }),
		);
	});

	test.each([
		[['no-such'], /no bench 'no-such'; there are send, /],
		[['--rounds', '0'], /--rounds takes a number from 1 to 100/],
		[['--rounds', 'x'], /--rounds takes/],
		[['--no-such'], /--no-such/],
	])('%j is a mistake of the caller', (args, message) => {
		const { status, stdout, stderr } = bench(...args);
		expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
		expect(stderr).toMatch(message);
		expect(stderr).not.toMatch(/^ +at /m);
	});

	test('a chart that can not be written is told before anything is measured', () => {
		const { status, stdout, stderr } = bench('send', '--svg', '/no/such/folder/chart.svg');
		expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
		expect(stderr).toMatch(/ENOENT/);
	});

	test('--help names every bench', () => {
		const [, names] = /no bench 'x'; there are (.*)\n/.exec(bench('x').stderr) ?? [];
		expect(bench('--help')).toMatchObject({ status: 0, stderr: '' });
		expect(bench('--help').stdout).toContain(`of ${names} (default: all)`);
	});
});
