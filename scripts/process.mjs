// Running other programs from the scripts.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Runs a program with its output on ours; resolves to its exit code (128 + n for a signal). */
export function stream(command, args, options = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
		child.once('error', reject);
		child.once('exit', (code) => resolve(code ?? 128));
	});
}

/** Runs a program and gives what it wrote; throws an Error with `output` when it fails. */
export function capture(command, args, options = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, {
			cwd: root,
			stdio: ['ignore', 'pipe', 'pipe'],
			...options,
		});
		let output = '';
		for (const pipe of [child.stdout, child.stderr]) {
			pipe.setEncoding('utf8').on('data', (text) => {
				output += text;
			});
		}
		child.once('error', reject);
		child.once('close', (code, signal) => {
			if (code === 0) return resolve(output);
			const error = new Error(`${command} ${args.join(' ')}: ${signal ?? `exit code ${code}`}`);
			reject(Object.assign(error, { output: `${error.message}\n${output}` }));
		});
	});
}

/** The command of a development dependency. */
export const bin = (name) => path.join(root, 'node_modules/.bin', name);
