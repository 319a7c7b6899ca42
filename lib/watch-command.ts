// event-ports watch: a line for everything that happens to files and directories.

import { setMaxListeners } from 'node:events';
import { parseArgs } from 'node:util';
import { UsageError } from './cli-usage.js';
import { FILE_ACCESS, FILE_ATTRIB, FILE_MODIFIED, FILE_NOFOLLOW, FILE_TRUNC } from './constants.js';
import type { FileEvent } from './file-event.js';
import { watch } from './watch.js';

const BITS: Readonly<Record<string, number>> = {
	modified: FILE_MODIFIED,
	attrib: FILE_ATTRIB,
	trunc: FILE_TRUNC,
	access: FILE_ACCESS,
};
const DEFAULT = 'modified,attrib,trunc';

export const help = `Usage: event-ports watch PATH... [options]

Prints a line for everything that happens to the files and directories named, until Ctrl-C: the
events, a tab, the path. A file that is removed, renamed or replaced is told so, and as modified
when there is one of its name again. A line may stand for several changes of one kind.

  --events LIST  of ${Object.keys(BITS).join(', ')} (default ${DEFAULT}); deleted,
                 renamedFrom, renamedTo, unmounted and mountedOver come unasked
  --nofollow     symbolic links themselves, not what they lead to
  --json         a JSON object a line: time (ISO 8601), path, events (an array of names)
  --help         this text

Exit codes: 0 ended by Ctrl-C, SIGTERM or a closed pipe; 1 a file can't be watched,
or the output not be written; 2 wrong arguments.
`;

interface Settings {
	readonly paths: string[];
	readonly events: number;
	readonly json: boolean;
}

function settingsOf(args: string[]): Settings {
	const { values, positionals } = parseArgs({
		args,
		allowPositionals: true,
		options: {
			events: { type: 'string', default: DEFAULT },
			nofollow: { type: 'boolean', default: false },
			json: { type: 'boolean', default: false },
		},
	});
	if (positionals.length === 0) throw new UsageError('watch takes at least one path');
	let events = values.nofollow ? FILE_NOFOLLOW : 0;
	for (const name of values.events.split(',')) {
		const bit = Object.hasOwn(BITS, name) ? BITS[name] : undefined;
		if (bit === undefined) {
			throw new UsageError(`--events takes ${Object.keys(BITS).join(', ')}, not '${name}'`);
		}
		events |= bit;
	}
	return { paths: positionals, events, json: values.json };
}

function lineOf(path: string, { names }: FileEvent, json: boolean): string {
	if (json) return JSON.stringify({ time: new Date().toISOString(), path, events: names });
	return `${names.join(',')}\t${path}`;
}

export async function run(args: string[]): Promise<number> {
	const { paths, events, json } = settingsOf(args);
	const ending = new AbortController();
	setMaxListeners(paths.length + 1, ending.signal);
	const end = () => ending.abort();
	process.on('SIGINT', end).on('SIGTERM', end);
	let failure: unknown;
	process.stdout.on('error', (error: NodeJS.ErrnoException) => {
		if (error.code !== 'EPIPE') failure = error; // else who read has gone: so are we
		end();
	});
	try {
		const watchings = paths.map((path) => watch(path, { events, signal: ending.signal }));
		await Promise.all(
			watchings.map(async (watching, i) => {
				for await (const event of watching) {
					process.stdout.write(`${lineOf(paths[i] as string, event, json)}\n`);
				}
			}),
		);
	} catch (error) {
		if (!ending.signal.aborted) throw error;
	} finally {
		end(); // of those that are left, if one failed
		process.off('SIGINT', end).off('SIGTERM', end);
	}
	if (failure !== undefined) throw failure;
	return 0;
}
