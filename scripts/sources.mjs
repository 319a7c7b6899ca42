// The files of the native part, for binding.gyp and for the scripts.
//   node scripts/sources.mjs SECTION...     the files of sections of native/sources.list, one a line
//   node scripts/sources.mjs --inputs       every file that an addon is made from
//   node scripts/sources.mjs --id-header F  writes a header that holds sourceId()
// No file of a section is an error, so is a file that isn't there.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { unpackSources } from './packed-sources.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const ADDON_SECTIONS = ['core', 'addon'];

export function readSections(text) {
	const sections = new Map();
	let current;
	for (const raw of text.split('\n')) {
		const line = raw.replace(/#.*/, '').trim();
		if (line === '') continue;
		const heading = /^\[(\w+)\]$/.exec(line);
		if (heading !== null) {
			current = [];
			sections.set(heading[1], current);
		} else if (current === undefined) {
			throw new Error(`sources.list: ${line} stands before any section`);
		} else {
			current.push(line);
		}
	}
	return sections;
}

export function sourcesOf(names) {
	const sections = readSections(readFileSync(path.join(root, 'native/sources.list'), 'utf8'));
	const files = names.flatMap((name) => {
		const section = sections.get(name);
		if (section === undefined) throw new Error(`sources.list: no section [${name}]`);
		return section.map((file) => `native/${file}`);
	});
	for (const file of files) {
		if (!existsSync(path.join(root, file))) throw new Error(`sources.list: ${file} is not there`);
	}
	return files;
}

/** Sources and headers that an addon is made from, in a fixed order. */
export function addonInputs() {
	const headers = readdirSync(path.join(root, 'native'), { recursive: true })
		.filter((name) => /\.(hpp|h)$/.test(name))
		.map((name) => `native/${name}`);
	return ['binding.gyp', ...sourcesOf(ADDON_SECTIONS), ...headers].sort();
}

/** Tells addons apart that were built from different sources. */
export function sourceId() {
	const hash = createHash('sha256');
	for (const file of addonInputs()) {
		hash.update(`${file}\0`).update(readFileSync(path.join(root, file))).update('\0');
	}
	return hash.digest('hex').slice(0, 16);
}

function main([first, ...rest]) {
	unpackSources(); // binding.gyp asks here before anything of native/ is read
	if (first === '--inputs') console.log(addonInputs().join('\n'));
	else if (first === '--id-header') {
		writeFileSync(rest[0], `#define EVP_SOURCE_ID "${sourceId()}"\n`);
	} else console.log(sourcesOf([first, ...rest]).join('\n'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
