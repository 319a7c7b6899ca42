// What the benches in JavaScript share: rounds of who against whom, interleaved, and their rows.

import { parseArgs } from 'node:util';
import { median } from '../judge.mjs';

/** `--quick` and `--rounds N`. */
export function optionsOf() {
	const { values } = parseArgs({
		options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' } },
	});
	return { quick: values.quick, rounds: Number(values.rounds) };
}

/** This process's user and system time, in ns. */
export function cpu() {
	const { user, system } = process.cpuUsage();
	return (user + system) * 1000;
}

/**
 * Runs each of `sides` (name: () => figures) once a round, in turn, the first round unseen, and
 * prints a row for each: { bench, case, who, figure: { median, rounds } }.
 */
export async function compare(bench, title, rounds, sides) {
	const seen = Object.fromEntries(Object.keys(sides).map((who) => [who, {}]));
	for (let round = -1; round < rounds; round++) {
		for (const [who, run] of Object.entries(sides)) {
			const figures = await run();
			if (round < 0) continue;
			for (const [name, value] of Object.entries(figures)) (seen[who][name] ??= []).push(value);
		}
	}
	for (const [who, figures] of Object.entries(seen)) {
		const row = { bench, case: title, who };
		for (const [name, values] of Object.entries(figures)) row[name] = { median: median(values), rounds: values };
		console.log(JSON.stringify(row));
	}
}
