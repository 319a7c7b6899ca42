// `event-ports serve` as a process of its own, and what may be asked of it from outside.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const CLI = path.join(import.meta.dirname, '../../../dist/cli.js');
const PATIENCE = 60_000; // ms until a process that should have ended is taken for hung

/** What the live page is sent; the fields that tests look at. */
export interface Sample {
	ports: {
		name: string;
		slots: number;
		queued: number;
		waiters: number;
		delivered: Record<string, number>;
	}[];
	workers: {
		connections: number;
		accepted: number;
		requests: number;
		bytes: number;
		read: number;
	}[];
}

export class Serving implements AsyncDisposable {
	readonly child: ChildProcess;
	readonly reports = mkdtempSync(path.join(tmpdir(), 'event-ports-report-'));
	output = '';
	port = 0;

	/** `shell` is what runs before the command in the same process, such as a ulimit. */
	private constructor(folder: string, options: string[], shell: string) {
		const node = ['--report-on-signal', `--report-directory=${this.reports}`];
		const engine = process.env['SERVE_ENGINE'] ?? 'readiness'; // serve-completion.test.ts
		const args = [...node, CLI, 'serve', folder, '--port', '0', '--engine', engine, ...options];
		const script = `${shell}\nexec "$0" "$@"`;
		this.child = spawn('sh', ['-ec', script, process.execPath, ...args], {
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		for (const stream of [this.child.stdout, this.child.stderr]) {
			stream?.setEncoding('utf8').on('data', (text: string) => {
				this.output += text;
			});
		}
	}

	static async start(folder: string, options: string[] = [], shell = ''): Promise<Serving> {
		const serving = new Serving(folder, options, shell);
		await serving.said(/ at http:\/\/127\.0\.0\.1:\d+\/ /);
		serving.port = Number(/127\.0\.0\.1:(\d+)/.exec(serving.output)?.[1]);
		return serving;
	}

	get url(): string {
		return `http://127.0.0.1:${this.port}`;
	}

	get ended(): boolean {
		return this.child.exitCode !== null || this.child.signalCode !== null;
	}

	/** Resolves when its output matches. */
	async said(pattern: RegExp): Promise<void> {
		while (!pattern.test(this.output)) {
			if (this.ended) throw new Error(`it ended without ${pattern}:\n${this.output}`);
			await Promise.race([
				once(this.child.stdout as NodeJS.ReadableStream, 'data'),
				once(this.child, 'close'),
			]);
		}
	}

	interrupt(): void {
		this.child.kill('SIGINT');
	}

	/** Its exit code; one that failed says why, one that hangs is asked for its stacks, and killed. */
	async exit(): Promise<number | null> {
		const hung = setTimeout(() => this.child.kill('SIGUSR2'), PATIENCE);
		const killed = setTimeout(() => this.child.kill('SIGKILL'), PATIENCE + 5_000);
		if (!this.ended) await once(this.child, 'close');
		clearTimeout(hung);
		clearTimeout(killed);
		if (this.child.signalCode === 'SIGKILL') {
			const reports = readdirSync(this.reports).map((name) => {
				const report = JSON.parse(readFileSync(path.join(this.reports, name), 'utf8'));
				return JSON.stringify([report.javascriptStack, report.libuv, report.workers], null, 1);
			});
			throw new Error(`it hung:\n${this.output}\n${reports.join('\n')}`);
		}
		if (this.child.exitCode === 1) throw new Error(`it failed:\n${this.output}`);
		return this.child.exitCode;
	}

	descriptors(): number {
		return readdirSync(`/proc/${this.child.pid}/fd`).length;
	}

	/** The files it has open whose names match. */
	opened(name: RegExp): string[] {
		const folder = `/proc/${this.child.pid}/fd`;
		return readdirSync(folder)
			.flatMap((fd) => {
				try {
					return readlinkSync(`${folder}/${fd}`);
				} catch {
					return []; // closed meanwhile
				}
			})
			.filter((file) => name.test(file));
	}

	/** Bytes that it has read of files, all threads. */
	async bytesRead(): Promise<number> {
		const { workers } = await this.sampled(() => true);
		return workers.reduce((sum, { read }) => sum + read, 0);
	}

	/** Samples of the live page, until `enough` of one; gives that one. */
	async sampled(enough: (sample: Sample, before: Sample | undefined) => boolean): Promise<Sample> {
		const { body } = await fetch(`${this.url}/_port/events`);
		let text = '';
		let before: Sample | undefined;
		for await (const chunk of (body as ReadableStream<Uint8Array>).pipeThrough(
			new TextDecoderStream(),
		)) {
			text += chunk;
			for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
				const sample = JSON.parse(text.slice('data: '.length, end)) as Sample;
				if (enough(sample, before)) return sample;
				before = sample;
				text = text.slice(end + 2);
			}
		}
		throw new Error('the samples ended');
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (!this.ended) {
			this.child.kill('SIGKILL');
			await once(this.child, 'close');
		}
		rmSync(this.reports, { recursive: true, force: true });
	}
}
