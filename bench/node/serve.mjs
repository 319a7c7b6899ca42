// The demo server under 500 connections of wrk: sockets by readiness against sockets on completions.
//
//   node bench/node/serve.mjs [--quick] [--rounds N]
//
// Both servers run at once and are loaded in turn (A B A B ...) with requests for one small file.
// What is measured is the user and system time of the server's process a request, and requests a
// second, which on few CPUs is wrk's time as well.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compare, optionsOf } from './support.mjs';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const FOLDER = fileURLToPath(new URL('../../docs', import.meta.url));
const ENGINES = ['readiness', 'completion'];
const CONNECTIONS = 500;
const TICK_NS = 1e9 / Number(execFileSync('getconf', ['CLK_TCK']));

async function start(engine) {
	const args = [CLI, 'serve', FOLDER, '--port', '0', '--engine', engine];
	const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
	let text = '';
	while (!/:\d+\/ /.test(text)) text += String((await once(child.stdout, 'data'))[0]);
	return { child, url: /http:\/\/[\d.:]+/.exec(text)[0] };
}

/** User and system time of a process, in ns. */
function cpuOf(pid) {
	const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
	const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	return (Number(fields[11]) + Number(fields[12])) * TICK_NS;
}

function load({ child, url }, seconds) {
	const before = cpuOf(child.pid);
	const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout', '60s', `${url}/aio.md`];
	const said = execFileSync('wrk', args, { encoding: 'utf8' });
	if (/Socket errors|Non-2xx/.test(said)) throw new Error(said);
	const requests = Number(/(\d+) requests in/.exec(said)[1]);
	return {
		cpu_ns: (cpuOf(child.pid) - before) / requests,
		requests_s: Number(/Requests\/sec: +([\d.]+)/.exec(said)[1]),
	};
}

const { quick, rounds } = optionsOf();
const servers = {};
for (const engine of ENGINES) servers[engine] = await start(engine);
const sides = ENGINES.map((engine) => [engine, () => load(servers[engine], quick ? 1 : 4)]);
await compare('serve', `connections=${CONNECTIONS}`, rounds, Object.fromEntries(sides));
for (const { child } of Object.values(servers)) child.kill('SIGINT');
