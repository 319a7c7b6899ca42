// Verdicts -> a bar chart. A bar is the figure over the bound it is held against (must, else
// stretch): the line at 1 is the bound, shorter is better.

const ROW = 18;
const LABEL = 520;
const SCALE = 200; // pixels from 0 to the bound
const MOST = 2.5; // longer bars are cut off, the number is printed anyway
const COLOURS = { stretch: '#1a7f37', yes: '#4c9f62', 'not yet': '#bf8700', NO: '#cf222e' };

const escape = (text) => text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]);

function bar(verdict, index) {
	const bound = verdict.must ?? verdict.stretch;
	const value = verdict.ratio ?? verdict.ours;
	const y = 40 + index * ROW;
	const width = Math.min(value / bound, MOST) * SCALE;
	const against = verdict.peer ? ` / ${verdict.peer}` : ` ${verdict.figure}`;
	const label = `${verdict.goal}: ${verdict.case}, ${verdict.who}${against}`;
	return `<text x="${LABEL - 8}" y="${y + 12}" text-anchor="end">${escape(label)}</text>` +
		`<rect x="${LABEL}" y="${y + 2}" width="${width.toFixed(1)}" height="${ROW - 5}" ` +
		`fill="${COLOURS[verdict.met]}"/>` +
		`<text x="${(LABEL + width + 5).toFixed(1)}" y="${y + 12}">${value.toPrecision(3)}</text>`;
}

export function chart(verdicts, title) {
	const bars = verdicts.filter((verdict) => verdict.met !== '');
	const height = 50 + bars.length * ROW;
	const width = LABEL + MOST * SCALE + 60;
	const line = LABEL + SCALE;
	return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
		`font-family="sans-serif" font-size="11">\n` +
		`<rect width="100%" height="100%" fill="#fff"/>\n` +
		`<text x="10" y="20" font-size="14">${escape(title)}</text>\n` +
		bars.map(bar).join('\n') +
		`\n<path d="M${line} 30V${height - 8}" stroke="#000" stroke-dasharray="4 3"/>` +
		`<text x="${line}" y="26" text-anchor="middle">bound</text>\n</svg>\n`;
}
