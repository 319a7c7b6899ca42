// The suites that CMake builds: native tests and the conformance suite, plain and sanitized.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { add, failure, none, parse } from './counts.mjs';
import { root, stream } from './process.mjs';

// Ends a hang whose own watchdog hangs too.
const TEST_LIMIT_SECONDS = 600;

const SANITIZER_ENV = {
	ASAN_OPTIONS: 'detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1',
	UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
	TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1',
};

/** Configures and builds a preset; throws when that fails. */
export async function buildPreset(preset) {
	const jobs = String(availableParallelism());
	const cwd = path.join(root, 'native');
	for (const args of [
		['--preset', preset],
		['--build', '--preset', preset, '-j', jobs],
	]) {
		const code = await stream('cmake', args, { cwd });
		if (code !== 0) throw new Error(`cmake ${args.join(' ')}: exit code ${code}`);
	}
}

/** The name of a test that failed, and what it printed but for what it said was fine. */
function failureOf(testcase) {
	const name = /name="([^"]*)"/.exec(testcase)?.[1];
	const printed = /<system-out>([^]*?)<\/system-out>/.exec(testcase)?.[1] ?? '';
	const lines = printed.split('\n').filter((line) => !/^(ok|skipped) /.test(line));
	return [`FAIL  ${name}`, ...lines.slice(-60)].join('\n');
}

/**
 * Counts a JUnit file of ctest. A program that runs many cases says how many in a line of the form
 * of counts.format() and counts as that many; any other counts as one.
 */
export function countJUnit(xml) {
	return xml
		.split('<testcase ')
		.slice(1)
		.map((testcase) => {
			const status = /status="(\w+)"/.exec(testcase)?.[1];
			if (status === 'notrun' || status === 'disabled') return { ...none(), skipped: 1 };
			const said = parse(testcase);
			if (status === 'run') return said ?? { ...none(), passed: 1 };
			const counts = said !== undefined && said.failed > 0 ? said : { ...none(), failed: 1 };
			return { ...counts, failures: [failureOf(testcase)] };
		})
		.reduce(add, none());
}

/**
 * GCC 12's sanitizers abort where the kernel randomises more address bits than they know of
 * (vm.mmap_rnd_bits above 28): without randomisation then, where a container allows that.
 */
export function fixedAddresses() {
	return spawnSync('setarch', ['-R', 'true']).status === 0 ? ['setarch', '-R'] : [];
}

async function runPreset(preset, selection, wrapper = []) {
	await buildPreset(preset);
	const folder = path.join(root, 'out', preset);
	const report = path.join(folder, 'junit.xml');
	mkdirSync(folder, { recursive: true });
	rmSync(report, { force: true });
	const [command, ...args] = [
		...wrapper,
		'ctest',
		...[
			['--test-dir', folder, '--output-on-failure', '--output-junit', report],
			['--test-output-size-passed', '1000000', '--test-output-size-failed', '1000000'],
			['--timeout', String(TEST_LIMIT_SECONDS), '-j', String(availableParallelism())],
			selection,
		].flat(),
	];
	const code = await stream(command, args, { env: { ...SANITIZER_ENV, ...process.env } });
	const counts = countJUnit(readFileSync(report, 'utf8'));
	return code !== 0 && counts.failed === 0 ? add(counts, failure(`ctest: exit code ${code}`)) : counts;
}

// What the sanitizers see twice: the static library is made of the same objects; npm run test:asan
// and test:tsan run that as well. That every clause has its test is told without them, where none is
// gated for their sake.
const FULL = process.env['EVENT_PORTS_FULL'] === '1';
const TWICE = ['-E', FULL ? 'conformance_clauses' : 'conformance_clauses|_static'];

// Tests of the conformance suite carry that label; the sanitizers run both kinds.
export const nativeSuites = {
	native: () => runPreset('dev', ['-LE', 'conformance']),
	conformance: () => runPreset('dev', ['-L', 'conformance']),
	asan: () => runPreset('asan-ubsan', TWICE, fixedAddresses()),
	// What ThreadSanitizer can't see through is left out, by a label. The threads' engine works on the
	// program's descriptors, which it may close at any time: the kernel has an answer to that.
	tsan: () => runPreset('tsan', [...TWICE, '-LE', 'no-tsan'], fixedAddresses()),
};
