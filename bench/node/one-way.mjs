// Goal TS3: one way from one process to another, against process.send (json), and against a ring in
// a SharedArrayBuffer between two workers, which is what JavaScript can do without a port.
//
//   node bench/node/one-way.mjs [--quick] [--rounds N]
//
// A message is two integers, but in the ring one. "port" blocks, as the ring's receiver does;
// "port-loop" awaits on its event loop, as process.send's does. "ring" wakes with each message, "ring-lazy" only a receiver that said it sleeps. cpu_ns is
// user and system time of both sides a message.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { closeFd, Port } from 'event-ports';
import { Ring } from './ring.mjs';
import { compare, cpu, optionsOf } from './support.mjs';

const file = fileURLToPath(import.meta.url);
const BATCH = 256;
const LIMIT = 65_536;
const WINDOW = LIMIT / 2; // sent and not yet acknowledged, of ports
const sumTo = (count) => (count * (count + 1)) / 2;

// --- Senders: each is told a count, and says what that cost it.

const senders = {
	async send(count) {
		for (let i = 1; i <= count; i++) {
			if (i % BATCH !== 0) process.send({ events: 1, user: i });
			else await new Promise((resolve) => process.send({ events: 1, user: i }, resolve));
		}
	},
	port: (() => {
		let messages, acks;
		return (count) => {
			messages ??= Port.attach(4);
			acks ??= Port.attach(5);
			for (let i = 1; i <= count; i++) {
				messages.send(1, i);
				if (i % WINDOW === 0) acks.getSync();
			}
		};
	})(),
};

async function sender(way) {
	process.on('message', async ({ count }) => {
		const before = cpu();
		await senders[way](count);
		process.send({ cpu: cpu() - before });
	});
	process.send({});
}

// --- Receivers: they have started a sender, and take `count` messages from it.

const answer = (child) => once(child, 'message').then(([message]) => message);

async function withSender(way, stdio, receive, counts) {
	const child = fork(file, ['sender', way], { stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...stdio] });
	await answer(child);
	let figures;
	for (const count of counts) {
		child.send({ count });
		const before = cpu();
		const started = performance.now();
		const sent = await receive(child, count);
		const wall = performance.now() - started;
		const { cpu: theirs } = sent ?? (await answer(child));
		figures = { cpu_ns: (cpu() - before + theirs) / count, wall_ns: (wall * 1e6) / count };
	}
	child.disconnect();
	await once(child, 'exit');
	return figures;
}

function check(sum, count) {
	if (sum !== sumTo(count)) throw new Error('messages were lost');
}

function send(counts) {
	const receive = (child, count) =>
		new Promise((resolve) => {
			let sum = 0;
			child.on('message', function take(message) {
				if (message.user !== undefined) {
					sum += message.user;
					return;
				}
				check(sum, count);
				child.off('message', take);
				resolve(message);
			});
		});
	return withSender('send', [], receive, counts);
}

async function withPort(receive, counts) {
	const messages = new Port({ limit: LIMIT });
	const acks = new Port();
	const tickets = [messages.ticket(), acks.ticket()];
	const figures = await withSender('port', tickets, (_, count) => receive(messages, acks, count), counts);
	for (const ticket of tickets) closeFd(ticket);
	messages.close();
	acks.close();
	return figures;
}

/** Acknowledges each full window. */
function acknowledge(acks, before, after) {
	if (Math.floor(before / WINDOW) !== Math.floor(after / WINDOW)) acks.send(1);
}

function blocking(messages, acks, count) {
	let sum = 0;
	for (let done = 0; done < count; ) {
		const events = messages.getnSync({ max: BATCH });
		for (const event of events) sum += event.user;
		acknowledge(acks, done, done + events.length);
		done += events.length;
	}
	check(sum, count);
}

async function looping(messages, acks, count) {
	let sum = 0;
	let done = 0;
	for await (const events of messages.batches({ max: BATCH })) {
		for (const event of events) sum += event.user;
		acknowledge(acks, done, done + events.length);
		done += events.length;
		if (done === count) break;
	}
	check(sum, count);
}

// --- The ring, between two workers of this process.

async function ring(lazy, counts) {
	const { memory } = new Ring({ lazy });
	const start = (role) => new Worker(file, { workerData: { role, memory, lazy } });
	const workers = [start('sender'), start('receiver')];
	await Promise.all(workers.map(answer));
	let figures;
	for (const count of counts) {
		const before = cpu();
		const started = performance.now();
		for (const worker of workers) worker.postMessage(count);
		await Promise.all(workers.map(answer));
		figures = { cpu_ns: (cpu() - before) / count, wall_ns: ((performance.now() - started) * 1e6) / count };
	}
	await Promise.all(workers.map((worker) => worker.terminate()));
	return figures;
}

function ringSide({ role, memory, lazy }) {
	const own = new Ring({ memory, lazy });
	parentPort.on('message', (count) => {
		if (role === 'sender') {
			for (let i = 1; i <= count; i++) own.send(i);
		} else {
			let sum = 0;
			for (let done = 0; done < count; ) {
				const taken = own.receive(BATCH);
				sum += taken.sum;
				done += taken.count;
			}
			check(sum, count);
		}
		parentPort.postMessage(role);
	});
	parentPort.postMessage('ready');
}

if (!isMainThread) {
	ringSide(workerData);
} else if (process.argv[2] === 'sender') {
	await sender(process.argv[3]);
} else {
	const { quick, rounds } = optionsOf();
	const counts = quick ? [20_000, 100_000] : [100_000, 1_000_000]; // the first are not measured
	const fewer = counts.map((count) => count / 20);
	await compare('one-way', 'integers=2', rounds, {
		port: () => withPort(blocking, counts),
		'port-loop': () => withPort(looping, counts),
		ring: () => ring(false, counts),
		'ring-lazy': () => ring(true, counts),
		'process.send': () => send(fewer),
	});
}
