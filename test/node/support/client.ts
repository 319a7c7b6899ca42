// A TCP client that does what no decent client would.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export class Client implements Disposable {
	readonly socket: Socket;
	#chunks: Buffer[] = [];
	#ended = false;

	constructor(port: number) {
		this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
		this.socket.on('error', () => {
			this.#ended = true; // a reset is an end like another
		});
		this.socket.once('close', () => {
			this.#ended = true;
		});
		this.socket.once('end', () => {
			this.#ended = true;
		});
	}

	get text(): string {
		return Buffer.concat(this.#chunks).toString('latin1');
	}

	/** Starts to read, unless it does already. */
	listen(): this {
		if (this.socket.listenerCount('data') > 0) return this;
		this.socket.on('data', (chunk) => this.#chunks.push(chunk));
		return this;
	}

	send(text: string): this {
		this.socket.write(text);
		return this;
	}

	/** Everything up to the end that the server makes. */
	async all(): Promise<Buffer> {
		this.listen();
		while (!this.#ended) await this.#something('end', 'close', 'error');
		return Buffer.concat(this.#chunks);
	}

	/** Resolves when what was received matches. */
	async received(pattern: RegExp): Promise<string> {
		this.listen();
		while (!pattern.test(this.text)) {
			if (this.#ended) throw new Error(`the connection ended after:\n${this.text}`);
			await this.#something('data', 'end', 'close', 'error');
		}
		return this.text;
	}

	async #something(...names: string[]): Promise<void> {
		const abort = new AbortController();
		const waits = names.map((name) =>
			once(this.socket, name, { signal: abort.signal }).catch(() => {}),
		);
		await Promise.race(waits);
		abort.abort();
	}

	[Symbol.dispose](): void {
		this.socket.destroy();
	}
}

export const GET = (path: string, headers = ''): string =>
	`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;
