// One process of the storm: `cycles` actions in an order that `seed` chooses, then an end of the
// same kind. It prints how many descriptors more there are than before.
//   node --expose-gc process.mjs SEED CYCLES

import { actions, ends, leaveOpen } from './actions.mjs';
import { random } from './random.mjs';
import { descriptors, run, settle } from './settle.mjs';

const [seed, cycles] = process.argv.slice(2).map(Number);
const next = random(seed);
const pick = (choices) => choices[Math.floor(next() * choices.length)];

// Node and libuv keep some descriptors of their own after the first use of each kind.
for (const name of Object.keys(actions)) await run(name);
await settle();
const before = descriptors();
const counts = {};
for (let cycle = 0; cycle < cycles; cycle++) {
	const name = pick(Object.keys(actions));
	counts[name] = (counts[name] ?? 0) + 1;
	await run(name);
}
await settle();
const leaked = descriptors() - before;
const end = pick(Object.keys(ends));
console.log(JSON.stringify({ seed, leaked, end, counts }));
leaveOpen();
ends[end]();
