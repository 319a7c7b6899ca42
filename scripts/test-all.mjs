// npm test: runs the named suites, or all, shows what they print, and ends in one line of totals.
// A suite that ran nothing has failed.
//   node scripts/test-all.mjs [static|native|conformance|node|model|fuzz|install|consumers|tarball|asan|tsan ...]
//   node scripts/test-all.mjs servers     what is run only when asked for

import { add, failure, format } from './counts.mjs';
import { consumersSuite, serversSuite } from './suite-consumers.mjs';
import { fuzzSuites } from './suite-fuzz.mjs';
import { installSuite } from './suite-install.mjs';
import { modelSuites } from './suite-model.mjs';
import { soakSuite } from './suite-soak.mjs';
import { staticSuite } from './suite-static.mjs';
import { tarballSuite } from './suite-tarball.mjs';
import { nativeSuites } from './suites-native.mjs';
import { nodeSuites } from './suites-node.mjs';

const { native, conformance, asan, tsan } = nativeSuites;
const suites = {
	...staticSuite,
	native,
	conformance,
	...nodeSuites,
	asan,
	tsan,
	...modelSuites,
	...soakSuite,
	...fuzzSuites,
	...installSuite,
	...consumersSuite,
	...tarballSuite,
};
const onRequest = { ...serversSuite };

async function run(name) {
	console.log(`\n== ${name}`);
	const started = performance.now();
	let counts;
	try {
		counts = await (suites[name] ?? onRequest[name])();
	} catch (error) {
		counts = failure(`${name}\n${error.output ?? error.stack}`);
	}
	if (counts.passed + counts.failed === 0) counts = failure(`${name}: no test ran`);
	const seconds = ((performance.now() - started) / 1000).toFixed(0);
	return { name, counts, seconds };
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(suites);
const known = [...Object.keys(suites), ...Object.keys(onRequest)];
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
	console.error(`no such suite: ${unknown.join(', ')}; there are ${known.join(', ')}`);
	process.exit(2);
}

const results = [];
for (const name of names) results.push(await run(name));

console.log('');
for (const text of results.flatMap((result) => result.counts.failures)) console.log(`${text}\n`);
for (const { name, counts, seconds } of results) {
	console.log(`${name.padEnd(12)} ${format(counts)} (${seconds} s)`);
}
const total = results.map((result) => result.counts).reduce(add);
console.log(format(total));
process.exitCode = total.failed > 0 ? 1 : 0;
