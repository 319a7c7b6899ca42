// musl, as far as it can be seen on a glibc machine: npm has no Node for it. The loader resolves
// the addon but for Node's own symbols; the core, without Node, runs as a static program, on x64
// and under qemu on arm64.

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { capture, root } from './process.mjs';
import { compilerFor, TARGETS } from './zig.mjs';

const LOADER = '/lib/ld-musl-x86_64.so.1'; // of Debian's package musl
const QEMU = 'qemu-aarch64-static';

/** Undefined symbols that neither Node (napi_*, uv_*) nor musl's own loader can resolve. */
async function unresolved(file) {
	const text = await capture('sh', ['-c', '"$0" --list "$1" 2>&1 || :', LOADER, file]);
	if (!/libc\.so/.test(text)) throw new Error(text);
	return [...text.matchAll(/Error relocating .*: (\S+): symbol not found/g)]
		.map(([, name]) => name)
		.filter((name) => !/^(napi|node_api|uv)_/.test(name));
}

/** libport and test/consumers/c for a target, built and run by `runner`. */
async function selfTest(folder, target, runner) {
	const { CC, CXX, AR, RANLIB } = await compilerFor(target);
	const build = path.join(folder, target.triple);
	const options = [
		...['-DCMAKE_SYSTEM_NAME=Linux', `-DCMAKE_SYSTEM_PROCESSOR=${target.arch}`],
		...[`-DCMAKE_C_COMPILER=${CC}`, `-DCMAKE_CXX_COMPILER=${CXX}`, '-DCMAKE_BUILD_TYPE=Release'],
		...[`-DCMAKE_AR=${AR}`, `-DCMAKE_RANLIB=${RANLIB}`, '-DEVENT_PORTS_TESTS=OFF'],
		'-DEVENT_PORTS_URING=OFF', // the library that CMake finds is this machine's
	];
	await capture('cmake', ['-S', path.join(root, 'native'), '-B', build, ...options]);
	const jobs = String(availableParallelism());
	await capture('cmake', ['--build', build, '--target', 'port_static', '-j', jobs]);
	const program = path.join(build, 'self-test');
	const sources = ['main.c', 'sources.c'].map((name) => path.join(root, 'test/consumers/c', name));
	const include = path.join(root, 'native/include');
	for (const source of sources) {
		const object = path.join(build, 'self-test.o');
		const flags = ['-DEVENT_PORTS_STATIC', '-D_GNU_SOURCE', '-I', include, '-c', source, '-o', object];
		await capture(CC, flags);
		await capture(CXX, ['-static', object, path.join(build, 'libport.a'), '-o', program]);
		await capture(runner ?? program, runner ? [program] : []);
	}
}

export function muslChecks(folder) {
	const [x64, arm64] = ['x64', 'arm64'].map((arch) =>
		TARGETS.find((target) => target.arch === arch && target.libc === 'musl'),
	);
	return {
		'musl x64: the loader resolves the addon': async () => {
			if (!existsSync(LOADER)) throw new Error('skipped: apt-get install musl');
			const names = await unresolved(path.join(root, 'prebuilds/linux-x64/event-ports.musl.node'));
			if (names.length > 0) throw new Error(`musl lacks ${names.join(', ')}`);
		},
		'musl x64: the core runs': () => selfTest(folder, x64),
		'musl arm64: the core runs under qemu': async () => {
			await capture('sh', ['-c', `command -v ${QEMU}`]).catch(() => {
				throw new Error('skipped: apt-get install qemu-user-static');
			});
			await selfTest(folder, arm64, QEMU);
		},
	};
}
