// Comparisons for people: each one case of a bench, ours beside a peer. Rows that a bench printed
// -> what was measured, in words, as a table and as a picture.
//
// A comparison is a goal (goals.mjs) with a title and the peer's name, and fits one case only.

import { judge } from './judge.mjs';

const UNITS = {
	ns: [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']],
	us: [[1e6, 's'], [1e3, 'ms'], [1, 'µs'], [1e-3, 'ns']],
	ms: [[1e3, 's'], [1, 'ms'], [1e-3, 'µs']],
	bytes: [[2 ** 20, 'MiB'], [2 ** 10, 'KiB'], [1, 'bytes']],
};

/** A figure in the unit that suits it; the name of the figure ends in the unit it is in. */
export function amount(figure, value) {
	const units = UNITS[figure.split('_').at(-1)];
	if (units === undefined) return String(value);
	const [size, unit] = units.find(([size]) => Math.abs(value) >= size) ?? units.at(-1);
	const scaled = value / size;
	return `${scaled >= 100 ? Math.round(scaled) : Number(scaled.toPrecision(2))} ${unit}`;
}

/** A ratio to two digits. */
export const ratio = (value) => String(value >= 10 ? Math.round(value) : Number(value.toPrecision(2)));

/** One { title, bench, peer, figure, ours, theirs, ratio } a comparison that was measured. */
export function compareRows(rows, comparisons) {
	return comparisons.flatMap((comparison) => {
		const [verdict] = judge(rows, [comparison]);
		if (verdict?.ratio === undefined) return [];
		const { title, bench, peerName, figure } = comparison;
		const { ours, theirs, ratio } = verdict;
		return [{ title, bench, peer: peerName, figure, ours, theirs, ratio }];
	});
}

export const HEAD = ['', 'event-ports', 'peer', '', 'ratio'];

/** Cells of a table: what, ours, theirs, the peer, the ratio. */
export const cells = (c) =>
	[c.title, amount(c.figure, c.ours), amount(c.figure, c.theirs), c.peer, ratio(c.ratio)];

// --- The picture: two bars a comparison, drawn to the longer one's scale.

const WIDTH = 820;
const LEFT = 330;
const LONGEST = 300;
const TOP = 64;
const GROUP = 46;
const BAR = 14;
const OURS = '#1f6feb';
const THEIRS = '#afb8c1';

const escape = (text) => text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]);

function bar(y, length, colour, text) {
	return `<rect x="${LEFT}" y="${y}" width="${Math.max(length, 1).toFixed(1)}" height="${BAR}" rx="2" fill="${colour}"/>` +
		`<text x="${(LEFT + length + 6).toFixed(1)}" y="${y + 11}">${escape(text)}</text>`;
}

function group(c, index) {
	const y = TOP + index * GROUP;
	const scale = LONGEST / Math.max(1, c.ratio);
	return `<text x="${LEFT - 12}" y="${y + 18}" text-anchor="end" font-size="13">${escape(c.title)}</text>` +
		bar(y, c.ratio * scale, OURS, `${amount(c.figure, c.ours)} (× ${ratio(c.ratio)})`) +
		bar(y + BAR + 3, scale, THEIRS, `${amount(c.figure, c.theirs)} ${c.peer}`);
}

/** The comparisons as SVG; `note` says where and when. */
export function picture(comparisons, note) {
	const height = TOP + comparisons.length * GROUP + 10;
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" ` +
		`height="${height}" font-family="system-ui, sans-serif" font-size="11" fill="#1f2328">\n` +
		`<rect width="100%" height="100%" rx="6" fill="#fff"/>\n` +
		`<text x="16" y="26" font-size="16" font-weight="600">event-ports against its peers: shorter is better</text>\n` +
		`<text x="16" y="44" fill="#59636e">${escape(note)}</text>\n` +
		`${comparisons.map(group).join('\n')}\n</svg>\n`;
}
