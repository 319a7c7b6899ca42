// Servers as a test sees them: started in the foreground, followed by what they print, loaded over
// HTTP, ended as their own manual says.

import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { out, sourcePackage } from './packages.mjs';

/** Where a program is built: a copy of its source, for those that build in place; `as` tells copies apart. */
export async function buildFolder(name, untouched, as = name) {
	const source = await sourcePackage(name, untouched);
	const folder = path.join(out, 'build', as);
	if (!existsSync(folder))
		cpSync(source, folder, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
	return folder;
}

/** A fresh folder for what a server reads and writes. */
export function runFolder(name) {
	const folder = path.join(out, 'run', name);
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	return folder;
}

/** A TCP port that nobody listens on. */
export function freePort() {
	return new Promise((resolve, reject) => {
		const server = net.createServer().once('error', reject);
		server.listen(0, '127.0.0.1', () => {
			const { port } = server.address();
			server.close(() => resolve(port));
		});
	});
}

/** A process that is followed by its lines; it is killed with its group if the test gives up. */
export class Server {
	#child;
	#text = '';
	#wanted = [];

	constructor(command, args, options = {}) {
		this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...options });
		this.ended = new Promise((resolve) => {
			this.#child.once('error', (error) => resolve(error.message));
			this.#child.once('exit', (code, signal) => resolve(signal ?? code));
		});
		for (const pipe of [this.#child.stdout, this.#child.stderr])
			pipe.setEncoding('utf8').on('data', (text) => {
				this.#text += text;
				this.#look();
			});
		this.ended.then(() => this.#look());
	}

	get text() {
		return this.#text;
	}

	get pid() {
		return this.#child.pid;
	}

	signal(name) {
		this.#child.kill(name);
	}

	/** Resolves when it has printed `pattern` (with flag g) `count` times since it began. */
	async printed(pattern, count = 1) {
		const seen = () => [...this.#text.matchAll(pattern)].length >= count;
		const shown = new Promise((resolve) => this.#wanted.push({ seen, resolve }));
		this.#look();
		const end = await Promise.race([shown, this.ended.then((how) => ({ how }))]);
		if (end !== undefined && !seen()) throw new Error(`ended with ${end.how} before ${pattern}:\n${this.#text}`);
	}

	/** Its exit status, after `ask` asked it to end; 0 is expected. */
	async end(ask) {
		ask();
		const how = await this.ended;
		if (how !== 0) throw new Error(`ended with ${how}:\n${this.#text}`);
	}

	kill() {
		try {
			process.kill(-this.pid, 'SIGKILL');
		} catch {
			// It has ended.
		}
	}

	#look() {
		this.#wanted = this.#wanted.filter(({ seen, resolve }) => {
			if (!seen()) return true;
			resolve();
			return false;
		});
	}
}

function get(url, agent, headers) {
	return new Promise((resolve, reject) => {
		const request = http.get(url, { agent, headers }, (response) => {
			const parts = [];
			response.on('data', (part) => parts.push(part));
			response.on('error', reject);
			response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(parts) }));
		});
		request.on('error', reject);
	});
}

/** `count` requests, `parallel` at a time; each has to be answered with `body`. */
export async function load(url, body, { count = 2000, parallel = 32, keepAlive = true } = {}) {
	const agent = new http.Agent({ keepAlive, maxSockets: parallel });
	const headers = keepAlive ? {} : { connection: 'close' };
	let left = count;
	const client = async () => {
		while (left-- > 0) {
			const got = await get(url, agent, headers);
			if (got.status !== 200 || !got.body.equals(body))
				throw new Error(`${url}: ${got.status}, ${got.body.length} bytes instead of ${body.length}`);
		}
	};
	try {
		await Promise.all(Array.from({ length: parallel }, client));
	} finally {
		agent.destroy();
	}
}

/** Runs `test` with servers; if it fails they are killed, and what they said is told. */
export async function withServers(test) {
	const servers = [];
	const start = (...args) => {
		const server = new Server(...args);
		servers.push(server);
		return server;
	};
	try {
		await test(start);
	} catch (error) {
		const said = servers.map((server) => server.text.slice(-4000));
		throw Object.assign(error, { output: [error.output ?? error.stack, ...said].join('\n') });
	} finally {
		for (const server of servers) server.kill();
	}
}
