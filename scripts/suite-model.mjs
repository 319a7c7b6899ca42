// The models of waking and leading (test/model/wakeup.pml), of noticing who is gone (lookout.pml) and of
// the lock (lock.pml), searched by spin: without a mistake no search finds an error, with each known mistake one does.

import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { add, none, runChecks } from './counts.mjs';
import { capture, root } from './process.mjs';

const MEGABYTES = 2000; // of memory, at most

// How pan is built and run: every state; states and cycles without progress; a claim that is to hold
// in the end, every process having its turns.
const STATES = { model: 'wakeup', build: ['-DSAFETY'], run: [] };
const CYCLES = { model: 'wakeup', build: ['-DNP'], run: ['-l'] };
const CLAIM = (model, claim) => ({ model, build: ['-DNFAIR=4'], run: ['-a', '-f', '-N', claim] });
const NOTICED = CLAIM('lookout', 'noticed');
const LED = CLAIM('lookout', 'led');
const LOCK = { model: 'lock', build: ['-DSAFETY', '-DNOCLAIM'], run: [] };
const HAD = CLAIM('lock', 'had');

// Whole searches of cuts small enough for all of their states. Of waking: who may die (waiters 1 to 3,
// posters 4 and 5), with the doorbell, with a descriptor, with two waiters instead of three. Of noticing:
// who is killed or stopped (the process of two waiters is 0), with a descriptor, so that somebody leads.
// Of the lock: how many die, whether two threads have one number.
const SEARCHES = {
	'nobody dies': [STATES, ''],
	'nobody dies: no two wake each other for ever': [CYCLES, '-DBELL=false -DWAITERS=2'],
	'nobody dies: waiters look at their words before they sleep': [STATES, '-DSPINS=true -DWAITERS=2'],
	'a waiter dies': [CYCLES, '-DVICTIM=1 -DBELL=false -DWAITERS=2'],
	'a poster dies': [CYCLES, '-DVICTIM=4 -DBELL=false -DWAITERS=2'],
	'a waiter dies: the doorbell': [STATES, '-DVICTIM=1 -DDESCRIPTOR=false'],
	'a poster dies: the doorbell': [STATES, '-DVICTIM=4 -DDESCRIPTOR=false'],
	'one that waits for nothing dies: it is noticed': [NOTICED, ''],
	'a process of two waiters dies: it is noticed': [NOTICED, '-DVICTIM=0'],
	'a process of one waiter dies: it is noticed': [NOTICED, '-DVICTIM=1'],
	'a leader dies: another leads': [LED, '-DVICTIM=1 -DDESCRIPTOR=true'],
	'a leader is stopped: another leads': [LED, '-DVICTIM=1 -DDESCRIPTOR=true -DSTOPPED=true'],
	'a leader is stopped: the dead are noticed': [NOTICED, '-DVICTIM=1 -DDESCRIPTOR=true -DSTOPPED=true'],
	'the lock: nobody dies': [LOCK, '-DDEATHS=0'],
	'the lock: one dies': [LOCK, '-DDEATHS=1'],
	'the lock: two die, two have one number': [LOCK, '-DROUNDS=1 -DCOLLIDE=true'],
	'the lock: scribbled on, and one dies': [LOCK, '-DDEATHS=1 -DROUNDS=1 -DSCRIBBLED=true'],
	'the lock: whoever lives has it in the end, however scribbled on': [HAD, '-DDEATHS=1 -DROUNDS=1 -DSCRIBBLED=true'],
	'the lock: whoever lives has it in the end': [HAD, '-DDEATHS=1 -DROUNDS=1 -DCOLLIDE=true'],
};
const MISTAKES = {
	'no look at the word before sleeping': [STATES, '-DBUG_NO_RECHECK'],
	'whoever leaves passes nothing on': [STATES, '-DBUG_LEAVES_QUIETLY'],
	'a kick taken from under the leader': [STATES, '-DBUG_KICK_SWALLOWED'],
	'a bell made once, however late': [STATES, '-DBUG_BELL_ONCE'],
	'a kick lowered with the one that is taken back': [CYCLES, '-DBUG_LOWERED_FOR_ANOTHER -DBELL=false'],
	'a kick raised too late, and left': [CYCLES, '-DBUG_KICK_LEFT -DBELL=false'],
	'a kick taken, and not lowered': [CYCLES, '-DBUG_KICK_NOT_LOWERED -DBELL=false'],
	'a kick of the dead': [CYCLES, '-DBUG_DEAD_KICK -DVICTIM=4 -DBELL=false -DWAITERS=2'],
	'an event loop that is called, and rests': [STATES, '-DBUG_RESTS_CALLED -DSPINS=true -DWAITERS=2'],
	'a death that nobody notices': [STATES, '-DBUG_UNNOTICED -DVICTIM=1'],
	'a lookout that is not passed on': [NOTICED, '-DBUG_NOT_PASSED_ON'],
	'a look that ends with its looker': [NOTICED, '-DBUG_LOOK_HELD -DVICTIM=0'],
	'a look for each who waits': [NOTICED, '-DBUG_LOOKS_ALWAYS'],
	'a successor buried for the dead': [NOTICED, '-DBUG_RECORD_REUSED'],
	'a leader that is believed for ever': [LED, '-DBUG_SILENCE -DVICTIM=1 -DDESCRIPTOR=true -DSTOPPED=true'],
	'a favour withdrawn without a fence': [LOCK, '-DBUG_NO_FENCE -DDEATHS=0 -DROUNDS=1'],
	'a favoured thread that does not look twice': [LOCK, '-DBUG_NO_SECOND_LOOK -DDEATHS=0 -DROUNDS=1'],
	'a favour that is gone before its thread is out': [LOCK, '-DBUG_WITHDRAWN_AT_ONCE -DROUNDS=1'],
	'a mark of the kernel that is believed': [LOCK, '-DBUG_MARK_BELIEVED -DDEATHS=1 -DROUNDS=1 -DCOLLIDE=true'],
	'a successor that is taken for the dead': [LOCK, '-DBUG_SUCCESSOR_UNSAID -DDEATHS=1 -DROUNDS=1'],
	'a word of a thread that has not said who it is': [LOCK, '-DBUG_UNSAID_ROBBED -DDEATHS=0 -DROUNDS=1 -DSCRIBBLED=true'],
	'a holder named after it has left': [LOCK, '-DBUG_HOLDER_KEPT -DROUNDS=1 -DCOLLIDE=true'],
	'a lock that is given up, and nobody woken': [LOCK, '-DBUG_NO_WAKE -DDEATHS=0'],
};

/** How many errors a search of all states finds: 0 or 1. */
async function search(number, [way, options]) {
	const cwd = path.join(root, 'out/model', String(number));
	mkdirSync(cwd, { recursive: true });
	const model = path.join(root, `test/model/${way.model}.pml`);
	await capture('spin', ['-a', ...options.split(' ').filter(Boolean), model], { cwd });
	const limits = ['-DNOREDUCE', '-DHC4', `-DMEMLIM=${MEGABYTES}`];
	await capture('cc', ['-O2', ...way.build, ...limits, '-o', 'pan', 'pan.c'], { cwd });
	const said = await capture('./pan', ['-m1000000', '-w24', ...way.run], { cwd });
	const errors = /errors: (\d+)/.exec(said)?.[1];
	const cut = /Search not completed|max search depth too small/.test(said);
	if (errors === undefined || (cut && errors === '0')) {
		throw Object.assign(new Error('the search did not end'), { output: said });
	}
	return { errors: Number(errors), said };
}

function checksOf() {
	const checks = [];
	for (const [name, what] of Object.entries(SEARCHES)) {
		const number = checks.length;
		checks.push([
			name,
			async () => {
				const { errors, said } = await search(number, what);
				if (errors !== 0) throw Object.assign(new Error('an error'), { output: said });
			},
		]);
	}
	for (const [name, what] of Object.entries(MISTAKES)) {
		const number = checks.length;
		checks.push([
			`found: ${name}`,
			async () => {
				const { errors } = await search(number, what);
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
