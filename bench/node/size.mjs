// Goal SIZE: from require() to the first event; the memory of a port that waits for its first use.
//
//   node bench/node/size.mjs [--quick] [--rounds N]
//
// "start" is a new process each time: from before require('event-ports') to a message retrieved;
// "import" the same with import(); its peer is a MessagePort's first message, of a module that Node
// has inside already. "idle" is what a port adds to the process's resident memory, one of a hundred.
// "tarball" are the bytes that npm would unpack, with the binaries that are there.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Port } from 'event-ports';
import { compare, optionsOf } from './support.mjs';

const { rounds } = optionsOf();
const here = fileURLToPath(new URL('.', import.meta.url)); // "event-ports" is this package there
const PORTS = 100;

const USE = `const port = new Port();
port.send(1, 1);
port.get().then((event) => { if (event.user !== 1) throw event; told(); port.close(); });`;
const TOLD = `const start = performance.now();
const told = () => console.log(performance.now() - start);`;
const PROGRAMS = {
	require: `${TOLD} const { Port } = require('event-ports'); ${USE}`,
	import: `${TOLD} import('event-ports').then(({ Port }) => { ${USE} });`,
	messageport: `${TOLD} const { MessageChannel } = require('node:worker_threads');
const { port1, port2 } = new MessageChannel();
port2.once('message', () => { told(); port2.close(); });
port1.postMessage(1);`,
};

/** In a process of its own: the time that it says. */
function first(program) {
	const said = execFileSync(process.execPath, ['-e', program], { cwd: here, encoding: 'utf8' });
	return { start_ms: Number(said) };
}

function resident() {
	const text = readFileSync('/proc/self/smaps_rollup', 'utf8');
	return Number(/^Rss:\s+(\d+) kB/m.exec(text)[1]) * 1024;
}

function idle() {
	const before = resident();
	const ports = Array.from({ length: PORTS }, () => new Port());
	const each_bytes = (resident() - before) / PORTS;
	for (const port of ports) port.close();
	return { each_bytes };
}

function tarball() {
	const pack = ['pack', '--dry-run', '--json', '--ignore-scripts'];
	const text = execFileSync('npm', pack, { cwd: path.join(here, '../..'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
	return { unpacked_bytes: JSON.parse(text)[0].unpackedSize };
}

const starts = Object.entries(PROGRAMS).map(([who, program]) => [who, () => first(program)]);
await compare('size', 'what=start', Math.max(rounds, 9), Object.fromEntries(starts));
await compare('size', 'what=idle', rounds, { port: idle });
await compare('size', 'what=tarball', 1, { port: tarball });
