// Worker threads that share one port. The listener is associated with it once: each connection is
// accepted by whichever worker is free, and one alert ends them all.

import { once } from 'node:events';
import { connect as dial } from 'node:net';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { accept, closeFd, listen, localAddress, POLLIN, Port, write } from 'event-ports';

const WORKERS = 3;
const CLIENTS = 30;

if (isMainThread) await main();
else work(workerData);

async function main() {
	const port = new Port();
	const listener = listen({ port: 0 });
	const data = { fd: port.fd, listener };
	const file = new URL(import.meta.url);
	const workers = Array.from({ length: WORKERS }, () => new Worker(file, { workerData: data }));
	port.associate(listener, POLLIN);

	const answers = await Promise.all(Array.from({ length: CLIENTS }, () => ask(localAddress(listener))));
	console.log(`${answers.filter((answer) => answer === 'hello').length} clients were answered`);

	port.alert(1);
	const codes = await Promise.all(workers.map((worker) => once(worker, 'exit')));
	console.log(`${codes.filter(([code]) => code === 0).length} workers have ended`);
	closeFd(listener);
	port.close();
}

async function ask({ address, port }) {
	let answer = '';
	for await (const text of dial({ host: address, port }).setEncoding('utf8')) answer += text;
	return answer;
}

function work({ fd, listener }) {
	const port = Port.attach(fd);
	// An alert comes to every worker, and again to whoever asks again.
	for (let event = port.getSync(); event.source !== 'alert'; event = port.getSync()) {
		const client = accept(listener);
		port.associate(listener, POLLIN); // the next one may be another worker's
		if (client === null) continue;
		write(client, Buffer.from('hello'));
		closeFd(client);
	}
	port.close();
}

// Prints:
// 30 clients were answered
// 3 workers have ended
