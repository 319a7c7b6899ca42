// One process, round after round of every action: heap and descriptors have to stay level.
//   node --expose-gc flat.mjs ROUNDS TIMES
// Prints what each round left, and fails if the last third holds more than the first after the
// warm-up: more descriptors at all, or more heap than MARGIN.

import { actions } from './actions.mjs';
import { descriptors, run, settle } from './settle.mjs';

const [rounds, times] = process.argv.slice(2).map(Number);
const MARGIN = 512 * 1024; // compiled code, and what V8 keeps of workers

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const left = [];
for (let round = 0; round < rounds; round++) {
	for (const name of Object.keys(actions)) {
		for (let i = 0; i < times; i++) await run(name);
	}
	await settle();
	left.push({ heap: process.memoryUsage().heapUsed, descriptors: descriptors() });
	console.log(JSON.stringify(left.at(-1)));
}
const third = Math.floor(rounds / 3);
const [first, last] = [left.slice(third, 2 * third), left.slice(-third)].map((part) => ({
	heap: median(part.map(({ heap }) => heap)),
	descriptors: Math.max(...part.map((each) => each.descriptors)),
}));
const grown = last.heap - first.heap;
console.log(`heap ${grown >= 0 ? '+' : ''}${grown} bytes, descriptors ${last.descriptors - first.descriptors}`);
if (grown > MARGIN || last.descriptors > first.descriptors) process.exitCode = 1;
