// libev: the library on ev_port.c, and the suite of the Perl module EV, which compiles the same
// ev_port.c and is the only suite there is.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { capture, root } from '../process.mjs';
import { compare } from './compare.mjs';
import { flags, out, sourcePackage } from './packages.mjs';

const BACKENDS = { port: '32', epoll: '4' }; // ev.h: EVBACKEND_PORT, EVBACKEND_EPOLL
const jobs = `-j${availableParallelism()}`;

/** The program on libev's library: with the shared libport, its archive, and all static. */
async function buildLibrary(source, { cflags, libs, staticLibs }) {
	const folder = path.join(out, 'build/libev');
	mkdirSync(folder, { recursive: true });
	if (!existsSync(path.join(folder, 'config.status')))
		await capture(
			path.join(source, 'configure'),
			['--quiet', '--disable-shared', 'CFLAGS=-O1 -g', `CPPFLAGS=${cflags}`, `LIBS=${libs}`],
			{ cwd: folder },
		);
	await capture('make', ['-s', jobs], { cwd: folder });
	const main = path.join(root, 'test/consumers/libev/loop.c');
	const linkages = {
		loop: libs,
		'loop-archive': staticLibs.replace('-lport', '-Wl,-Bstatic -lport -Wl,-Bdynamic'),
		'loop-static': `-static ${staticLibs}`,
	};
	for (const [name, linkage] of Object.entries(linkages)) {
		const link = ['-I', source, path.join(folder, '.libs/libev.a'), ...linkage.split(/\s+/), '-lm'];
		await capture('cc', ['-Wall', '-D_GNU_SOURCE', '-o', path.join(folder, name), main, ...link]);
	}
	return Object.keys(linkages).map((name) => path.join(folder, name));
}

/** name → result, of lines `ok NAME` and `not ok NAME`. */
async function loopResults(program, backend) {
	const text = await capture(program, [backend]).catch((error) => error.output);
	const found = new Map();
	const loop = path.basename(program);
	for (const [, not, name] of text.matchAll(/^(not )?ok (\w+)$/gm))
		found.set(`${loop}/${name}`, not ? 'failed' : 'passed');
	if (!/^done$/m.test(text)) found.set(loop, 'failed');
	return found;
}

async function buildModule(source, { cflags, libs }) {
	const folder = path.join(out, 'build/EV');
	if (!existsSync(path.join(folder, 'Makefile'))) {
		rmSync(folder, { recursive: true, force: true });
		cpSync(source, folder, { recursive: true });
		const env = { ...process.env, PERL_MM_USE_DEFAULT: '1', PERL_CANARY_STABILITY_DISABLE: '1', EV_LIBS: libs };
		const asked = await capture('perl', ['-MConfig', '-e', 'print $Config{ccflags}']);
		const make = (...args) =>
			capture('perl', ['Makefile.PL', 'OPTIMIZE=-O1', `CCFLAGS=${asked} ${cflags}`, ...args], { cwd: folder, env });
		// It looks for sys/port.h below /usr/include only: its own answers, and this one.
		await make();
		const defines = /^DEFINE = (.*)$/m.exec(readFileSync(path.join(folder, 'Makefile'), 'utf8'))[1];
		await make(`DEFINE=${defines.replace('EV_USE_PORT=0', 'EV_USE_PORT=1')}`);
	}
	await capture('make', ['-s', jobs], { cwd: folder });
	return folder;
}

/** name → result, of each test of the module's suite. */
async function moduleResults(folder, flag) {
	const env = { ...process.env, LIBEV_FLAGS: flag };
	const backend = await capture('perl', ['-Mblib', '-MEV', '-e', 'print EV::backend'], { cwd: folder, env });
	if (!backend.endsWith(flag)) throw new Error(`EV's backend is ${backend}, not ${flag}`);
	const files = readdirSync(path.join(folder, 't')).filter((file) => file.endsWith('.t'));
	return merge(...(await Promise.all(files.map((file) => fileResults(folder, file, env)))));
}

async function fileResults(folder, file, env) {
	const args = ['-Mblib', path.join('t', file)];
	let ended = true;
	const text = await capture('perl', args, { cwd: folder, env }).catch((error) => {
		ended = false;
		return error.output;
	});
	const found = new Map();
	for (const [, not, number, rest] of text.matchAll(/^(not )?ok (\d+)(.*)$/gm)) {
		const skipped = /# skip/i.test(rest);
		found.set(`EV/${file} ${number}`, not ? 'failed' : skipped ? 'skipped' : 'passed');
	}
	const planned = Number(/^1\.\.(\d+)/m.exec(text)?.[1]);
	if (!ended || found.size !== planned) found.set(`EV/${file}`, 'failed');
	return found;
}

const merge = (...maps) => new Map(maps.flatMap((map) => [...map]));

export async function libev(prefix) {
	const where = await flags(prefix);
	const library = await sourcePackage('libev', ['ev_port.c', 'ev.c']);
	const binding = await sourcePackage('libev-perl', ['libev/ev_port.c']);
	const same = (folder, file) => readFileSync(path.join(folder, file), 'utf8');
	if (same(library, 'ev_port.c') !== same(binding, 'libev/ev_port.c'))
		throw new Error('EV has an ev_port.c of its own');
	const [programs, folder] = await Promise.all([buildLibrary(library, where), buildModule(binding, where)]);
	const on = async (name) =>
		merge(...(await Promise.all(programs.map((p) => loopResults(p, name)))), await moduleResults(folder, BACKENDS[name]));
	return compare('libev', await on('port'), await on('epoll'));
}
