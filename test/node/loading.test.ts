// Where Node itself is told not to let the addon be loaded.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { outcomeOf } from './support.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
// Node 20 has it by the longer name alone.
const [major = 0] = process.versions.node.split('.').map(Number);
const permission = major < 22 ? '--experimental-permission' : '--permission';

it.each([
	['to load none', ['--no-addons']],
	['to load none', [permission, '--allow-fs-read=*']],
	[
		'--allow-fs-read=/etc/alpine-release',
		[permission, '--allow-addons', `--allow-fs-read=${root}*`],
	],
])('the error says %s: %s', async (said, options) => {
	const args = [...options, '-e', `require('${root}dist').Port`];
	const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
	const { code, stderr } = await outcomeOf(child);
	expect(code).toBe(1);
	expect(stderr).toMatch(
		"[ERR_PORT_NATIVE_MISSING]: The native part of event-ports can't be loaded: Node",
	);
	expect(stderr).toMatch(said);
});
