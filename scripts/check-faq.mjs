// Which errors that lib/ makes or documents have no heading in docs/faq.md.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './process.mjs';

/** Codes and, of errnos with a text of their own, the calls that fail with them. */
function known(sources) {
	const found = new Set();
	for (const text of sources) {
		for (const [code] of text.matchAll(/\b(ERR|EVENT_PORTS)_[A-Z_]+\b/g)) found.add(code);
		for (const [, code, call] of text.matchAll(/'(E[A-Z0-9]+) (\w+)':/g)) found.add(`${code} ${call}`);
		for (const [, doc] of text.matchAll(/@throws ((?:.*\n)*?)\s*\*(?:\/| @|\s*\n)/g)) {
			for (const [code] of doc.matchAll(/\bE[A-Z0-9]{3,}\b/g)) found.add(code);
		}
	}
	found.delete('ERR_');
	found.delete('EVENT_PORTS_');
	for (const variable of ['EVENT_PORTS_PREBUILD', 'EVENT_PORTS_AIO']) found.delete(variable);
	return found;
}

function entries(faq) {
	const headings = faq.split('\n').filter((line) => line.startsWith('### '));
	return headings.flatMap((line) => {
		const [, call] = / from `(\w+)`/.exec(line) ?? [];
		const codes = [...line.replace(/ from .*/, '').matchAll(/`(\w+)`/g)].map(([, code]) => code);
		return codes.map((code) => (call ? `${code} ${call}` : code));
	});
}

export function missingFromFaq() {
	const lib = path.join(root, 'lib');
	const files = readdirSync(lib, { recursive: true }).filter((name) => name.endsWith('.ts'));
	const sources = files.map((name) => readFileSync(path.join(lib, name), 'utf8'));
	const there = new Set(entries(readFileSync(path.join(root, 'docs/faq.md'), 'utf8')));
	const codes = [...there].map((entry) => entry.split(' ')[0]);
	return [...known(sources)]
		.filter((name) => !there.has(name) && (name.includes(' ') || !codes.includes(name)))
		.sort();
}
