// A pool of processes behind one port. A million jobs are sent, each process takes a batch at a time,
// and one is killed in the middle and replaced. Jobs that it had taken are lost with it: a roll call
// finds out which those were, and they alone are sent again.
//
// How: jobs leave the port in the order in which they were sent. So once every live process has
// reported all that it took, whatever was sent, is neither reported nor still queued, was in the
// hands of the dead. An alert calls the roll: it reaches every process that asks for more.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeFd, Port } from 'event-ports';

const JOBS = 1_000_000;
const WORKERS = 3;
const BATCH = 256;
const WINDOW = 4096; // jobs sent and not yet reported, so that nothing gets full
const [JOBS_FD, REPORTS_FD] = [4, 5];
const FATAL = 1; // of `jobs`: whoever takes this one is killed, with its batch in hand
const ROLL_CALL = 1; // alerts
const END = 2;
const DEATH = 1; // of `reports`

if (process.send) await work();
else await main();

/** Does jobs, a batch at a time, and reports them by their numbers. */
async function work() {
	const jobs = Port.attach(JOBS_FD);
	const reports = Port.attach(REPORTS_FD);
	for await (const events of jobs.batches({ max: BATCH })) {
		const [first] = events;
		if (first.source !== 'alert') {
			if (events.some((event) => event.events === FATAL)) process.kill(process.pid, 'SIGKILL');
			reports.post(Uint32Array.from(events, (event) => event.user)); // the work would be before
		} else if (first.events === ROLL_CALL) {
			process.send('here'); // and all that was taken is reported
			await once(process, 'message');
		} else {
			break;
		}
	}
	process.disconnect();
}

async function main() {
	const jobs = new Port();
	const reports = new Port();
	const pool = new Set();
	const done = new Uint8Array(JOBS + 1); // how often each was reported
	let sent = []; // in order, since the last roll call
	let outstanding = 0;
	let reported = 0;
	let deaths = 0;

	function start() {
		const stdio = ['ignore', 'inherit', 'inherit', 'ipc', jobs.ticket(), reports.ticket()];
		const worker = fork(new URL(import.meta.url), { stdio });
		for (const ticket of stdio.slice(JOBS_FD)) closeFd(ticket);
		pool.add(worker);
		worker.once('exit', () => {
			pool.delete(worker);
			deaths++;
			reports.send(DEATH); // wakes who waits for reports
		});
	}

	function send(job, events = 0) {
		jobs.send(events, job);
		sent.push(job);
		outstanding++;
	}

	async function note(timeout) {
		for (const { bytes } of await reports.getn({ timeout })) {
			if (bytes === undefined) continue; // a death
			const numbers = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
			for (const job of numbers) done[job]++;
			reported += numbers.length;
			outstanding -= numbers.length;
		}
	}

	/** Jobs that went with the dead. */
	async function callRoll() {
		jobs.alert(ROLL_CALL);
		// Who dies meanwhile answers by that.
		const answer = (worker) => Promise.race([once(worker, 'message'), once(worker, 'exit')]);
		await Promise.all([...pool].map(answer));
		while (reports.count() > 0) await note(0);
		const queued = jobs.count();
		const taken = sent.slice(0, sent.length - queued);
		sent = sent.slice(taken.length);
		jobs.clearAlert();
		for (const worker of pool) worker.send('go on', () => {}); // if it still lives
		return taken.filter((job) => done[job] === 0);
	}

	for (let i = 0; i < WORKERS; i++) start();
	let sentAgain = 0;
	for (let next = 1; reported < JOBS; ) {
		for (; deaths > 0; deaths--) {
			const lost = await callRoll();
			outstanding -= lost.length;
			sentAgain += lost.length;
			for (const job of lost) send(job);
			start();
		}
		for (; next <= JOBS && outstanding < WINDOW; next++) send(next, next === JOBS / 2 ? FATAL : 0);
		await note();
	}

	const ended = [...pool].map((worker) => once(worker, 'exit'));
	jobs.alert(END);
	await Promise.all(ended);
	const twice = done.findIndex((times, job) => times !== 1 && job !== 0);
	console.log(`${reported} jobs done, ${twice === -1 ? 'each of them once' : `not so ${twice}`}`);
	const few = sentAgain > 0 && sentAgain <= BATCH;
	console.log(`sent again: ${few ? 'what the one that was killed had in hand' : sentAgain}`);
	console.log(`left: ${jobs.count()} jobs, ${jobs.members.length} process`);
	jobs.close();
	reports.close();
}

// Prints:
// 1000000 jobs done, each of them once
// sent again: what the one that was killed had in hand
// left: 0 jobs, 1 process
