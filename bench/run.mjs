// Runs the benches, native ones and those in node/; prints what they are held against, saves JSON
// and a chart.
//
//   cmake -S native -B build/native -DEVENT_PORTS_BENCH=ON && cmake --build build/native
//   node bench/run.mjs [--quick] [--rounds N] [--only NAME] [--build DIR] [--out DIR]
//
// NAME is a bench (fd_rearm) or a goal (FD1). A missed bound is a printed row, never an exit code:
// a bench is no test. The exit code tells only whether the benches ran.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { chart } from './chart.mjs';
import { judge } from './judge.mjs';
import { goals as nativeGoals } from './native/goals.mjs';
import { goals as nodeGoals } from './node/goals.mjs';

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

// Resolves to the rows; a bench that crashed or hung gives what it printed before.
function run(bench) {
	const flags = options.quick ? ['--quick'] : [];
	if (options.rounds)
		flags.push('--rounds', options.rounds);
	const [command, ...args] = commandOf(bench);
	const child = spawn(command, [...args, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
	let text = '';
	child.stdout.setEncoding('utf8').on('data', (part) => { text += part; });
	return new Promise((resolve) => {
		child.on('error', (error) => resolve({ rows: [], failure: error.message }));
		child.on('close', (code, signal) => resolve({
			rows: text.split('\n').filter(Boolean).map((line) => JSON.parse(line)),
			failure: code === 0 ? undefined : `ended with ${signal ?? code}`,
		}));
	});
}

const short = (value) => value === undefined ? '' : String(Number(value.toPrecision(3)));

function printTable(head, body) {
	const rows = [head, ...body];
	const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
	for (const row of rows)
		console.log(row.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd());
}

function printVerdicts(verdicts) {
	printTable(
		['goal', 'case', 'ours', 'peer', '', 'ratio', 'must', 'stretch', 'met?'],
		verdicts.map((v) => [v.goal, v.case, short(v.ours), short(v.theirs), v.peer ?? v.figure,
			short(v.ratio), short(v.must), short(v.stretch), v.met]));
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

const rows = [];
for (const bench of benches) {
	const { rows: found, failure } = await run(bench);
	rows.push(...found);
	for (const row of found.filter((row) => row.skipped))
		console.error(`${bench}: ${row.case} ${row.who}: left out: ${row.skipped}`);
	if (failure) {
		console.error(`${bench}: ${failure}`);
		process.exitCode = 1;
	}
}

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
