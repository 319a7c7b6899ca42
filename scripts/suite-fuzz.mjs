// libFuzzer on what a hostile peer can do to a port (test/fuzz), with clang; for
// EVENT_PORTS_FUZZ_SECONDS (25) each, from the inputs in test/fuzz/seeds.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { none } from './counts.mjs';
import { root, stream } from './process.mjs';
import { buildPreset, fixedAddresses } from './suites-native.mjs';

const TARGETS = ['region'];
const HANG_SECONDS = 60; // of one input, on a machine that does much else

async function fuzz() {
	const counts = none();
	if (spawnSync('clang++', ['--version']).status !== 0) {
		console.log('skip  no clang++ in PATH');
		return { ...counts, skipped: TARGETS.length };
	}
	await buildPreset('fuzz');
	const seconds = process.env['EVENT_PORTS_FUZZ_SECONDS'] ?? '25';
	for (const target of TARGETS) {
		const folder = path.join(root, 'out/fuzz', target);
		const corpus = path.join(folder, 'corpus');
		mkdirSync(corpus, { recursive: true });
		const [command, ...args] = [
			...fixedAddresses(),
			path.join(root, 'out/fuzz/test/fuzz', `fuzz_${target}`),
			...[`-max_total_time=${seconds}`, `-timeout=${HANG_SECONDS}`],
			...['-max_len=320', '-len_control=0', '-print_final_stats=1', '-verbosity=0'],
			`-artifact_prefix=${folder}/`,
			...[corpus, path.join(root, 'test/fuzz/seeds', target)],
		];
		const code = await stream(command, args);
		code === 0 ? counts.passed++ : counts.failed++;
	}
	return counts;
}

export const fuzzSuites = { fuzz };
