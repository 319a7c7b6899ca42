// What `cmake --install` leaves: programs of users are compiled against it and run.

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { runChecks } from './counts.mjs';
import { capture, root } from './process.mjs';

const consumer = path.join(root, 'test/consumers/c');

const EXPECTED = [
	'include/port.h',
	'include/port_linux.h',
	'include/siginfo.h',
	'include/sys/port.h',
	'include/sys/port_impl.h',
	'include/sys/siginfo.h',
	'lib/cmake/port/portConfig.cmake',
	'lib/cmake/port/portConfigVersion.cmake',
	'lib/cmake/port/portTargets.cmake',
	'lib/libport.a',
	'lib/libport.so',
	'lib/libport.so.1',
	'lib/pkgconfig/port.pc',
];

function checksIn(folder) {
	const prefix = path.join(folder, 'prefix');
	const env = {
		...process.env,
		PKG_CONFIG_PATH: path.join(prefix, 'lib/pkgconfig'),
		LD_LIBRARY_PATH: path.join(prefix, 'lib'),
	};
	const sh = (script) => capture('sh', ['-ec', script], { cwd: folder, env });
	const cc = 'cc -Wall -Wextra -Wpedantic -Werror';
	const main = path.join(consumer, 'main.c');

	return {
		'cmake builds and installs': async () => {
			const build = path.join(folder, 'build');
			await capture('cmake', ['-S', 'native', '-B', build, '-DEVENT_PORTS_TESTS=OFF']);
			await capture('cmake', ['--build', build, '-j', String(availableParallelism())]);
			await capture('cmake', ['--install', build, '--prefix', prefix]);
			const there = readdirSync(prefix, { recursive: true });
			const lacking = EXPECTED.filter((file) => !there.includes(file));
			if (lacking.length > 0) throw new Error(`not installed: ${lacking.join(', ')}`);
		},
		'the soname is libport.so.1, and no C++ symbol is exported': async () => {
			await sh('readelf -d prefix/lib/libport.so | grep -q "soname: \\[libport.so.1\\]"');
			const names = await sh('nm -D --defined-only --format=just-symbols prefix/lib/libport.so');
			const leaked = names.split('\n').filter((name) => name.startsWith('_Z'));
			if (leaked.length > 0) throw new Error(leaked.join('\n'));
		},
		'the headers stand alone, in C99, C11 and C++': async () => {
			for (const header of ['port.h', 'sys/port.h', 'port_linux.h']) {
				for (const language of ['c -std=c99', 'c -std=gnu11', 'c++ -std=c++11', 'c++ -std=c++20']) {
					const flags = '-Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iprefix/include';
					await sh(`echo '#include <${header}>' | cc -x ${language} ${flags} -`);
				}
			}
		},
		'pkg-config, shared': () =>
			sh(`${cc} ${main} $(pkg-config --cflags --libs port) -o shared && ./shared`),
		'pkg-config, static': () =>
			sh(`${cc} -static ${main} $(pkg-config --static --cflags --libs port) -o static && ./static`),
		'CMake package, shared and static, from C': async () => {
			await capture('cmake', ['-S', consumer, '-B', 'consumer', `-DCMAKE_PREFIX_PATH=${prefix}`], {
				cwd: folder,
			});
			await sh('cmake --build consumer && consumer/consumer_shared && consumer/consumer_static');
		},
		'the installed tree can be moved': async () => {
			mkdirSync(path.join(folder, 'elsewhere'));
			await sh('cp -a prefix elsewhere/there && mv prefix gone');
			const moved = { ...env, PKG_CONFIG_PATH: 'elsewhere/there/lib/pkgconfig' };
			const script = `${cc} ${main} $(pkg-config --cflags --libs port) -o moved &&
				LD_LIBRARY_PATH=elsewhere/there/lib ./moved`;
			await capture('sh', ['-ec', script], { cwd: folder, env: moved });
		},
	};
}

export const installSuite = {
	install: async () => {
		const folder = mkdtempSync(path.join(tmpdir(), 'event-ports-install-'));
		try {
			return await runChecks(checksIn(folder));
		} finally {
			rmSync(folder, { recursive: true, force: true });
		}
	},
};
