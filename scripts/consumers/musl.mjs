// libport for musl, made by the compiler that makes the prebuilds: the conformance suite and libev
// by musl-gcc on the shared library, a static program.

import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { liburingFor } from '../liburing.mjs';
import { capture, root } from '../process.mjs';
import { compilerFor, TARGETS } from '../zig.mjs';
import { flags, out, sourcePackage } from './packages.mjs';

const jobs = `-j${availableParallelism()}`;
const target = TARGETS.find(({ arch, libc }) => arch === 'x64' && libc === 'musl');
const folder = path.join(out, 'build/musl');

async function install() {
	const { CC, CXX, AR, RANLIB } = await compilerFor(target);
	const uring = await liburingFor(target);
	const build = path.join(out, 'native-musl');
	const prefix = path.join(out, 'prefix-musl');
	const settings = [
		...['EVENT_PORTS_TESTS=OFF', `CMAKE_AR=${AR}`, `CMAKE_RANLIB=${RANLIB}`],
		...[`liburing_include=${uring}/include`, `liburing_archive=${uring}/lib/liburing.a`],
	];
	const env = { ...process.env, CC, CXX };
	await capture('cmake', ['-S', 'native', '-B', build, ...settings.map((setting) => `-D${setting}`)], { env });
	await capture('cmake', ['--build', build, jobs]);
	await capture('cmake', ['--install', build, '--prefix', prefix]);
	mkdirSync(folder, { recursive: true });
	return { prefix, CXX, ...(await flags(prefix)) };
}

const shell = (command, options) => capture('sh', ['-ec', command], options);

export function muslChecks() {
	if (process.arch !== 'x64') return {};
	let installed;
	const library = () => {
		installed ??= install();
		return installed;
	};
	return {
		'musl: the conformance suite, in both profiles': async () => {
			const { cflags, libs } = await library();
			const suite = path.join(root, 'test/conformance');
			const sources = readdirSync(suite).filter((name) => name.endsWith('.c') && name !== 'without.c');
			const program = path.join(folder, 'conformance');
			const gates = `-DCONF_GATES='"${suite}/gates.tsv"'`;
			// The kernel's headers are where the system's are; musl's own come before.
			const kernel = '-idirafter /usr/include -idirafter /usr/include/$(cc -print-multiarch)';
			await shell(
				`musl-gcc -std=c99 -O1 -Wall -Werror ${gates} ${cflags} ${kernel} ${sources.join(' ')} -o ${program} ${libs}`,
				{ cwd: suite },
			);
			for (const strict of ['0', '1'])
				await capture(program, [], { env: { ...process.env, PORT_STRICT: strict } });
		},
		'musl: libev on ports': async () => {
			const { cflags, libs } = await library();
			const source = await sourcePackage('libev', ['ev_port.c', 'ev.c']);
			const build = path.join(out, 'build/libev-musl');
			mkdirSync(build, { recursive: true });
			if (!existsSync(path.join(build, 'config.status')))
				await capture(
					path.join(source, 'configure'),
					['--quiet', '--disable-shared', 'CC=musl-gcc', `CPPFLAGS=${cflags}`, `LIBS=${libs}`],
					{ cwd: build },
				);
			await capture('make', ['-s', jobs], { cwd: build });
			const main = path.join(root, 'test/consumers/libev/loop.c');
			await shell(`musl-gcc -w -I${source} ${main} .libs/libev.a -o loop ${libs} -lm`, { cwd: build });
			const text = await capture(path.join(build, 'loop'), ['port']);
			if (/^not ok/m.test(text) || !/^done$/m.test(text)) throw new Error(text);
		},
		// This compiler's linker knows no --wrap.
		'musl: a static program that wraps nothing': async () => {
			const { prefix, cflags, CXX } = await library();
			const main = path.join(root, 'test/consumers/c/main.c');
			const program = path.join(folder, 'static');
			const archive = `${prefix}/lib/libport.a`;
			await shell(`${CXX} -static -DEVENT_PORTS_STATIC ${cflags} -x c ${main} -x none -o ${program} ${archive}`);
			await capture(program, []);
		},
	};
}
