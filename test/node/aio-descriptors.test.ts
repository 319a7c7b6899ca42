// What a process out of descriptors is told of its first request, which starts the engine.

import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

const program = `
	import { closeSync, openSync } from 'node:fs';
	import { Port } from 'event-ports';
	const port = new Port();
	const fd = openSync(process.execPath, 'r');
	const read = () => {
		try {
			port.aio.read(fd, Buffer.alloc(4), 0);
			return port.getSync().bytes;
		} catch (error) {
			return error.code;
		}
	};
	const held = [];
	try {
		for (;;) held.push(openSync('/dev/null'));
	} catch {}
	const said = [read(), port.stats().slots];
	held.forEach(closeSync);
	console.log(said, read());
`;

it.each(['io_uring', 'pool'])('EMFILE, and the next one is carried out (%s)', (engine) => {
	const script = `ulimit -n 60; exec "$0" --input-type=module -e "$1"`;
	const said = execFileSync('sh', ['-ec', script, process.execPath, program], {
		encoding: 'utf8',
		env: { ...process.env, EVENT_PORTS_AIO: engine },
	});
	expect(said).toBe("[ 'EMFILE', 0 ] 4\n");
});
