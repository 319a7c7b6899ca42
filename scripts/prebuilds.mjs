// The binaries of the tarball: prebuilds/linux-{x64,arm64}/event-ports.{glibc,musl}.node, one
// Node-API binary each for every supported Node, and prebuilds/manifest.json about them.
//   node scripts/prebuilds.mjs            builds all, here, whatever this machine is
//   node scripts/prebuilds.mjs --check    whether all are there and of the sources beside them
// Nothing is put in place unless all are built and checked.

import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkBinary } from './binary.mjs';
import { LIBURING, liburingFor } from './liburing.mjs';
import { bin, capture, root } from './process.mjs';
import { sourceId } from './sources.mjs';
import { compilerFor, TARGETS } from './zig.mjs';

const { buildEnvironment } = createRequire(import.meta.url)('./toolchain.cjs');
// For prebuildify a label only: Node-API binaries know no version.
const OLDEST_NODE = '20.0.0';
const folder = path.join(root, 'prebuilds');
const MANIFEST = path.join(folder, 'manifest.json');

const fileOf = ({ arch, libc }) => `linux-${arch}/event-ports.${libc}.node`;
const sha256 = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');
const readPackage = () => JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

/** A folder to build in, so that the build/ of this checkout stays what it is. */
function scratch() {
	mkdirSync(path.join(root, 'out'), { recursive: true });
	const made = mkdtempSync(path.join(root, 'out/prebuilds-'));
	for (const part of ['native', 'scripts', 'binding.gyp', 'package.json']) {
		cpSync(path.join(root, part), path.join(made, part), { recursive: true });
	}
	symlinkSync(path.join(root, 'node_modules'), path.join(made, 'node_modules'));
	return made;
}

// All four binaries and the rest of the package stay below 2 MB together. Measured, -Os costs no
// time here; an addon that throws nothing needs neither tables to unwind by nor what would read them.
const SMALL = {
	CXXFLAGS:
		'-Os -ffunction-sections -fdata-sections -fno-unwind-tables -fno-asynchronous-unwind-tables -DEVP_NO_EXCEPTIONS',
	LDFLAGS: '-s -Wl,--gc-sections',
};

/** For this machine's own kind of target, by its own compiler: not fit for others. */
const LOCAL = { arch: process.arch, libc: existsSync('/etc/alpine-release') ? 'musl' : 'glibc' };

async function compiler(target, uring) {
	if (target === LOCAL) return { LDFLAGS: '-s' };
	return { ...SMALL, ...(await compilerFor(target, uring ? await liburingFor(target) : undefined)) };
}

/** Whether the compiler of `env` will link liburing (binding.gyp asks the same way). */
async function linksLiburing(cwd, env) {
	const said = await capture(process.execPath, ['scripts/find-liburing.mjs', 'define'], { cwd, env });
	return said.includes('EVP_LIBURING');
}

async function build(target, cwd, uring) {
	const env = { ...buildEnvironment(root), ...(await compiler(target, uring)) };
	if (target !== LOCAL && uring && !(await linksLiburing(cwd, env))) {
		throw new Error(`liburing can't be linked for ${target.triple}`);
	}
	const { arch, libc } = target;
	const tags = ['--napi', '--tag-libc', libc, '--libc', libc, '--arch', arch, '-t', OLDEST_NODE];
	await capture(bin('prebuildify'), tags, { cwd, env });
	const file = path.join(cwd, 'prebuilds', fileOf(target));
	if (!existsSync(file)) throw new Error(`prebuildify made no ${file}`);
	const asked = target === LOCAL ? {} : await checkBinary(file, target);
	const size = readFileSync(file).length;
	return { file: fileOf(target), arch, libc, ...asked, size, sha256: sha256(file) };
}

/** Builds all binaries, or those of `targets`, into prebuilds/; gives the manifest. */
export async function makePrebuilds(targets = TARGETS) {
	const uring = process.env.EVENT_PORTS_URING !== 'OFF';
	const id = sourceId(); // of what is copied, whatever is edited meanwhile
	const cwd = scratch();
	try {
		const binaries = [];
		for (const target of targets) {
			binaries.push(await build(target, cwd, uring));
			const { file, size, glibc } = binaries.at(-1);
			console.log(`${file}  ${size} bytes${glibc ? `, glibc ${glibc} or later` : ''}`);
		}
		const liburing = uring ? LIBURING : null;
		const manifest = { version: readPackage().version, sourceId: id, liburing, binaries };
		for (const target of TARGETS) rmSync(path.join(folder, fileOf(target)), { force: true });
		for (const { file } of binaries) {
			mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
			renameSync(path.join(cwd, 'prebuilds', file), path.join(folder, file));
		}
		writeFileSync(MANIFEST, `${JSON.stringify(manifest, null, '\t')}\n`);
		if (!uring) console.log('without liburing: asynchronous I/O goes through threads');
		return manifest;
	} finally {
		rmSync(cwd, { recursive: true, force: true });
	}
}

/** For tests of the tarball: the binaries of a release if they are there, else this machine's. */
export async function preparePrebuilds() {
	try {
		return await checkPrebuilds();
	} catch {
		return makePrebuilds([LOCAL]);
	}
}

/** Throws unless prebuilds/ holds every binary, each as the manifest says, of today's sources. */
export async function checkPrebuilds() {
	if (!existsSync(MANIFEST)) throw new Error('prebuilds/ is empty: npm run prebuilds');
	const manifest = JSON.parse(readFileSync(MANIFEST, 'utf8'));
	const { version } = readPackage();
	if (manifest.version !== version) throw new Error(`prebuilds/ is of version ${manifest.version}`);
	if (manifest.sourceId !== sourceId()) throw new Error('prebuilds/ is of other sources');
	for (const target of TARGETS) {
		const entry = manifest.binaries.find(({ file }) => file === fileOf(target));
		const file = path.join(folder, fileOf(target));
		if (entry === undefined || !existsSync(file)) throw new Error(`${fileOf(target)} is missing`);
		if (sha256(file) !== entry.sha256) throw new Error(`${fileOf(target)} is not the one built`);
		await checkBinary(file, target);
	}
	return manifest;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const check = process.argv.includes('--check');
	try {
		await (check ? checkPrebuilds() : makePrebuilds());
	} catch (error) {
		console.error(`prebuilds: ${error.output ?? error.message}`);
		process.exitCode = 1;
	}
}
