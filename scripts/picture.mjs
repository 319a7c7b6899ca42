// docs/port.svg: one port, what flows into it and who retrieves.
//   node scripts/picture.mjs            writes it
//   node scripts/picture.mjs --check    fails when it is another

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './process.mjs';

const FILE = path.join(root, 'docs/port.svg');
const WIDTH = 820;
const HEIGHT = 330;
const SOURCES = [
	['descriptors', 'sockets, pipes, serial lines, other ports', '#1f6feb'],
	['messages', 'send(), post(): threads and processes', '#8250df'],
	['timers', 'after(), every(), at(): a million is fine', '#bf8700'],
	['files', 'changes, also after an overflow', '#1a7f37'],
	['asynchronous I/O', 'read, write, fsync by io_uring', '#0969a2'],
	['alerts', 'wake everybody, now', '#cf222e'],
];
const CONSUMERS = [
	['event loop', 'await port.get(), for await'],
	['worker', 'port.getSync()'],
	['thread in C', 'port_getn()'],
	['another process', 'Port.attach(ticket)'],
];
const QUEUE = { x: 355, y: 110, width: 130, height: 110 };
// The order of the events that stand in the queue, by their source.
const CELLS = [0, 1, 0, 2, 3, 1, 0, 4, 5, 1, 2, 0];

const text = (x, y, words, more = '') => `<text x="${x}" y="${y}"${more}>${words}</text>`;

function box(x, y, width, [title, detail], colour) {
	return `<rect x="${x}" y="${y}" width="${width}" height="40" rx="5" fill="#fff" stroke="${colour}" stroke-width="1.5"/>` +
		text(x + 10, y + 17, title, ' font-weight="600"') +
		text(x + 10, y + 32, detail, ' font-size="10.5" fill="#59636e"');
}

function arrow(fromX, fromY, toX, toY, colour) {
	const middle = (fromX + toX) / 2;
	return `<path d="M${fromX} ${fromY}C${middle} ${fromY} ${middle} ${toY} ${toX} ${toY}" fill="none" ` +
		`stroke="${colour}" stroke-width="1.5" marker-end="url(#tip)"/>`;
}

function sources() {
	return SOURCES.map(([title, detail, colour], i) => {
		const y = 30 + i * 47;
		const into = QUEUE.y + 12 + (i * (QUEUE.height - 24)) / (SOURCES.length - 1);
		return box(16, y, 262, [title, detail], colour) + arrow(278, y + 20, QUEUE.x - 7, into, colour);
	});
}

function consumers() {
	return CONSUMERS.map((words, i) => {
		const y = 54 + i * 60;
		const from = QUEUE.y + 20 + (i * (QUEUE.height - 40)) / (CONSUMERS.length - 1);
		return arrow(QUEUE.x + QUEUE.width, from, 583, y + 20, '#59636e') + box(590, y, 214, words, '#59636e');
	});
}

function port() {
	const { x, y, width, height } = QUEUE;
	const cells = CELLS.map((source, i) => {
		const at = [x + 14 + (i % 4) * 26, y + 34 + Math.floor(i / 4) * 22];
		return `<rect x="${at[0]}" y="${at[1]}" width="22" height="16" rx="3" fill="${SOURCES[source][2]}"/>`;
	});
	return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="8" fill="#f6f8fa" stroke="#1f2328" stroke-width="2"/>` +
		text(x + width / 2, y + 23, 'port', ' font-weight="700" font-size="15" text-anchor="middle"') +
		cells.join('') +
		text(x + width / 2, y + height + 18, 'one bounded queue,', ' text-anchor="middle" font-size="10.5" fill="#59636e"') +
		text(x + width / 2, y + height + 32, 'each event to one of them', ' text-anchor="middle" font-size="10.5" fill="#59636e"');
}

const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, sans-serif" font-size="13" fill="#1f2328">
<title>One port: six kinds of sources, one queue, any number of consumers</title>
<defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0L8 4L0 8z" fill="#59636e"/></marker></defs>
<rect width="100%" height="100%" rx="6" fill="#fff"/>
${[...sources(), ...consumers(), port()].join('\n')}
</svg>
`;

if (!process.argv.includes('--check')) writeFileSync(FILE, svg);
else if (readFileSync(FILE, 'utf8') !== svg) {
	console.error('docs/port.svg is not what scripts/picture.mjs draws');
	process.exitCode = 1;
}
