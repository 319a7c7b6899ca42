import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { closeFd, listen, localAddress, pipe } from 'event-ports';
import { describe, expect, test } from 'vitest';
import { CLI } from './support/serving.js';

const root = path.join(import.meta.dirname, '../..');

function cli(...args: string[]) {
	const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
		encoding: 'utf8',
		timeout: 60_000,
	});
	return { status, stdout, stderr };
}

describe('event-ports', () => {
	test('--help names every command, --version the package', () => {
		const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
		expect(cli('--help')).toMatchObject({ status: 0, stderr: '' });
		expect(cli('--help').stdout).toMatch(/^ {2}serve .*\n {2}watch /m);
		expect(cli('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
		expect(cli('serve', '--help')).toMatchObject({ status: 0, stderr: '' });
	});

	test.each([['--help'], ['--version'], ['watch', '--help'], ['doctor']])(
		'%s bears a reader that has gone',
		(...args) => {
			const [reader, writer] = pipe();
			closeFd(reader);
			const stdio = ['ignore', writer, 'pipe'] as const;
			const { status, stderr } = spawnSync(process.execPath, [CLI, ...args], {
				stdio: [...stdio],
				encoding: 'utf8',
			});
			closeFd(writer);
			expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
		},
	);

	test.each([[[]], [['--json']]])(
		'doctor %s fails where what it says can not be written',
		(args) => {
			const full = openSync('/dev/full', 'w');
			const { status, stderr } = spawnSync(process.execPath, [CLI, 'doctor', ...args], {
				stdio: ['ignore', full, 'pipe'],
				encoding: 'utf8',
			});
			closeSync(full);
			expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/ENOSPC/) });
		},
	);

	test.each([
		[[], /Usage/],
		[['no-such'], /no command 'no-such'/],
		[['toString'], /no command/],
		[['serve'], /one folder/],
		[['serve', '.', '.'], /one folder/],
		[['serve', '.', '--no-such'], /--no-such/],
		[['serve', '.', '--port', '65536'], /--port takes a number from 0 to 65535/],
		[['serve', '.', '--workers', '0'], /--workers/],
		[['serve', '.', '--workers', '101'], /--workers/],
		[['serve', '.', '--workers', '1.5'], /--workers/],
		[['serve', CLI], /not a folder/],
	])('%j is a mistake of the caller', (args, message) => {
		const { status, stdout, stderr } = cli(...args);
		expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
		expect(stderr).toMatch(message);
		expect(stderr).not.toMatch(/^ +at /m);
	});

	test.each([
		[['serve', '/no/such/folder'], /ENOENT/],
		[['serve', '.', '--host', '192.0.2.1'], /EADDRNOTAVAIL/],
	])('%j fails', (args, message) => {
		const { status, stderr } = cli(...args);
		expect(status).toBe(1);
		expect(stderr).toMatch(message);
		expect(stderr).not.toMatch(/^ +at /m);
	});

	test('a port that is taken is said so', () => {
		const listener = listen({ port: 0 });
		const { port } = localAddress(listener) as { port: number };
		const { status, stderr } = cli('serve', '.', '--port', String(port));
		closeFd(listener);
		expect(status).toBe(1);
		expect(stderr).toMatch(/EADDRINUSE: address already in use/);
	});
});
