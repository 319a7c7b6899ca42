// libport as a user has it: built as a release and installed below out/consumers/prefix.

import { availableParallelism } from 'node:os';
import path from 'node:path';
import { capture } from '../process.mjs';
import { out } from './packages.mjs';

export async function installPrefix() {
	const build = path.join(out, 'native');
	const prefix = path.join(out, 'prefix');
	await capture('cmake', ['-S', 'native', '-B', build, '-DEVENT_PORTS_TESTS=OFF']);
	await capture('cmake', ['--build', build, '-j', String(availableParallelism())]);
	await capture('cmake', ['--install', build, '--prefix', prefix]);
	return prefix;
}
