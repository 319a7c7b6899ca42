// Writes docs/divergences.md from divergences.tsv, quirks.tsv and gates.tsv of test/conformance; with --check only
// tells whether it is as they say.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const file = path.join(root, 'docs/divergences.md');
const read = (name) => readFileSync(path.join(root, 'test/conformance', name), 'utf8');
const rows = (name) =>
	read(name)
		.split('\n')
		.slice(1)
		.filter((line) => line !== '')
		.map((line) => line.split('\t'));

const cell = (text) => text.replaceAll('|', '\\|');
const line = (cells) => `| ${cells.map(cell).join(' | ')} |\n`;

/** The Markdown that the tables of the conformance suite amount to. */
export function divergencesPage() {
	const table = rows('divergences.tsv').map(([id, clause, illumos, here, why]) =>
		line([id, clause, illumos, here, why]),
	);
	const quirks = rows('quirks.tsv').map(([clause, illumos, here, strict]) => {
		const [, kind, value] = /^(test|no): ?(.*)$/.exec(strict);
		const names = value.split(',').map((name) => `\`${name}\``);
		return line([clause, illumos, here, kind === 'test' ? 'as illumos' : 'as here', kind === 'test' ? names.join(', ') : value]);
	});
	const gates = rows('gates.tsv')
		.filter(([, platform]) => platform !== 'illumos')
		.map(([name, platform, profile, reason]) => line([`\`${name}\``, platform, profile, reason]));
	return `# Where Linux differs from illumos

Made by \`node scripts/divergences.mjs\` from the tables of the conformance suite; a test fails when they differ.
Clauses are those of [the contract](contract.md). Which case shows a row is in
[divergences.tsv](../test/conformance/divergences.tsv).

| | clause | illumos | here | why |
| --- | --- | --- | --- | --- |
${table.join('')}
## Mistakes of illumos, and the strict profile

What illumos does by mistake, this library does only where \`PORT_STRICT=1\` was in the environment when the port was
created, and only what a program could have come to rely on.

| clause | illumos | here | strict profile | shown by, or why not |
| --- | --- | --- | --- | --- |
${quirks.join('')}
## Cases that are not run here

| case | platform | profile | reason |
| --- | --- | --- | --- |
${gates.join('')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	if (!process.argv.includes('--check')) writeFileSync(file, divergencesPage());
	else if (readFileSync(file, 'utf8') !== divergencesPage()) {
		console.error('docs/divergences.md is not what the tables say: node scripts/divergences.mjs');
		process.exitCode = 1;
	}
}
