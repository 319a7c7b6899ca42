// The vitest suite, run on what was just built.

import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { add, failure } from './counts.mjs';
import { bin, root, stream } from './process.mjs';

async function must(script, ...args) {
	const code = await stream(process.execPath, [path.join(root, 'scripts', script), ...args]);
	if (code !== 0) throw new Error(`scripts/${script}: exit code ${code}`);
}

/** The addon and dist/, brought up to date. */
export async function buildPackage() {
	await must('install.cjs', '--from-source');
	await must('build.mjs');
}

/** What failed in a file of vitest's JSON report. */
function failuresOf(file) {
	const name = path.relative(root, file.name);
	const tests = file.assertionResults
		.filter((test) => test.status === 'failed')
		.map((test) => `FAIL  ${name}: ${test.fullName}\n${test.failureMessages.join('\n')}`);
	return file.message && tests.length === 0 ? [`FAIL  ${name}\n${file.message}`] : tests;
}

async function runVitest() {
	await buildPackage();
	const report = path.join(root, 'out/vitest.json');
	mkdirSync(path.dirname(report), { recursive: true });
	rmSync(report, { force: true });
	const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
	const code = await stream(bin('vitest'), ['run', '--typecheck', ...reporters]);
	const result = JSON.parse(readFileSync(report, 'utf8'));
	const counts = {
		passed: result.numPassedTests,
		failed: result.numFailedTests,
		skipped: result.numPendingTests + result.numTodoTests,
		failures: result.testResults.flatMap(failuresOf),
	};
	return code !== 0 && counts.failed === 0 ? add(counts, failure(`vitest: exit code ${code}`)) : counts;
}

export const nodeSuites = { node: runVitest };
