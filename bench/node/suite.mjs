// The benches that need nothing but Node: what `event-ports bench` runs.

import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { collect } from '../collect.mjs';
import { cells, compareRows, HEAD, picture } from '../comparisons.mjs';
import { table } from '../table.mjs';
import { comparisons } from './comparisons.mjs';

export const names = [...new Set(comparisons.map(({ bench }) => bench))];

const fileOf = (bench) => fileURLToPath(new URL(`${bench}.mjs`, import.meta.url));

/** Runs the benches of these names; what they found as data, as text and as SVG. */
export async function measure(chosen, options) {
	const commandOf = (bench) => [process.execPath, fileOf(bench)];
	const { rows, failures } = await collect(chosen, commandOf, options);
	const machine = { node: process.version, kernel: release(), cpu: cpus()[0]?.model ?? 'unknown', cpus: cpus().length };
	const date = new Date().toISOString();
	const found = compareRows(rows, comparisons);
	const note = `Node ${process.versions.node}, Linux ${machine.kernel}, ${machine.cpus} × ${machine.cpu}, ${date.slice(0, 10)}`;
	return {
		report: { date, machine, quick: options.quick, comparisons: found, rows },
		text: `${table(HEAD, found.map(cells))}\n\n${note}`,
		svg: picture(found, note),
		failures,
	};
}
