#!/usr/bin/env node
// The command. Exit codes: 0 done, 1 failed, 2 wrong arguments.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isUsageError } from './cli-usage.js';

interface Command {
	readonly help: string;
	run(args: string[]): Promise<number>;
}

// Loaded when asked for: --help needs no addon.
const COMMANDS: Readonly<Record<string, { summary: string; load(): Promise<Command> }>> = {
	serve: {
		summary: 'serve a folder over HTTP, and show the port at work',
		load: () => import('./serve-command.js'),
	},
	watch: {
		summary: 'print what happens to files, as it happens',
		load: () => import('./watch-command.js'),
	},
	doctor: {
		summary: 'tell what this kernel and container allow',
		load: () => import('./doctor-command.js'),
	},
	bench: {
		summary: 'measure this machine, beside what Node itself has',
		load: () => import('./bench-command.js'),
	},
};

function version(): string {
	const file = path.join(__dirname, '..', 'package.json');
	return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function usage(): string {
	const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
	const lines = Object.entries(COMMANDS).map(
		([name, { summary }]) => `  ${name.padEnd(width)}   ${summary}`,
	);
	return `Usage: event-ports COMMAND [arguments]

${lines.join('\n')}

  event-ports COMMAND --help   tells more
  event-ports --version        prints ${version()}
`;
}

async function main(args: string[]): Promise<number> {
	const [name, ...rest] = args;
	if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
		// By console: it bears a reader that has gone.
		(name === undefined ? console.error : console.log)(usage().trimEnd());
		return name === undefined ? 2 : 0;
	}
	if (name === '--version' || name === '-v') {
		console.log(version());
		return 0;
	}
	const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
	if (entry === undefined) {
		console.error(`event-ports: there is no command '${name}'\n\n${usage()}`);
		return 2;
	}
	const command = await entry.load();
	if (rest.includes('--help') || rest.includes('-h')) {
		console.log(command.help.trimEnd());
		return 0;
	}
	return command.run(rest);
}

let unwritten = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
	if (error.code === 'EPIPE') return; // the reader has gone: it has seen enough
	console.error(`event-ports: ${error.message}`);
	unwritten = true;
	process.exitCode = 1;
});

main(process.argv.slice(2)).then(
	(code) => {
		process.exitCode = unwritten ? 1 : code;
	},
	(error: unknown) => {
		const usable = isUsageError(error);
		console.error(`event-ports: ${error instanceof Error ? error.message : error}`);
		if (usable) console.error('event-ports --help tells what there is');
		process.exitCode = usable ? 2 : 1;
	},
);
