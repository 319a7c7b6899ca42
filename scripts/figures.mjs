// npm run figures: the measured figures of the README, its table and docs/figures.svg, made anew.
//   node scripts/figures.mjs             runs all benches first
//   node scripts/figures.mjs FILE...     from JSON files of `npm run bench`, a later one winning
// What no file has measured keeps the figures it has: they are in docs/figures.json.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cells, compareRows, HEAD, picture } from '../bench/comparisons.mjs';
import { comparisons as native } from '../bench/native/comparisons.mjs';
import { comparisons as node } from '../bench/node/comparisons.mjs';
import { root, stream } from './process.mjs';

const ALL = [...node, ...native];
const STORE = path.join(root, 'docs/figures.json');
const PICTURE = path.join(root, 'docs/figures.svg');
const README = path.join(root, 'README.md');
const RESULTS = path.join(root, 'bench/results');
const PART = /(<!-- figures: made by npm run figures -->\n)[\s\S]*?(<!-- end of figures -->)/;

const key = ({ title, peer }) => `${title}, ${peer}`;

/** The newest result of `npm run bench`, run now. */
async function measured() {
	const code = await stream(process.execPath, [path.join(root, 'scripts/bench.mjs')]);
	if (code !== 0) console.error('figures: not every bench ran; what they left out stays as it is');
	const newest = readdirSync(RESULTS).filter((name) => name.endsWith('.json')).sort().at(-1);
	return [path.join(RESULTS, newest)];
}

function stored() {
	return existsSync(STORE) ? JSON.parse(readFileSync(STORE, 'utf8')) : { figures: [] };
}

/** What is stored with what the files measured, in the order of the lists. */
export function merge(before, reports) {
	const found = new Map(before.figures.map((figure) => [key(figure), figure]));
	for (const { rows } of reports) {
		for (const figure of compareRows(rows, ALL)) found.set(key(figure), figure);
	}
	const { date, machine } = reports.at(-1) ?? before;
	const figures = ALL.map(({ title, peerName }) => found.get(key({ title, peer: peerName })));
	return { date, machine, figures: figures.filter(Boolean) };
}

/** The README's table, and the picture. */
export function publish({ date, machine, figures }) {
	const line = (texts) => `| ${texts.join(' | ')} |`;
	const table = [HEAD, HEAD.map(() => '---'), ...figures.map(cells)].map(line).join('\n');
	const note = `${machine.cpus} × ${machine.cpu}, Linux ${machine.kernel}, ${date.slice(0, 10)}`;
	return { table: `${table}\n\n${note}. \`npm run figures\` makes them anew.\n`, svg: picture(figures, note) };
}

/** The files that figures make: name to text. */
export function published(data) {
	const { table, svg } = publish(data);
	const readme = readFileSync(README, 'utf8');
	if (!PART.test(readme)) throw new Error('README.md has no place for figures');
	return { [README]: readme.replace(PART, `$1${table}$2`), [PICTURE]: svg };
}

/** Names of files that are not as docs/figures.json makes them. */
export function outdated() {
	const files = Object.entries(published(stored()));
	return files.filter(([file, text]) => readFileSync(file, 'utf8') !== text).map(([file]) => path.relative(root, file));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const given = process.argv.slice(2);
	const files = given.length > 0 ? given : await measured();
	const data = merge(stored(), files.map((file) => JSON.parse(readFileSync(file, 'utf8'))));
	writeFileSync(STORE, `${JSON.stringify(data, null, '\t')}\n`);
	for (const [file, text] of Object.entries(published(data))) writeFileSync(file, text);
	console.log(`${data.figures.length} of ${ALL.length} figures, docs/figures.svg, README.md`);
}
