// What a built addon asks of the machine that loads it, read from its ELF tables.

import path from 'node:path';
import { capture } from './process.mjs';

// Node 20's own: what it runs on has at least this.
export const GLIBC_CEILING = '2.28';

const MACHINES = { x64: 'Advanced Micro Devices X86-64', arm64: 'AArch64' };
const LIBRARIES = {
	glibc: /^(libc\.so\.6|libpthread\.so\.0|libdl\.so\.2|libm\.so\.6|librt\.so\.1|ld-linux-.*)$/,
	musl: /^libc\.so$/,
};
// Entries of every Node-API addon.
const ENTRIES = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

/** Negative, 0 or positive, as the version a is below, at or above b. */
function compareVersions(a, b) {
	const [x, y] = [a, b].map((version) => version.split('.').map(Number));
	return x[0] - y[0] || x[1] - y[1];
}

/** The machine, the libraries needed, the newest version needed of each set of symbols. */
export async function inspect(file) {
	const text = await capture('readelf', ['--wide', '--file-header', '--dynamic', '--version-info', file]);
	const floors = {};
	for (const [, set, version] of text.matchAll(/Name: ([A-Z_]+?)_(\d[\d.]*)/g)) {
		if (!floors[set] || compareVersions(version, floors[set]) > 0) floors[set] = version;
	}
	const symbols = await capture('readelf', ['--wide', '--dyn-syms', file]);
	const exported = symbols
		.split('\n')
		.map((line) => line.trim().split(/\s+/))
		.filter(([, , , , binding, , section]) => /^(GLOBAL|WEAK)$/.test(binding) && section !== 'UND')
		.map((fields) => fields[7]);
	return {
		machine: /Machine:\s+(.*)/.exec(text)?.[1],
		needed: [...text.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((match) => match[1]),
		floors,
		exported,
	};
}

/** Throws unless the file suits every machine of its kind that Node 20 itself runs on. */
export async function checkBinary(file, { arch, libc }) {
	const { machine, needed, floors, exported } = await inspect(file);
	const fail = (what) => {
		throw new Error(`${path.basename(file)} for ${arch}, ${libc}: ${what}`);
	};
	if (machine !== MACHINES[arch]) fail(`it is for ${machine}`);
	const foreign = needed.filter((name) => !LIBRARIES[libc].test(name));
	if (foreign.length > 0) fail(`it needs ${foreign.join(', ')}`);
	const { GLIBC = '0.0', ...others } = floors;
	if (compareVersions(GLIBC, GLIBC_CEILING) > 0) fail(`it needs glibc ${GLIBC}`);
	const sets = Object.keys(others);
	if (sets.length > 0) fail(`it needs versions of ${sets.join(', ')}`);
	const leaked = exported.filter((name) => !ENTRIES.includes(name));
	if (leaked.length > 0) fail(`it exports ${leaked.join(', ')}`);
	return { needed, glibc: libc === 'glibc' ? GLIBC : undefined };
}
