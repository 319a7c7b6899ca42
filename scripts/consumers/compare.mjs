// One suite on two backends: every test has to fare on ours as on the other, but for the rows of
// test/consumers/differences.tsv.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { add, failure, none } from '../counts.mjs';
import { root } from '../process.mjs';

const table = path.join(root, 'test/consumers/differences.tsv');

/** program → test (a name, or a beginning that ends in *) → how it fares on the port. */
function differences(program) {
	return readFileSync(table, 'utf8')
		.split('\n')
		.slice(1)
		.filter((line) => line.startsWith(`${program}\t`))
		.map((line) => {
			const [, test, port, epoll, reason] = line.split('\t');
			if (!reason) throw new Error(`${table}: a row without reason: ${line}`);
			return { test, port, epoll, used: false };
		});
}

const fits = (pattern, name) =>
	pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;

/**
 * Maps of name → 'passed' | 'skipped' | 'failed'. Counts the tests on the port, and prints what is
 * neither equal nor explained.
 */
export function compare(program, port, epoll) {
	const rows = differences(program);
	let counts = none();
	const fail = (text) => {
		counts = add(counts, failure(`${program}: ${text}`));
	};
	for (const [name, result] of port) {
		const other = epoll.get(name) ?? 'absent';
		const row = rows.find((r) => fits(r.test, name));
		if (row !== undefined) row.used = true;
		const expected = row === undefined ? result === other : row.port === result && row.epoll === other;
		if (!expected) fail(`${name} ${result} on the port, ${other} on epoll`);
		else if (row === undefined && result === 'failed') fail(`${name} on both`);
		else counts[result === 'failed' ? 'skipped' : result]++;
	}
	for (const name of epoll.keys()) if (!port.has(name)) fail(`${name} did not run on the port`);
	for (const row of rows) if (!row.used) fail(`differences.tsv names ${row.test}, which did not run`);
	const { passed, failed, skipped } = counts;
	const said = `${passed} passed, ${skipped} skipped, as on epoll but for ${rows.length} rows of differences.tsv`;
	console.log(`${failed === 0 ? 'ok   ' : 'FAIL '} ${program}: ${said}`);
	return counts;
}
