// PORT_DEBUG: what is asked of the native part, a line a call on standard error.

import { writeSync } from 'node:fs';
import { inspect } from 'node:util';
import { threadId } from 'node:worker_threads';
import { errnoName } from './errors.js';

// A handle is an index of ours: what it names is said. Of other calls the numbers are all there is.
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
	release: ['port'],
	close: ['port'],
	associate: ['port', 'fd', 'events', 'user'],
	dissociate: ['port', 'fd'],
	associateAll: ['port', 'count'],
	post: ['port', 'events', 'user', 'bytes'],
	sendn: ['count', 'events'],
	ticket: ['port'],
	members: ['port'],
	holder: ['port', 'fd'],
	alert: ['port', 'flags', 'events', 'user'],
	take: ['port', 'max', 'wanted'],
	takeInTurn: ['port', 'max', 'wanted'],
	get: ['port', 'max', 'wanted', 'timeout'],
	wait: ['port', 'min', 'max', 'ref', 'again'],
	idle: ['port'],
	setRef: ['port', 'ref'],
	fileAssociate: ['port', 'key', 'path', 'events', 'user', 'standing'],
	fileDissociate: ['port', 'key'],
	fileStamps: ['path', 'follow'],
	aioStart: ['port', 'bytes'],
	aioFlush: [],
	aioPrepare: ['port', 'count'],
	aioSubmit: ['port'],
	aioConnect: ['port', 'where', 'number', 'user'],
	aioCancel: ['request'],
	timerStart: ['port', 'value', 'interval', 'absolute', 'user'],
	timerSet: ['timer', 'value', 'interval', 'absolute'],
	timerGet: ['timer'],
	timerDelete: ['timer'],
};

// What it finds in the first row of the columns, and what that is.
const FIRST_ROW: Readonly<Record<string, readonly (readonly [keyof Row, string])[]>> = {
	send: [
		['source', 'port'],
		['events', 'events'],
		['user', 'user'],
	],
	aioStart: [
		['events', 'operation'],
		['source', 'fd'],
		['length', 'length'],
		['object', 'position'],
		['user', 'user'],
	],
};

type Call = (...args: unknown[]) => unknown;
type Row = Readonly<Record<'source' | 'events' | 'object' | 'user' | 'length', ArrayLike<number>>>;
interface Ports {
	setup(callbacks: never): Row;
	number(handle: number): number;
}

/** The names chosen by PORT_DEBUG: 1, true or * for all, else a list such as "send,wait". */
function choice(text: string): (name: string) => boolean {
	if (['1', 'true', '*'].includes(text)) return () => true;
	const names = text.split(',').map((name) => name.trim());
	return (name) => names.includes(name);
}

function outcome(value: unknown): string {
	if (value === undefined) return '';
	if (typeof value !== 'number' || value >= 0)
		return ` = ${inspect(value, { breakLength: Infinity })}`;
	return ` = -${errnoName(-value)}`;
}

let lost = 0; // lines since the last one that was written

/** The call was made: a reader that is slow or gone, or a disk that is full, is no failure of its. */
function tell(line: string): void {
	try {
		writeSync(2, lost === 0 ? line : `event-ports: ${lost} lines lost\n${line}`);
		lost = 0;
	} catch {
		lost++;
	}
}

/** @internal `native` itself, or one that tells of its calls. */
export function traced<N extends Ports>(native: N, text: string | undefined): N {
	if (!text || text === '0' || text === 'false') return native;
	const chosen = choice(text);
	let row: Row | undefined;
	const setup: Call = (callbacks) => {
		row = native.setup(callbacks as never);
		return row;
	};
	const portOf = (handle: number): string => {
		const fd = native.number(handle);
		return fd < 0 ? 'a closed port' : `port ${fd}`;
	};
	const shown = (name: string, args: readonly unknown[]): string => {
		const given = args.map((arg, i) => {
			const parameter = PARAMETERS[name]?.[i];
			if (parameter === 'port') return portOf(arg as number);
			const value = typeof arg === 'function' ? '…' : inspect(arg, { depth: 0 });
			return parameter === undefined ? value : `${parameter} ${value}`;
		});
		const beside = (FIRST_ROW[name] ?? []).map(([column, what]) => {
			const value = row?.[column][0] as number;
			return what === 'port' ? portOf(value) : `${what} ${value}`;
		});
		return [...given, ...beside].join(', ');
	};
	const wrap = (name: string, call: Call): Call => {
		return (...args) => {
			const given = shown(name, args); // before: a call may be the port's last
			const result = call(...args);
			const when = performance.now().toFixed(3);
			tell(`event-ports ${when} ${process.pid}/${threadId} ${name}(${given})${outcome(result)}\n`);
			return result;
		};
	};
	const calls = Object.getOwnPropertyNames(native).map((name) => {
		const value = native[name as keyof N];
		if (name === 'setup') return [name, setup];
		const told = typeof value === 'function' && chosen(name);
		return [name, told ? wrap(name, value as Call) : value];
	});
	const own = Object.getOwnPropertyDescriptors(Object.fromEntries(calls));
	return Object.create(native, own); // they live as long as that object
}
