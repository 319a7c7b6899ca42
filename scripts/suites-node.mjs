// The vitest suite, run on what was just built.

import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
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
	};
	return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

export const nodeSuites = { node: runVitest };
