// The demo server's acceptors at moments that no load can be made to hit.

import { createRequire } from 'node:module';
import { closeFd, connect, listen, localAddress, POLLIN, Port } from 'event-ports';
import { test } from 'vitest';
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

test('by readiness: a client comes between the last accept and the close of the listener', async () => {
	// Where the event loop has its turn in between, its event is gone with the listener: once more.
	for (let told = false; !told; ) {
		using port = new Port();
		const listener = listen({ host: '127.0.0.1', port: 0 });
		const place = localAddress(listener) as { port: number };
		const loop = new Loop(port as unknown as ServePort);
		const acceptor = new ReadyAcceptor(port as unknown as ServePort, listener, welcome);
		const unnamed = {
			ready: () => {
				told = true;
				acceptor.ready();
			},
		};
		let late: number | undefined;
		const running = loop.run(unnamed, () => {
			port.clearAlert();
			if (late !== undefined) return false;
			const stopped = acceptor.stop();
			late = connect(place);
			stopped.then(() => {
				closeFd(listener);
				setImmediate(() => port.alert(1)); // the end of all this
			});
			return true;
		});
		port.associate(listener, POLLIN);
		port.alert(1);
		await running;
		if (late !== undefined) closeFd(late);
	}
});
