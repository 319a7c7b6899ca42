// liburing for each target, static, from the source package of Debian.

import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { cached } from './cache.mjs';
import { capture } from './process.mjs';
import { compilerFor } from './zig.mjs';

const SUITE = 'bookworm';
export const LIBURING = '2.3';

/** Debian's source archive, checked by apt against its signatures. */
function source() {
	return cached(`liburing-${LIBURING}`, async (folder) => {
		const apt = path.join(folder, 'apt');
		for (const part of ['lists/partial', 'cache/archives/partial']) {
			mkdirSync(path.join(apt, part), { recursive: true });
		}
		const list = path.join(apt, 'sources.list');
		writeFileSync(list, `deb-src http://deb.debian.org/debian ${SUITE} main\n`);
		const options = [
			['Dir::Etc::sourcelist', list],
			['Dir::Etc::sourceparts', '-'],
			['Dir::State::lists', path.join(apt, 'lists')],
			['Dir::Cache', path.join(apt, 'cache')],
			['APT::Sandbox::User', ''],
		].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
		const run = (...args) => capture('apt-get', [...options, '-q', ...args], { cwd: apt });
		await run('update');
		await run('source', '--download-only', `liburing/${SUITE}`);
		const archive = readdirSync(apt).find((name) => name.endsWith('.orig.tar.gz'));
		if (!archive?.startsWith(`liburing_${LIBURING}.`)) {
			throw new Error(`Debian ${SUITE} has ${archive ?? 'no liburing'}, not ${LIBURING}`);
		}
		await capture('tar', ['-xzf', path.join(apt, archive), '-C', folder, '--strip-components=1']);
		await capture('rm', ['-r', apt]);
	});
}

/** A folder with `include` and `lib/liburing.a` for a target of zig.mjs. */
export async function liburingFor(target) {
	const from = await source();
	const name = `liburing-${LIBURING}-${target.triple}`;
	return cached(name, async (folder) => {
		const build = path.join(folder, 'build');
		await capture('cp', ['-r', from, build]);
		const { CC, CXX, AR, RANLIB } = await compilerFor(target);
		const options = { cwd: build, env: { ...process.env, CC, CXX } };
		await capture('./configure', [`--cc=${CC}`, `--cxx=${CXX}`], options);
		const flags = [`CC=${CC}`, `AR=${AR}`, `RANLIB=${RANLIB}`, 'CFLAGS=-O3 -fPIC -fvisibility=hidden'];
		await capture('make', ['-C', 'src', '-j', String(availableParallelism()), ...flags, 'liburing.a'], options);
		mkdirSync(path.join(folder, 'lib'));
		copyFileSync(path.join(build, 'src/liburing.a'), path.join(folder, 'lib/liburing.a'));
		await capture('cp', ['-r', path.join(build, 'src/include'), path.join(folder, 'include')]);
		await capture('rm', ['-r', build]);
	});
}
