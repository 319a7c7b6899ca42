// event-ports bench: measures this machine, ours beside what Node itself has, and draws it.

import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { painter } from './cli-colours.js';
import { UsageError } from './cli-usage.js';

export const help = `Usage: event-ports bench [NAME...] [options]

Measures this machine: each bench runs what a port does beside what Node has for it, in turn,
in the same run, and tells the ratio of both (medians of the rounds; below 1: the port costs
less). Writes a table, and a chart as SVG. All of them take some minutes; --quick one.

  NAME          of send, round-trip, timers-node, aio, wake, watch, echo (default: all)
  --quick       fewer repetitions: for a first look
  --rounds N    rounds, 1 to 100 (default 5)
  --svg FILE    where the chart goes (default event-ports-bench.svg)
  --json        machine, comparisons and all rounds as one JSON object in place of the table;
                no chart unless --svg asks for one
  --help        this text

Exit codes: 0 done, 1 a bench failed (what the others found is told), 2 wrong arguments.
`;

const CHART = 'event-ports-bench.svg';

/** What bench/node/suite.mjs exports; it is shared with the benches of a checkout. */
interface Suite {
	readonly names: readonly string[];
	measure(names: readonly string[], options: Options): Promise<Found>;
}

interface Options {
	readonly quick: boolean;
	readonly rounds: number;
	readonly tell: (bench: string) => void;
}

interface Found {
	readonly report: object;
	readonly text: string;
	readonly svg: string;
	readonly failures: readonly string[];
}

function roundsOf(text: string): number {
	const rounds = Number(text);
	if (!/^\d+$/.test(text) || rounds < 1 || rounds > 100) {
		throw new UsageError(`--rounds takes a number from 1 to 100, not '${text}'`);
	}
	return rounds;
}

export async function run(args: string[]): Promise<number> {
	const { values, positionals } = parseArgs({
		args,
		allowPositionals: true,
		options: {
			quick: { type: 'boolean', default: false },
			rounds: { type: 'string', default: '5' },
			svg: { type: 'string' },
			json: { type: 'boolean', default: false },
		},
	});
	const rounds = roundsOf(values.rounds);
	const file = pathToFileURL(path.join(__dirname, '../bench/node/suite.mjs'));
	const suite = (await import(file.href)) as Suite;
	const unknown = positionals.find((name) => !suite.names.includes(name));
	if (unknown !== undefined) {
		throw new UsageError(`there is no bench '${unknown}'; there are ${suite.names.join(', ')}`);
	}
	const paint = painter(process.stderr);
	const tell = (bench: string) => {
		if (process.stderr.isTTY) console.error(paint('dim', `measuring ${bench} ...`));
	};
	const chart = values.svg ?? (values.json ? undefined : CHART);
	// Opened before the minutes are spent: where it can't be written they would be for nothing.
	const drawn = chart === undefined ? undefined : openSync(chart, 'w');
	const names =
		positionals.length > 0 ? suite.names.filter((name) => positionals.includes(name)) : suite.names;
	const found = await suite.measure(names, { quick: values.quick, rounds, tell });
	if (drawn !== undefined) {
		writeSync(drawn, found.svg);
		closeSync(drawn);
	}
	console.log(values.json ? JSON.stringify(found.report, null, '\t') : found.text);
	if (chart !== undefined && !values.json) console.log(chart);
	for (const failure of found.failures) console.error(`event-ports: bench ${failure}`);
	return found.failures.length > 0 ? 1 : 0;
}
