// Goal TS4: there and back between two processes that live on their event loops, against
// process.send (json) and a unix socket of node:net.
//
//   node bench/node/round-trip.mjs [--quick] [--rounds N]
//
// One message at a time is sent, awaited by the other process and answered; p50_us is the time of a
// round trip, cpu_ns user and system time of both sides for one. A message is two integers; through
// the socket a line of 24 bytes. "port" is a pair of ports, one a direction, each awaited by get().

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { closeFd, Port } from 'event-ports';
import { median } from '../judge.mjs';
import { compare, cpu, optionsOf } from './support.mjs';

const file = fileURLToPath(import.meta.url);
const LAST = -1; // after it the answering side says what it has cost
const LINE = 24;
const line = (user) => `1 ${user}`.padEnd(LINE - 1).concat('\n');

// --- Answering sides. Each calls `ended` when it has seen LAST.

const answering = {
	'process.send'(ended) {
		process.on('message', ({ user }) => {
			if (user === LAST) ended();
			else if (user !== undefined) process.send({ events: 1, user });
		});
	},

	async port(ended) {
		const asked = Port.attach(4);
		const answers = Port.attach(5);
		for await (const { user } of asked) {
			if (user === LAST) ended();
			else answers.send(1, user);
		}
	},

	socket(ended, where) {
		const socket = connect(where);
		socket.on('data', (text) => {
			if (Number(text.toString().split(' ')[1]) === LAST) ended();
			else socket.write(text);
		});
	},
};

function answer(way, where) {
	let before;
	process.on('message', (message) => {
		if (message === 'from now on') before = cpu();
	});
	answering[way](() => process.send({ cpu: cpu() - before }), where);
	process.send({ ready: true });
}

// --- Asking sides: `ask` sends and awaits the answer.

async function trips(ask, count) {
	const times = [];
	for (let i = 1; i <= count; i++) {
		const started = performance.now();
		const user = await ask(i);
		times.push((performance.now() - started) * 1000);
		if (user !== i) throw new Error(`asked ${i}, was told ${user}`);
	}
	return times;
}

/** Runs an answering side, and as many trips unseen as are measured. */
async function measured(way, count, { stdio = [], where = '', connected }) {
	const child = fork(file, ['answer', way, where], {
		stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...stdio],
	});
	await once(child, 'message');
	const { ask, last } = await connected(child);
	await trips(ask, count);
	child.send('from now on');
	const before = cpu();
	const times = await trips(ask, count);
	const ours = cpu() - before;
	const ended = new Promise((resolve) =>
		child.on('message', ({ cpu: theirs }) => theirs !== undefined && resolve(theirs)),
	);
	last();
	const figures = { p50_us: median(times), cpu_ns: (ours + (await ended)) / count };
	child.kill();
	await once(child, 'exit');
	return figures;
}

function send(count) {
	const connected = (child) => {
		let told;
		child.on('message', ({ user }) => user !== undefined && told(user));
		const ask = (user) =>
			new Promise((resolve) => {
				told = resolve;
				child.send({ events: 1, user });
			});
		return { ask, last: () => child.send({ events: 1, user: LAST }) };
	};
	return measured('process.send', count, { connected });
}

async function port(count) {
	const asked = new Port();
	const answers = new Port();
	const stdio = [asked.ticket(), answers.ticket()];
	const connected = () => ({
		async ask(user) {
			const answered = answers.get();
			asked.send(1, user);
			return (await answered).user;
		},
		last: () => asked.send(1, LAST),
	});
	const figures = await measured('port', count, { stdio, connected });
	for (const ticket of stdio) closeFd(ticket);
	asked.close();
	answers.close();
	return figures;
}

async function socket(count) {
	const where = path.join(tmpdir(), `event-ports-bench-${process.pid}.sock`);
	const server = createServer().listen(where);
	await once(server, 'listening');
	const arrived = once(server, 'connection');
	const connected = async () => {
		const [peer] = await arrived;
		let told;
		peer.on('data', (text) => told(Number(text.toString().split(' ')[1])));
		const ask = (user) =>
			new Promise((resolve) => {
				told = resolve;
				peer.write(line(user));
			});
		return { ask, last: () => peer.write(line(LAST)) };
	};
	const figures = await measured('socket', count, { where, connected });
	server.close();
	rmSync(where, { force: true });
	return figures;
}

if (process.argv[2] === 'answer') {
	answer(process.argv[3], process.argv[4]);
} else {
	const { quick, rounds } = optionsOf();
	const count = quick ? 1000 : 10_000;
	await compare('round-trip', 'messages=1', rounds, {
		port: () => port(count),
		'process.send': () => send(count),
		socket: () => socket(count),
	});
}
