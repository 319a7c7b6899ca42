// Goal TS6: from a descriptor that becomes ready to the JavaScript that awaits it, against the bare
// callback of a uv_poll_t, where `npm run bench` has built one (uv-poll.cpp), and a pipe of node:net.
//
//   node bench/node/wake.mjs [--quick] [--rounds N]
//
// A byte is written to a pipe and awaited, again and again, in one process: the time of one round
// trip through the event loop, p50.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { closeFd, POLLIN, Port, pipe, read, write } from 'event-ports';
import { median } from '../judge.mjs';
import { compare, optionsOf } from './support.mjs';

const { quick, rounds } = optionsOf();
const TRIPS = quick ? 2000 : 20_000;
const byte = Buffer.alloc(1);

async function trips(wait, writer) {
	const times = [];
	for (let i = 0; i < TRIPS; i++) {
		const ready = wait();
		const start = performance.now();
		write(writer, byte);
		await ready;
		times.push((performance.now() - start) * 1000);
	}
	return { p50_us: median(times) };
}

async function port() {
	const one = new Port();
	const [reader, writer] = pipe();
	const figures = await trips(() => {
		one.associate(reader, POLLIN);
		return one.get().then(() => read(reader, byte));
	}, writer);
	closeFd(reader);
	closeFd(writer);
	one.close();
	return figures;
}

async function net() {
	const [reader, writer] = pipe();
	const socket = new Socket({ fd: reader, readable: true, writable: false });
	let ready;
	socket.on('data', () => ready());
	const figures = await trips(() => new Promise((resolve) => {
		ready = resolve;
	}), writer);
	socket.destroy();
	closeFd(writer);
	return figures;
}

const BARE = fileURLToPath(new URL('../../out/bench/uv-poll.node', import.meta.url));

async function uvPoll() {
	const { start, stop } = createRequire(import.meta.url)(BARE);
	const [reader, writer] = pipe();
	let ready;
	const handle = start(reader, () => ready(read(reader, byte)));
	const figures = await trips(() => new Promise((resolve) => {
		ready = resolve;
	}), writer);
	stop(handle);
	closeFd(reader);
	closeFd(writer);
	return figures;
}

await compare('wake', 'pipe=1', rounds, existsSync(BARE) ? { port, uv_poll: uvPoll, net } : { port, net });
