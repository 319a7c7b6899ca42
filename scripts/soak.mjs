// npm run test:soak: a storm of beginnings and ends. Processes that create ports, wait, terminate
// workers, exit, throw and drop ports to be collected, in random order from a seed that is printed.
// A crash, a hang, a leaked descriptor or an unexpected exit code fails. Then one process whose
// heap and descriptors have to stay level.
//   node scripts/soak.mjs [--cycles 10000] [--seed N] [--node PATH] [--per-process 100] [--rounds 30]

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { random } from '../test/soak/random.mjs';
import { add, failure, format, none } from './counts.mjs';
import { root } from './process.mjs';

const programs = path.join(root, 'test/soak');
const PROGRAM = path.join(programs, 'process.mjs');
const FLAT = path.join(programs, 'flat.mjs');
const HANGS_AFTER_MS = 600_000; // what hangs is ended, its stacks shown; nothing is judged by time
const MEANT = { throw: 7 };

/** Each thread's system call and kernel stack, as far as they may be seen. */
function stacks(pid) {
	const read = (file) => {
		try {
			return readFileSync(file, 'utf8').trim();
		} catch (error) {
			return error.code;
		}
	};
	return readdirSync(`/proc/${pid}/task`)
		.map((task) => `/proc/${pid}/task/${task}`)
		.map((at) => `${read(`${at}/comm`)}: ${read(`${at}/syscall`)}\n${read(`${at}/stack`)}`)
		.join('\n');
}

function runProcess(node, ...args) {
	const child = spawn(node, ['--expose-gc', ...args.map(String)], {
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let output = '';
	let errors = '';
	child.stdout.on('data', (text) => {
		output += text;
	});
	child.stderr.on('data', (text) => {
		errors += text;
	});
	return new Promise((resolve) => {
		const watchdog = setTimeout(() => {
			errors += `hangs\n${stacks(child.pid)}`;
			child.kill('SIGKILL');
		}, HANGS_AFTER_MS);
		child.on('close', (code, signal) => {
			clearTimeout(watchdog);
			resolve({ code, signal, output, errors });
		});
	});
}

/** Why a process's end was not the one meant, or undefined. */
function fault({ code, signal, output, errors }) {
	if (signal !== null) return `${signal}\n${errors}`;
	let report;
	try {
		report = JSON.parse(output);
	} catch {
		return `exit code ${code}\n${output}${errors}`;
	}
	if (report.leaked !== 0) return `${report.leaked} descriptors leaked ${JSON.stringify(report.counts)}`;
	const meant = report.end === 'throw' ? [1, MEANT.throw] : [0];
	if (!meant.includes(code)) return `exit code ${code} after ${report.end}\n${errors}`;
	if (report.end !== 'throw' && errors !== '') return errors;
	return undefined;
}

/** Runs the storm; resolves to counts of cycles. */
export async function storm({ node = process.execPath, cycles, perProcess = 100, seed }) {
	console.log(`storm: ${cycles} cycles, seed ${seed}, ${node}`);
	const next = random(seed);
	let counts = none();
	for (let left = cycles; left > 0; left -= perProcess) {
		const some = Math.min(left, perProcess);
		const own = Math.floor(next() * 2 ** 32);
		const wrong = fault(await runProcess(node, PROGRAM, own, some));
		if (wrong === undefined) counts = add(counts, { ...none(), passed: some });
		else {
			const command = `node --expose-gc ${path.relative(root, PROGRAM)} ${own} ${some}`;
			counts = add(counts, { ...failure(`${command}\n${wrong}`), passed: some - 1 });
		}
	}
	return counts;
}

/** Runs each action `rounds` times in one process; resolves to counts. */
export async function level({ node = process.execPath, rounds }) {
	const { code, output, errors } = await runProcess(node, FLAT, rounds, 1);
	const last = output.trimEnd().split('\n').at(-1);
	console.log(`level: ${rounds} rounds, ${last}`);
	if (code === 0) return { ...none(), passed: 1 };
	return failure(`${path.relative(root, FLAT)}\n${output}${errors}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const { values } = parseArgs({
		options: {
			cycles: { type: 'string', default: '10000' },
			'per-process': { type: 'string', default: '100' },
			seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
			rounds: { type: 'string', default: '30' },
			node: { type: 'string' },
		},
	});
	const { node } = values;
	const [cycles, perProcess, seed, rounds] = ['cycles', 'per-process', 'seed', 'rounds'].map((name) =>
		Number(values[name]),
	);
	const counts = add(
		await storm({ node, cycles, perProcess, seed }),
		rounds > 0 ? await level({ node, rounds }) : none(),
	);
	console.log(format(counts));
	process.exitCode = counts.failed > 0 ? 1 : 0;
}
