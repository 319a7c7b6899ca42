// A process that holds the port of the ticket in descriptor 4, and does what it is told: the
// body of a function, answered by its value, or by what it threw. `native` are the addon's calls, `columns` what it
// shares with lib/, `handle` the port in it: the core's own answers, before lib/ refuses anything.

import { createRequire } from 'node:module';
import * as evp from '../../../dist/index.mjs';

const TICKET = 4;
const require = createRequire(import.meta.url);
const { native } = require('../../../dist/native.js');
const { columns } = require('../../../dist/binding.js');
const port = evp.Port.attach(TICKET);
const handle = native.attach(port.fd);
const AsyncFunction = (async () => {}).constructor;
const kept = {}; // between one order and the next

process.on('message', async (source) => {
	try {
		const run = new AsyncFunction('evp', 'port', 'native', 'columns', 'handle', 'kept', source);
		process.send({ value: await run(evp, port, native, columns, handle, kept) });
	} catch (error) {
		const { name, code, errno, syscall, message } = error;
		process.send({ error: { name, code, errno, syscall, message } });
	}
});
process.send({ value: 'ready' });
