// libFuzzer on what a hostile peer can do to a port (test/fuzz), with clang; for
// EVENT_PORTS_FUZZ_SECONDS (25) each, from the inputs in test/fuzz/seeds.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { add, failure, none } from './counts.mjs';
import { capture, root } from './process.mjs';
import { buildPreset, fixedAddresses } from './suites-native.mjs';

const TARGETS = ['region'];
const HANG_SECONDS = 60; // of one input, on a machine that does much else

async function fuzz() {
	if (spawnSync('clang++', ['--version']).status !== 0) {
		console.log('skip  no clang++ in PATH');
		return { ...none(), skipped: TARGETS.length };
	}
	await buildPreset('fuzz');
	const seconds = process.env['EVENT_PORTS_FUZZ_SECONDS'] ?? '25';
	let counts = none();
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
		// What a long run tells of is what went wrong, at its end.
		const failed = await capture(command, args).then(
			() => undefined,
			(error) => failure(`fuzz_${target}\n${error.output.split('\n').slice(-200).join('\n')}`),
		);
		counts = add(counts, failed ?? { ...none(), passed: 1 });
	}
	return counts;
}

export const fuzzSuites = { fuzz };
