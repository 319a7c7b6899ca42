// Goal TS2: sending and retrieving in one thread, in batches of 64, against a MessagePort.
//
//   node bench/node/send.mjs [--quick] [--rounds N]
//
// "objects" retrieves events as objects (getnSync), "view" as columns (take), "reaped" and
// "reaped-view" are the retrieving halves of both alone. A MessagePort's messages come as events,
// as they do in programs; "receive" fetches them one by one by receiveMessageOnPort(). User and
// system time a message.

import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { EventView, Port } from 'event-ports';
import { compare, cpu, optionsOf } from './support.mjs';

const { quick, rounds } = optionsOf();
const BATCH = 64;
const BATCHES = quick ? 1000 : 10_000;
const port = new Port({ limit: 100_000 });
const view = new EventView(BATCH);

function fill(count) {
	for (let i = 1; i <= count; i++) port.send(1, i);
}

function objects() {
	let sum = 0;
	for (const event of port.getnSync({ max: BATCH, timeout: 0 })) sum += event.user;
	return sum;
}

function columns() {
	let sum = 0;
	const count = port.take(view);
	for (let row = 0; row < count; row++) sum += view.user(row);
	return sum;
}

const EXPECTED = (BATCH * (BATCH + 1)) / 2;

function both(retrieve) {
	const before = cpu();
	for (let batch = 0; batch < BATCHES; batch++) {
		fill(BATCH);
		if (retrieve() !== EXPECTED) throw new Error('messages were lost');
	}
	return { cpu_ns: (cpu() - before) / (BATCHES * BATCH) };
}

function reaped(retrieve) {
	let spent = 0;
	const FULL = 1000;
	for (let done = 0; done < BATCHES; done += FULL) {
		for (let i = 0; i < FULL; i++) fill(BATCH);
		const before = cpu();
		for (let i = 0; i < FULL; i++) if (retrieve() !== EXPECTED) throw new Error('messages were lost');
		spent += cpu() - before;
	}
	return { cpu_ns: spent / (BATCHES * BATCH) };
}

function messagePort() {
	const { port1, port2 } = new MessageChannel();
	const some = BATCHES / 10;
	const before = cpu();
	return new Promise((resolve) => {
		let left = some * BATCH;
		let sum = 0;
		const fill = () => {
			for (let i = 1; i <= BATCH; i++) port1.postMessage(i);
		};
		port2.on('message', (message) => {
			sum += message;
			if (--left % BATCH !== 0) return;
			if (sum !== EXPECTED) throw new Error('messages were lost');
			sum = 0;
			if (left > 0) return fill();
			port1.close();
			resolve({ cpu_ns: (cpu() - before) / (some * BATCH) });
		});
		fill();
	});
}

function receive() {
	const { port1, port2 } = new MessageChannel();
	const before = cpu();
	const some = BATCHES / 10;
	for (let batch = 0; batch < some; batch++) {
		for (let i = 1; i <= BATCH; i++) port1.postMessage(i);
		let sum = 0;
		for (let i = 1; i <= BATCH; i++) sum += receiveMessageOnPort(port2).message;
		if (sum !== EXPECTED) throw new Error('messages were lost');
	}
	const spent = cpu() - before;
	port1.close();
	return { cpu_ns: spent / (some * BATCH) };
}

await compare('send', `batch=${BATCH}`, rounds, {
	objects: () => both(objects),
	view: () => both(columns),
	reaped: () => reaped(objects),
	'reaped-view': () => reaped(columns),
	messageport: messagePort,
	receive,
});
port.close();
