// Source packages of Debian, unpacked below out/consumers/src. apt is given a configuration of its
// own, in which the machine's sources stand as deb-src: nothing of the machine is changed, and no
// host is named here.

import {
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { capture, root } from '../process.mjs';

export const out = path.join(root, 'out/consumers');
const apt = path.join(out, 'apt');
const downloads = path.join(out, 'downloads');

const options = [
	'Dir::Etc::SourceList=/dev/null',
	`Dir::Etc::SourceParts=${apt}/sources`,
	`Dir::State::Lists=${apt}/lists`,
	`Dir::Cache=${apt}/cache`,
	'APT::Sandbox::User=',
].flatMap((option) => ['-o', option]);

/** The machine's own sources, as sources of source packages. */
function sourcesOfSource() {
	const parts = '/etc/apt/sources.list.d';
	const named = readdirSync(parts).filter((name) => /\.(list|sources)$/.test(name));
	const files = ['/etc/apt/sources.list', ...named.map((name) => path.join(parts, name))];
	for (const file of files.filter((name) => existsSync(name))) {
		const text = readFileSync(file, 'utf8');
		const changed = file.endsWith('.sources')
			? text.replace(/^Types:.*$/gm, 'Types: deb-src')
			: text.replace(/^deb-src .*$/gm, '').replace(/^deb /gm, 'deb-src ');
		writeFileSync(path.join(apt, 'sources', path.basename(file)), changed);
	}
}

let updated;
function update() {
	updated ??= (async () => {
		for (const folder of ['sources', 'lists/partial', 'cache/archives/partial'])
			mkdirSync(path.join(apt, folder), { recursive: true });
		mkdirSync(downloads, { recursive: true });
		sourcesOfSource();
		// A source that has no source packages fails here, and is not missed.
		await capture('apt-get', [...options, '-q', 'update']).catch(() => {});
	})();
	return updated;
}

/** Every version apt knows, the newest first; a mirror may lack that one. */
async function versions(name) {
	const text = await capture('apt-cache', [...options, 'showsrc', '--only-source', name]);
	const found = new Set([...text.matchAll(/^Version: (\S+)$/gm)].map((match) => match[1]));
	if (found.size === 0) throw new Error(`apt knows no source package ${name}`);
	return [...found].sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
}

async function download(name) {
	await update();
	let refused;
	for (const version of await versions(name)) {
		const args = [...options, '-q', 'source', '--download-only', `${name}=${version}`];
		try {
			await capture('apt-get', args, { cwd: downloads });
			return path.join(downloads, `${name}_${version.replace(/^\d+:/, '')}.dsc`);
		} catch (error) {
			refused = error;
		}
	}
	throw refused;
}

/**
 * The folder of an unpacked source package. `untouched` are files of it that must be those of the
 * program's authors, byte for byte: no patch of Debian's, and none of ours.
 */
export async function sourcePackage(name, untouched) {
	const folder = path.join(out, 'src', name);
	const mark = path.join(folder, '.unpacked');
	if (!existsSync(mark)) {
		const dsc = await download(name);
		rmSync(folder, { recursive: true, force: true });
		mkdirSync(path.dirname(folder), { recursive: true });
		await capture('dpkg-source', ['--no-check', '-x', dsc, folder]);
		writeFileSync(mark, dsc);
	}
	const stem = path.basename(readFileSync(mark, 'utf8')).replace(/-[^-]*\.dsc$/, '.orig.tar.');
	const original = readdirSync(downloads).find((f) => f.startsWith(stem) && !f.endsWith('.asc'));
	for (const file of untouched) {
		const ours = readFileSync(path.join(folder, file));
		const theirs = await capture('tar', ['-xOf', path.join(downloads, original), '--wildcards', `*/${file}`]);
		if (ours.toString() !== theirs) throw new Error(`${name}: ${file} is not the authors' own`);
	}
	return folder;
}

/** What a program's configure is given, and nothing else: where the installed libport is. */
export async function flags(prefix) {
	const env = { ...process.env, PKG_CONFIG_PATH: path.join(prefix, 'lib/pkgconfig') };
	const ask = async (...args) => (await capture('pkg-config', [...args, 'port'], { env })).trim();
	return {
		cflags: await ask('--cflags'),
		libs: `${await ask('--libs')} -Wl,-rpath,${prefix}/lib`,
		staticLibs: await ask('--static', '--libs'),
		env,
	};
}
