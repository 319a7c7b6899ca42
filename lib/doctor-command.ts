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

function show(findings: readonly Finding[]): void {
	const paint = painter(process.stdout);
	const widest = Math.max(...findings.map(({ name }) => name.length));
	for (const { name, state, detail, remedy } of findings) {
		const [colour, mark] = MARKS[state];
		const padding = ' '.repeat('warning'.length - mark.length);
		console.log(`${paint(colour, mark)}${padding}  ${name.padEnd(widest)}  ${detail}`);
		if (remedy !== undefined) console.log(`${' '.repeat(widest + 11)}${paint('dim', remedy)}`);
	}
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
	if (values.json) console.log(JSON.stringify({ ...facts, findings }, null, '\t'));
	else {
		console.log(`event-ports ${facts.version}, Node ${facts.node}, ${facts.arch}`);
		show(findings);
	}
	return findings.some(({ state }) => state === 'missing') ? 1 : 0;
}
