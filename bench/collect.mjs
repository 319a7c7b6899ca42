// Runs benches, programs that print a row a line, and gathers their rows.

import { spawn } from 'node:child_process';

// A bench that crashed or hung gives what it printed before.
function run([command, ...args]) {
	const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
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

/**
 * The rows of all `benches`, run one after the other; as texts what they left out, and what failed.
 * `commandOf(bench)`: program and arguments; `tell(bench)` is called before each.
 */
export async function collect(benches, commandOf, { quick, rounds, tell = () => {} }) {
	const flags = [...(quick ? ['--quick'] : []), ...(rounds ? ['--rounds', String(rounds)] : [])];
	const rows = [];
	const leftOut = [];
	const failures = [];
	for (const bench of benches) {
		tell(bench);
		const { rows: found, failure } = await run([...commandOf(bench), ...flags]);
		rows.push(...found);
		for (const row of found.filter((row) => row.skipped)) {
			leftOut.push(`${bench}: ${row.case} ${row.who}: left out: ${row.skipped}`);
		}
		if (failure) failures.push(`${bench}: ${failure}`);
	}
	return { rows, leftOut, failures };
}
