// How the test scripts count: every suite ends in {passed, failed, skipped, failures}, where failures
// tells of each what it printed, to be read at the end of a long run.

export const none = () => ({ passed: 0, failed: 0, skipped: 0, failures: [] });

/** One that failed; prints why. */
export function failure(text) {
	const said = `FAIL  ${text}`;
	console.log(said);
	return { ...none(), failed: 1, failures: [said] };
}

export const add = (a, b) => ({
	passed: a.passed + b.passed,
	failed: a.failed + b.failed,
	skipped: a.skipped + b.skipped,
	failures: [...a.failures, ...b.failures],
});

export const format = (c) => `${c.passed} passed, ${c.failed} failed, ${c.skipped} skipped`;

/** The sum of all lines in `text` that are written as format() writes them, or undefined. */
export function parse(text) {
	const lines = [...text.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)];
	if (lines.length === 0) return undefined;
	return lines
		.map(([, passed, failed, skipped]) => ({
			passed: Number(passed),
			failed: Number(failed),
			skipped: Number(skipped),
			failures: [],
		}))
		.reduce(add);
}

/** Runs named checks one after the other; a check fails by throwing. */
export async function runChecks(checks) {
	let counts = none();
	for (const [name, check] of Object.entries(checks)) {
		try {
			await check();
			console.log(`ok    ${name}`);
			counts = add(counts, { ...none(), passed: 1 });
		} catch (error) {
			counts = add(counts, failure(`${name}\n${indent(error.output ?? error.stack)}`));
		}
	}
	return counts;
}

function indent(text) {
	return text.trimEnd().replace(/^/gm, '      ');
}
