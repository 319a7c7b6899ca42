// How programs look for event ports and link them: the checks of three build systems, link-time
// optimisation, static programs.

import { cpSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { capture, root } from '../process.mjs';
import { flags, out } from './packages.mjs';

const checks = path.join(root, 'test/consumers/checks');
const main = path.join(root, 'test/consumers/c/main.c');
const closes = path.join(root, 'test/consumers/c/closes.c');
const host = path.join(root, 'test/consumers/c/host.c');

/** A fresh folder with a copy of the checks. */
function scratch(name) {
	const folder = path.join(out, 'builds', name);
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	cpSync(checks, folder, { recursive: true });
	return folder;
}

export function buildChecks(prefix) {
	const compile = async (name, source, linkage) => {
		const { cflags, libs, staticLibs } = await flags(prefix);
		const program = path.join(scratch(name), 'program');
		const [before, after] = linkage({ libs, staticLibs });
		await capture('sh', ['-ec', `cc -Wall -Wextra -Werror -O2 ${cflags} ${before} ${source} -o ${program} ${after}`]);
		await capture(program, []);
	};
	return {
		'checks: autoconf': async () => {
			const folder = scratch('autoconf');
			const { cflags, libs } = await flags(prefix);
			await capture('autoconf', ['-f'], { cwd: folder });
			await capture('./configure', [`CPPFLAGS=${cflags}`, `LIBS=${libs}`], { cwd: folder });
		},
		'checks: CMake': async () => {
			const folder = scratch('cmake');
			await capture('cmake', ['-S', folder, '-B', `${folder}/build`, `-DCMAKE_PREFIX_PATH=${prefix}`]);
		},
		'checks: meson': async () => {
			const folder = scratch('meson');
			const { env } = await flags(prefix);
			await capture('meson', ['setup', `${folder}/build`, folder], { env });
		},
		'link: shared, with and without link-time optimisation': async () => {
			for (const lto of ['', '-flto'])
				for (const source of [main, closes]) await compile('shared', source, ({ libs }) => [lto, libs]);
		},
		'link: static, with and without link-time optimisation': async () => {
			for (const lto of ['-static', '-static -flto'])
				for (const source of [main, closes])
					await compile('static', source, ({ staticLibs }) => [lto, staticLibs]);
		},
		'link: a plugin, with libport.so named in LD_PRELOAD': async () => {
			const { cflags, libs } = await flags(prefix);
			const folder = scratch('preload');
			await capture('sh', ['-ec', `cc -Wall -Wextra -Werror ${host} -o host -ldl`], { cwd: folder });
			await capture('sh', ['-ec', `cc -shared -fPIC ${cflags} ${closes} -o plugin.so ${libs}`], { cwd: folder });
			const run = (env) => capture(`${folder}/host`, [`${folder}/plugin.so`], { env: { ...process.env, ...env } });
			const alone = await run({}).then(
				() => 'wrapped',
				(error) => error.output,
			);
			if (alone.includes('wrapped')) throw new Error('a plugin is wrapped without LD_PRELOAD: the manual says otherwise');
			await run({ LD_PRELOAD: `${prefix}/lib/libport.so.1` });
		},
		'link: the archive in a program that is not static': async () => {
			const archive = `-Wl,-Bstatic -lport -Wl,-Bdynamic`;
			for (const source of [main, closes])
				await compile('archive', source, ({ staticLibs }) => ['', staticLibs.replace('-lport', archive)]);
		},
	};
}
