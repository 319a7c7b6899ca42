// What several suites need: programs in processes and workers of their own, and what the process
// holds open.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** The package as an ES module, for programs that tests write. */
export const PACKAGE = new URL('../../dist/index.mjs', import.meta.url).href;
const PRELUDE = `import * as evp from ${JSON.stringify(PACKAGE)};
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
const { Port, POLLIN, POLLOUT } = evp;
`;
// Only ends what hangs; no test is judged by time.
const WATCHDOG_MS = 60_000;

export interface Outcome {
	code: number | null;
	signal: NodeJS.Signals | null;
	stdout: string;
	stderr: string;
}

/** Runs a program, given as source text with Port imported, in a process of its own. */
export function runProgram(source: string, args: string[] = []): Promise<Outcome> {
	const child = startProgram(source, args);
	return outcomeOf(child);
}

export function startProgram(source: string, args: string[] = []): ChildProcess {
	return spawn(process.execPath, [...args, '--input-type=module', '-e', PRELUDE + source], {
		stdio: ['ignore', 'pipe', 'pipe'],
	});
}

export function outcomeOf(child: ChildProcess): Promise<Outcome> {
	return new Promise((resolve, reject) => {
		const outcome = { stdout: '', stderr: '' };
		child.stdout?.on('data', (chunk) => {
			outcome.stdout += chunk;
		});
		child.stderr?.on('data', (chunk) => {
			outcome.stderr += chunk;
		});
		const watchdog = setTimeout(() => {
			const where = stacks(child.pid as number);
			child.kill('SIGKILL');
			reject(new Error(`hangs\n${where}\n${outcome.stdout}${outcome.stderr}`));
		}, WATCHDOG_MS);
		child.on('error', reject);
		child.on('close', (code, signal) => {
			clearTimeout(watchdog);
			resolve({ code, signal, ...outcome });
		});
	});
}

/** Each thread's system call and kernel stack, as far as we may see them. */
function stacks(pid: number): string {
	const read = (path: string) => {
		try {
			return readFileSync(path, 'utf8').trim();
		} catch (error) {
			return String(error);
		}
	};
	return readdirSync(`/proc/${pid}/task`)
		.map((task) => `/proc/${pid}/task/${task}`)
		.map((at) => `${read(`${at}/comm`)}: ${read(`${at}/syscall`)}\n${read(`${at}/stack`)}`)
		.join('\n');
}

/** Starts a worker from source text with Port imported. */
export function startWorker(source: string, options: WorkerOptions = {}): Worker {
	const url = new URL(`data:text/javascript,${encodeURIComponent(PRELUDE + source)}`);
	return new Worker(url, options);
}

/** The next message of a worker; its error, or its end, is a failure. */
export function message<T>(worker: Worker): Promise<T> {
	return new Promise((resolve, reject) => {
		const ended = (code: number) => reject(new Error(`worker ended (${code})`));
		const failed = (error: unknown) => reject(error);
		worker.once('error', failed);
		worker.once('exit', ended);
		worker.once('message', (value: T) => {
			worker.off('error', failed);
			worker.off('exit', ended);
			resolve(value);
		});
	});
}

function isOpen(fd: number): boolean {
	try {
		readlinkSync(`/proc/self/fd/${fd}`);
		return true;
	} catch {
		return false;
	}
}

/** The descriptors of this process, by number. */
export function openDescriptors(): number[] {
	const numbers = readdirSync('/proc/self/fd').map(Number);
	// One of them was the folder itself.
	return numbers.filter(isOpen).sort((a, b) => a - b);
}

/** Lets the event loop turn once, with all its phases. */
export function turn(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when a condition holds; tested once a turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
	while (!condition()) await turn();
}

/** The code of the error that a call throws, or `none`. */
export function codeOf(call: () => unknown): string {
	try {
		call();
	} catch (error) {
		return (error as { code: string }).code;
	}
	return 'none';
}
