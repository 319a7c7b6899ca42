// Prints the files of the named sections of native/sources.list, one a line, relative to the
// repository: binding.gyp's list of sources. No file of a section is an error, so is a file that
// isn't there.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const names = process.argv.slice(2);
	console.log(sourcesOf(names).join('\n'));
}
