// event-ports serve: a folder over HTTP.

import { lookup } from 'node:dns/promises';
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { UsageError } from './cli-usage.js';
import { Crew } from './serve/crew.js';
import { LIVE } from './serve/live.js';
import type { Engine } from './serve/server.js';
import { listen, localAddress } from './sockets.js';

export const help = `Usage: event-ports serve DIR [options]

Serves the files of DIR. The page at ${LIVE} shows the port at work. Ctrl-C closes in
order: requests under way are answered, a second one ends at once.

  --port N      port to listen on; 0 takes a free one (default 8080)
  --host H      address or name to listen on (default 127.0.0.1)
  --workers N   threads that share the port (default 1, here at most useful: ${availableParallelism()})
  --engine E    how sockets are driven: readiness (FD events, the default) or
                completion (AIO events)
  --grace S     seconds that requests under way have at the end (default 10)
  --help        this text
`;

interface Settings {
	readonly folder: string;
	readonly port: number;
	readonly host: string;
	readonly workers: number;
	readonly grace: number;
	readonly engine: Engine;
}

function numberOf(name: string, text: string, min: number, max: number): number {
	const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
	if (value >= min && value <= max) return value;
	throw new UsageError(`--${name} takes a number from ${min} to ${max}, not '${text}'`);
}

function engineOf(text: string): Engine {
	if (text === 'readiness' || text === 'completion') return text;
	throw new UsageError(`--engine takes readiness or completion, not '${text}'`);
}

function settingsOf(args: string[]): Settings {
	const { values, positionals } = parseArgs({
		args,
		allowPositionals: true,
		options: {
			port: { type: 'string', default: '8080' },
			host: { type: 'string', default: '127.0.0.1' },
			workers: { type: 'string', default: '1' },
			grace: { type: 'string', default: '10' },
			engine: { type: 'string', default: 'readiness' },
		},
	});
	const [folder, ...more] = positionals;
	if (folder === undefined || more.length > 0) throw new UsageError('serve takes one folder');
	return {
		folder,
		host: values.host,
		port: numberOf('port', values.port, 0, 65_535),
		workers: numberOf('workers', values.workers, 1, 100),
		grace: numberOf('grace', values.grace, 0, 3600) * 1000,
		engine: engineOf(values.engine),
	};
}

async function listenerOf({ host, port }: Settings): Promise<number> {
	const { address } = await lookup(host);
	return listen({ host: address, port });
}

function urlOf(listener: number): string {
	const place = localAddress(listener);
	if (place.family === 'Unix') throw new Error('a listener on a path');
	const host = place.family === 'IPv6' ? `[${place.address}]` : place.address;
	return `http://${host}:${place.port}`;
}

export async function run(args: string[]): Promise<number> {
	const settings = settingsOf(args);
	if (!statSync(settings.folder).isDirectory()) {
		throw new UsageError(`${settings.folder} is not a folder`);
	}
	const listener = await listenerOf(settings);
	const url = urlOf(listener);
	const crew = new Crew({ ...settings, listener });

	let asked = false;
	const end = () => {
		if (asked) process.exit(130);
		asked = true;
		console.log('Closing: what is under way is finished first.');
		crew.close();
	};
	process.on('SIGINT', end).on('SIGTERM', end);

	const running = crew.run();
	console.log(`Serving ${settings.folder} at ${url}/ and its port, live, at ${url}${LIVE}`);
	await running;
	console.log('Closed.');
	return 0;
}
