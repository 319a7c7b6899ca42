// Goal ECHO: an echo server of 64-byte messages, on raw descriptors and a port, and on completions,
// against node:net.
//
//   node bench/node/echo.mjs [--quick] [--rounds N]
//
// All servers run at once, each in a process of its own; a third process loads them in turn
// (A B A B ...) with as many connections, each of which has one message under way. What is
// measured is the user and system time of the server's process over the messages it echoed.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
	accept, closeFd, connect, connectError, listen, localAddress, POLLIN, POLLOUT, Port, read, setNoDelay, write,
} from 'event-ports';
import { median } from '../judge.mjs';

const SIZE = 64;
const CONNECTIONS = [64, 512];
const BATCH = 512;

const roles = { port: servePort, completions: serveCompletions, net: serveNet, load };

// --- Servers: tell their TCP port, then their CPU time whenever they are asked.

function answer(tcpPort) {
	process.on('message', () => process.send(process.cpuUsage()));
	process.once('disconnect', () => process.exit());
	process.send(tcpPort);
}

async function servePort() {
	const port = new Port();
	const listener = listen({ port: 0 });
	const buffer = Buffer.alloc(64 * 1024);
	port.associate(listener, POLLIN);
	answer(localAddress(listener).port);
	for await (const events of port.batches({ max: BATCH })) {
		// What was echoed is associated again as it was, by one call: an event is an association.
		port.associateAll(events.filter(({ fd }) => {
			if (fd === listener) {
				for (let client = accept(listener); client !== null; client = accept(listener)) {
					setNoDelay(client);
					port.associate(client, POLLIN);
				}
				return true;
			}
			const count = read(fd, buffer);
			if (count === 0) closeFd(fd);
			else if (count !== null && write(fd, buffer, 0, count) !== count) throw new Error('short write');
			return count !== 0;
		}));
	}
}

async function serveCompletions() {
	const port = new Port();
	const listener = listen({ port: 0 });
	port.aio.accept(listener);
	answer(localAddress(listener).port);
	for await (const events of port.batches({ max: BATCH })) {
		const orders = [];
		for (const { operation, fd, bytes, error, user } of events) {
			if (error !== null) throw error;
			if (operation === 'accept') {
				setNoDelay(fd);
				const client = { fd, buffer: Buffer.allocUnsafeSlow(4096) };
				orders.push({ operation: 'recv', fd, buffer: client.buffer, user: client });
				orders.push({ operation: 'accept', fd: listener });
			} else if (operation === 'recv') {
				if (bytes === 0) {
					closeFd(user.fd);
					continue;
				}
				// One message is under way a connection: the next can't come before this one has gone.
				orders.push({ operation: 'send', fd: user.fd, buffer: user.buffer.subarray(0, bytes), user: bytes });
				orders.push({ operation: 'recv', fd: user.fd, buffer: user.buffer, user });
			} else if (bytes !== user) throw new Error('short write');
		}
		if (orders.length > 0) port.aio.submit(orders);
	}
}

async function serveNet() {
	const server = createServer({ noDelay: true }, (socket) => {
		socket.on('data', (data) => socket.write(data));
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	answer(server.address().port);
}

// --- The load: { tcpPort, connections, messages } in, nothing but an end out.

function load() {
	process.on('message', async (order) => process.send(await run(order)));
	process.once('disconnect', () => process.exit());
	process.send('ready');
}

async function connectAll(port, tcpPort, connections) {
	for (let i = 0; i < connections; i++) port.associate(connect({ port: tcpPort }), POLLOUT);
	const fds = [];
	while (fds.length < connections) {
		for (const { fd } of await port.getn({ max: BATCH })) {
			const error = connectError(fd);
			if (error !== null) throw error;
			setNoDelay(fd);
			fds.push(fd);
		}
	}
	return fds;
}

async function run({ tcpPort, connections, messages }) {
	const port = new Port();
	const message = Buffer.alloc(SIZE, 'x');
	const echoed = Buffer.alloc(SIZE);
	const fds = await connectAll(port, tcpPort, connections);
	let left = messages;
	let underWay = 0;
	const send = (fd) => {
		if (left === 0) return false;
		left--;
		underWay++;
		if (write(fd, message) !== SIZE) throw new Error('short write');
		return true;
	};
	port.associateAll(fds.filter(send).map((fd) => ({ fd, events: POLLIN })));
	while (underWay > 0) {
		const events = port.getnSync({ max: BATCH });
		port.associateAll(events.filter(({ fd }) => {
			if (read(fd, echoed) !== SIZE) throw new Error('short read');
			underWay--;
			return send(fd);
		}));
	}
	for (const fd of fds) closeFd(fd);
	port.close();
	return 'done';
}

// --- The bench.

async function start(role) {
	const child = fork(fileURLToPath(import.meta.url), ['--role', role]);
	child.once('exit', (code) => {
		if (code !== 0) process.exit(1); // it has said why
	});
	const [said] = await once(child, 'message');
	return { child, said };
}

function ask(child, order) {
	child.send(order);
	return new Promise((resolve) => child.once('message', resolve));
}

const total = ({ user, system }) => (user + system) * 1000; // ns

async function bench({ quick, rounds }) {
	const messages = quick ? 10_000 : 100_000;
	const servers = { port: await start('port'), completions: await start('completions'), net: await start('net') };
	const loader = await start('load');
	const measure = async ({ child, said: tcpPort }, connections) => {
		const before = total(await ask(child, 'cpu'));
		await ask(loader.child, { tcpPort, connections, messages });
		return (total(await ask(child, 'cpu')) - before) / messages;
	};
	for (const connections of CONNECTIONS) {
		const seen = { port: [], completions: [], net: [] };
		for (let round = -1; round < rounds; round++) {
			for (const [who, server] of Object.entries(servers)) {
				const cpu = await measure(server, connections);
				if (round >= 0) seen[who].push(cpu); // the first one warms up
			}
		}
		for (const [who, values] of Object.entries(seen)) {
			const cpu_ns = { median: median(values), rounds: values };
			console.log(JSON.stringify({ bench: 'echo', case: `connections=${connections}`, who, cpu_ns }));
		}
	}
	for (const { child } of [...Object.values(servers), loader]) child.disconnect();
}

const { values: options } = parseArgs({
	options: {
		role: { type: 'string' },
		quick: { type: 'boolean', default: false },
		rounds: { type: 'string', default: '5' },
	},
});
if (options.role !== undefined) await roles[options.role]();
else await bench({ quick: options.quick, rounds: Number(options.rounds) });
