// The demo server's acceptors at moments that no load can be made to hit.

import { createRequire } from 'node:module';
import { closeFd, connect, listen, localAddress, POLLIN, Port, pipe, write } from 'event-ports';
import { expect, test } from 'vitest';
import type {
	ReadyAcceptor as ByReadiness,
	CompletingAcceptor as Completing,
} from '../../lib/serve/acceptor.js';
import type { Loop as OfThread, ServePort } from '../../lib/serve/loop.js';

const require = createRequire(import.meta.url);
const { CompletingAcceptor, ReadyAcceptor } = require('../../dist/serve/acceptor.js') as {
	CompletingAcceptor: typeof Completing;
	ReadyAcceptor: typeof ByReadiness;
};
const { Loop } = require('../../dist/serve/loop.js') as { Loop: typeof OfThread };

const welcome = { accepted: closeFd, exhausted: () => {} };

test('on completions: ends though it asked in the very batch in which it is stopped', async () => {
	using port = new Port();
	const listener = listen({ host: '127.0.0.1', port: 0 });
	const loop = new Loop(port as unknown as ServePort);
	const acceptor = new CompletingAcceptor(loop, listener, welcome);
	let stopped: Promise<void> | undefined;
	const running = loop.run(undefined, () => {
		port.clearAlert();
		if (stopped !== undefined) return false;
		acceptor.start(); // submitted at the end of the batch that this alert is in
		stopped = acceptor.stop();
		stopped.then(() => port.alert(1)); // the end of all this
		return true;
	});
	port.alert(1);
	await running;
	closeFd(listener);
});

test('by readiness: the event of a client who came last finds the listener closed', async () => {
	using port = new Port();
	const listener = listen({ host: '127.0.0.1', port: 0 });
	const loop = new Loop(port as unknown as ServePort);
	const acceptor = new ReadyAcceptor(port as unknown as ServePort, listener, welcome);
	const [reader, writer] = pipe();
	write(writer, Buffer.from('.'));
	const client = connect(localAddress(listener) as { port: number });
	// Both are ready, so both come in one batch, in this order.
	port.associate(reader, POLLIN, {
		ready: () => {
			acceptor.stop();
			closeFd(listener);
		},
	});
	port.associate(listener, POLLIN);
	let late = false;
	const unnamed = {
		ready: () => {
			late = true;
			acceptor.ready();
			port.alert(1); // the end of all this
		},
	};
	await loop.run(unnamed, () => {
		port.clearAlert();
		return false;
	});
	expect(late).toBe(true);
	for (const fd of [reader, writer, client]) closeFd(fd);
});
