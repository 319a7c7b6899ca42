// The demo server's acceptor on completions, at the moment that no load can be made to hit.

import { createRequire } from 'node:module';
import { closeFd, listen, Port } from 'event-ports';
import { test } from 'vitest';
import type { CompletingAcceptor as Acceptor } from '../../lib/serve/acceptor.js';
import type { Loop as OfThread, ServePort } from '../../lib/serve/loop.js';

const require = createRequire(import.meta.url);
const { CompletingAcceptor } = require('../../dist/serve/acceptor.js') as {
	CompletingAcceptor: typeof Acceptor;
};
const { Loop } = require('../../dist/serve/loop.js') as { Loop: typeof OfThread };

test('ends though it asked in the very batch in which it is stopped', async () => {
	using port = new Port();
	const listener = listen({ host: '127.0.0.1', port: 0 });
	const welcome = { accepted: closeFd, exhausted: () => {} };
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
