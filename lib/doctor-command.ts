// event-ports doctor: what this kernel and container allow.

import { parseArgs } from 'node:util';
import { type Colour, painter } from './cli-colours.js';
import { UsageError } from './cli-usage.js';
import { gather } from './doctor/facts.js';
import { examine, type Finding } from './doctor/findings.js';

export const help = `Usage: event-ports doctor [options]

Tells what this kernel and container let a port do: limits, system calls that are
missing, which binary is loaded, and what to do about it. Changes nothing.

  --json        facts and findings, for programs
  --help        this text

Exit code: 0, or 1 if something is missing that no port works without.
`;

const MARKS: Readonly<Record<Finding['state'], [Colour, string]>> = {
	ok: ['green', 'ok'],
	warning: ['yellow', 'warning'],
	missing: ['red', 'MISSING'],
};

function table(findings: readonly Finding[]): string[] {
	const paint = painter(process.stdout);
	const widest = Math.max(...findings.map(({ name }) => name.length));
	return findings.flatMap(({ name, state, detail, remedy }) => {
		const [colour, mark] = MARKS[state];
		const padding = ' '.repeat('warning'.length - mark.length);
		const line = `${paint(colour, mark)}${padding}  ${name.padEnd(widest)}  ${detail}`;
		return remedy === undefined
			? [line]
			: [line, `${' '.repeat(widest + 11)}${paint('dim', remedy)}`];
	});
}

export async function run(args: string[]): Promise<number> {
	const { values, positionals } = parseArgs({
		args,
		allowPositionals: true,
		options: { json: { type: 'boolean', default: false } },
	});
	if (positionals.length > 0) throw new UsageError(`doctor takes no argument '${positionals[0]}'`);
	const facts = gather();
	const findings = examine(facts);
	const head = `event-ports ${facts.version}, Node ${facts.node}, ${facts.arch}`;
	const text = values.json
		? JSON.stringify({ ...facts, findings }, null, '\t')
		: [head, ...table(findings)].join('\n');
	process.stdout.write(`${text}\n`); // console says nothing of a disk that is full
	return findings.some(({ state }) => state === 'missing') ? 1 : 0;
}
