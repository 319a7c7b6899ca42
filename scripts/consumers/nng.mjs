// nng: its own suite on posix_pollq_port.c, which one thread serves while others associate, dissociate
// and send, and whose port is closed under its port_getn.

import { availableParallelism } from 'node:os';
import path from 'node:path';
import { capture } from '../process.mjs';
import { flags, out, sourcePackage } from './packages.mjs';

const jobs = `-j${availableParallelism()}`;

async function build(prefix) {
	const source = await sourcePackage('nng', ['src/platform/posix/posix_pollq_port.c']);
	const folder = path.join(out, 'build/nng');
	const { cflags, libs, env } = await flags(prefix);
	const given = { ...env, CFLAGS: `-O1 -g -w ${cflags}`, LDFLAGS: `-Wl,--no-as-needed ${libs}` };
	const options = ['-DNNG_TESTS=ON', '-DNNG_TOOLS=OFF', '-DBUILD_SHARED_LIBS=ON'];
	await capture('cmake', ['-S', source, '-B', folder, ...options], { env: given });
	await capture('cmake', ['--build', folder, jobs], { env: given });
	return folder;
}

async function suite(folder) {
	const env = { ...process.env, PORT_DEBUG: '1' };
	const traced = await capture('ctest', ['-V', '-R', '^nng.tcp$'], { cwd: folder, env });
	if (!traced.includes('port_associate(')) throw new Error(`not on ports:\n${traced}`);
	// One after the other: they choose TCP ports at random, and two that meet hang, on epoll too.
	const text = await capture('ctest', ['--output-on-failure', '--timeout', '180'], { cwd: folder });
	const [, failed, total] = /(\d+) tests failed out of (\d+)/.exec(text) ?? [];
	if (failed !== '0' || !(Number(total) > 0)) throw new Error(text);
}

export function nngChecks(prefix) {
	return { 'nng: its own suite': async () => suite(await build(prefix)) };
}
