// Processes that share a port of the test's, by every way that Node starts one.

import { type ChildProcess, fork, spawn } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { closeFd, type Port } from 'event-ports';

/** What a member is given beside the ticket: descriptors from FIRST_FD on. */
export const FIRST_FD = 5;
const PROGRAM = new URL('member.mjs', import.meta.url);

interface Answer {
	readonly value?: unknown;
	readonly error?: {
		readonly name: string;
		readonly code?: string;
		readonly errno?: number;
		readonly syscall?: string;
		readonly message: string;
	};
}

/** What a ChildProcess and a cluster's Worker have in common. */
interface Channel {
	once(event: 'message', listener: (answer: Answer) => void): unknown;
	send(message: string): boolean;
}

export class Member {
	readonly child: ChildProcess;
	readonly #channel: Channel;

	constructor(child: ChildProcess, channel: Channel = child) {
		this.child = child;
		this.#channel = channel;
	}

	#next(): Promise<Answer> {
		return new Promise((resolve, reject) => {
			const ended = (code: number | null, signal: string | null) =>
				reject(new Error(`a member ended (${code ?? signal})`));
			this.child.once('exit', ended);
			this.#channel.once('message', (answer: Answer) => {
				this.child.off('exit', ended);
				resolve(answer);
			});
		});
	}

	async ready(): Promise<this> {
		await this.#next();
		return this;
	}

	/** Has statements run, with evp, port, native, columns, handle and kept; what they threw, too. */
	tell(statements: string): Promise<Answer> {
		const answer = this.#next();
		this.#channel.send(statements);
		return answer;
	}

	/** Has statements run; what they throw is a failure of the test. */
	async does(statements: string): Promise<unknown> {
		const { value, error } = await this.tell(statements);
		if (error !== undefined) throw new Error(`${statements}: ${error.name} ${error.message}`);
		return value;
	}

	/** The value of an expression there. */
	async value<R = unknown>(expression: string): Promise<R> {
		return (await this.does(`return ${expression}`)) as R;
	}

	async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
		if (this.child.exitCode !== null || this.child.signalCode !== null) return;
		const exit = once(this.child, 'exit');
		this.child.kill(signal);
		await exit;
	}
}

interface Start {
	/** Its descriptors from FIRST_FD on. */
	readonly fds?: readonly number[];
	readonly env?: NodeJS.ProcessEnv;
}

/** A member in a process of a kind that Node starts, ready. */
export async function member(
	port: Port<never>,
	{ fds = [], env = {} }: Start = {},
	how: keyof typeof ways = 'fork',
): Promise<Member> {
	const ticket = port.ticket();
	const options: Options = {
		stdio: ['ignore', 'inherit', 'pipe', 'ipc', ticket, ...fds],
		env: { ...process.env, ...env },
	};
	const started = ways[how](options);
	closeFd(ticket);
	return started.ready();
}

interface Options {
	readonly stdio: (number | 'ignore' | 'inherit' | 'pipe' | 'ipc')[];
	readonly env: NodeJS.ProcessEnv;
}

const ways = {
	spawn: (options: Options) =>
		new Member(spawn(process.execPath, [fileURLToPath(PROGRAM)], options)),
	fork: (options: Options) => new Member(fork(PROGRAM, options)),
	cluster: ({ stdio, env }: Options) => {
		cluster.setupPrimary({ exec: fileURLToPath(PROGRAM), args: [], stdio });
		const worker = cluster.fork(env);
		return new Member(worker.process, worker);
	},
} as const;
