// Runs the benches, native ones and those in node/; prints what they are held against, saves JSON
// and a chart.
//
//   cmake -S native -B build/native -DEVENT_PORTS_BENCH=ON && cmake --build build/native
//   node bench/run.mjs [--quick] [--rounds N] [--only NAME] [--build DIR] [--out DIR]
//
// NAME is a bench (fd_rearm) or a goal (FD1). A missed bound is a printed row, never an exit code:
// a bench is no test. The exit code tells only whether the benches ran.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { chart } from './chart.mjs';
import { collect } from './collect.mjs';
import { judge } from './judge.mjs';
import { goals as nativeGoals } from './native/goals.mjs';
import { goals as nodeGoals } from './node/goals.mjs';
import { table } from './table.mjs';

const goals = [...nativeGoals, ...nodeGoals];
const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
	options: {
		quick: { type: 'boolean', default: false },
		rounds: { type: 'string' },
		only: { type: 'string' },
		build: { type: 'string', default: join(root, 'build/native/bench/native') },
		out: { type: 'string', default: join(root, 'bench/results') },
	},
});

function chosenBenches() {
	const all = [...new Set(goals.map((goal) => goal.bench))];
	if (!options.only)
		return all;
	const name = options.only;
	return all.filter((bench) => bench === name ||
		goals.some((goal) => goal.bench === bench && goal.goal.split(' ')[0] === name));
}

function commandOf(bench) {
	if (nodeGoals.some((goal) => goal.bench === bench))
		return [process.execPath, join(root, 'bench/node', `${bench}.mjs`)];
	return [join(options.build, bench)];
}

const short = (value) => value === undefined ? '' : String(Number(value.toPrecision(3)));

function printVerdicts(verdicts) {
	console.log(table(
		['goal', 'case', 'ours', 'peer', '', 'ratio', 'must', 'stretch', 'met?'],
		verdicts.map((v) => [v.goal, v.case, short(v.ours), short(v.theirs), v.peer ?? v.figure,
			short(v.ratio), short(v.must), short(v.stretch), v.met])));
}

const benches = chosenBenches();
if (benches.length === 0) {
	console.error(`no bench and no goal is named ${options.only}`);
	process.exit(2);
}
if (!existsSync(options.build)) {
	console.error(`${options.build} is missing: build with -DEVENT_PORTS_BENCH=ON first`);
	process.exit(2);
}

const { rows, leftOut, failures } = await collect(benches, commandOf, options);
for (const line of [...leftOut, ...failures]) console.error(line);
if (failures.length > 0) process.exitCode = 1;

const verdicts = judge(rows, goals);
printVerdicts(verdicts);

const date = new Date().toISOString();
const machine = { kernel: release(), cpu: cpus()[0]?.model, cpus: cpus().length };
const title = `event-ports, native: ${machine.cpu}, Linux ${machine.kernel}, ${date.slice(0, 10)}`;
mkdirSync(options.out, { recursive: true });
const file = join(options.out, `native-${date.replace(/[:.]/g, '-')}`);
writeFileSync(`${file}.json`,
	JSON.stringify({ date, machine, quick: options.quick, verdicts, rows }, null, '\t') + '\n');
writeFileSync(`${file}.svg`, chart(verdicts, title));
console.log(`\n${file}.json\n${file}.svg`);
