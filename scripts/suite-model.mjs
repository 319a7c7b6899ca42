// The model of waking and leading (test/model/wakeup.pml), searched by spin: without a mistake no
// search finds an error, with each known mistake one does.

import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { add, none, runChecks } from './counts.mjs';
import { capture, root } from './process.mjs';

const model = path.join(root, 'test/model/wakeup.pml');
const MEGABYTES = 2000; // of memory, at most

// Whole searches of cuts small enough for all of their states: who may die (waiters 1 to 3, posters
// 4 and 5), with the doorbell, with a descriptor, with two waiters instead of three.
const SEARCHES = {
	'nobody dies': '',
	'nobody dies: no two wake each other for ever': '-DBELL=false -DWAITERS=2',
	'nobody dies: waiters look at their words before they sleep': '-DSPINS=true -DWAITERS=2',
	'a waiter dies': '-DVICTIM=1 -DBELL=false -DWAITERS=2',
	'a poster dies': '-DVICTIM=4 -DBELL=false -DWAITERS=2',
	'a waiter dies: the doorbell': '-DVICTIM=1 -DDESCRIPTOR=false',
	'a poster dies: the doorbell': '-DVICTIM=4 -DDESCRIPTOR=false',
};
const MISTAKES = {
	'no look at the word before sleeping': '-DBUG_NO_RECHECK',
	'whoever leaves passes nothing on': '-DBUG_LEAVES_QUIETLY',
	'a kick taken from under the leader': '-DBUG_KICK_SWALLOWED',
	'a bell made once, however late': '-DBUG_BELL_ONCE',
	'a kick lowered with the one that is taken back': '-DBUG_LOWERED_FOR_ANOTHER -DBELL=false',
	'a kick raised too late, and left': '-DBUG_KICK_LEFT -DBELL=false',
	'a kick taken, and not lowered': '-DBUG_KICK_NOT_LOWERED -DBELL=false',
	'a kick of the dead': '-DBUG_DEAD_KICK -DVICTIM=4 -DBELL=false -DWAITERS=2',
	'an event loop that is called, and rests': '-DBUG_RESTS_CALLED -DSPINS=true -DWAITERS=2',
	'a death that nobody notices': '-DBUG_UNNOTICED -DVICTIM=1',
};

/** How many errors a search of all states finds: 0 or 1. */
async function search(number, options) {
	const cycles = options.startsWith('-DBELL=false');
	const cwd = path.join(root, 'out/model', String(number));
	mkdirSync(cwd, { recursive: true });
	await capture('spin', ['-a', ...options.split(' ').filter(Boolean), model], { cwd });
	const kind = cycles ? '-DNP' : '-DSAFETY';
	const limits = ['-DNOREDUCE', '-DHC4', `-DMEMLIM=${MEGABYTES}`];
	await capture('cc', ['-O2', kind, ...limits, '-o', 'pan', 'pan.c'], { cwd });
	const said = await capture('./pan', ['-m1000000', '-w24', ...(cycles ? ['-l'] : [])], { cwd });
	const errors = /errors: (\d+)/.exec(said)?.[1];
	const cut = /Search not completed|max search depth too small/.test(said);
	if (errors === undefined || (cut && errors === '0')) {
		throw Object.assign(new Error('the search did not end'), { output: said });
	}
	return { errors: Number(errors), said };
}

function checksOf() {
	const checks = [];
	for (const [name, options] of Object.entries(SEARCHES)) {
		const number = checks.length;
		checks.push([
			name,
			async () => {
				const { errors, said } = await search(number, options);
				if (errors !== 0) throw Object.assign(new Error('an error'), { output: said });
			},
		]);
	}
	for (const [name, options] of Object.entries(MISTAKES)) {
		const number = checks.length;
		checks.push([
			`found: ${name}`,
			async () => {
				const { errors } = await search(number, options);
				if (errors === 0) throw new Error('the model does not notice the mistake');
			},
		]);
	}
	return checks;
}

async function modelSuite() {
	const checks = checksOf();
	const lanes = Array.from({ length: availableParallelism() }, async () => {
		let counts = none();
		for (let next = checks.shift(); next !== undefined; next = checks.shift()) {
			counts = add(counts, await runChecks(Object.fromEntries([next])));
		}
		return counts;
	});
	return (await Promise.all(lanes)).reduce(add, none());
}

export const modelSuites = { model: modelSuite };
