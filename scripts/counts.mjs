// How the test scripts count: every suite ends in {passed, failed, skipped}.

export const none = () => ({ passed: 0, failed: 0, skipped: 0 });

export const add = (a, b) => ({
	passed: a.passed + b.passed,
	failed: a.failed + b.failed,
	skipped: a.skipped + b.skipped,
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
		}))
		.reduce(add);
}

/** Runs named checks one after the other; a check fails by throwing. */
export async function runChecks(checks) {
	const counts = none();
	for (const [name, check] of Object.entries(checks)) {
		try {
			await check();
			counts.passed++;
			console.log(`ok    ${name}`);
		} catch (error) {
			counts.failed++;
			console.log(`FAIL  ${name}\n${indent(error.output ?? error.stack)}`);
		}
	}
	return counts;
}

function indent(text) {
	return text.trimEnd().replace(/^/gm, '      ');
}
