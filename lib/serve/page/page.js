// Draws the samples of live.ts. Counters only grow: what is shown a second are differences.

import { Plot } from './plot.js';

const SHORTEST = 250; // ms between two samples that a rate is made of
const MESSAGES = 10_000;
const NAMES = {
	fd: 'descriptors',
	user: 'messages',
	timer: 'timers',
	file: 'files',
	aio: 'I/O',
	mq: 'queues',
	alert: 'alerts',
};
const SOURCES = Object.keys(NAMES);
const ALWAYS = new Set(['fd', 'user', 'timer', 'file']); // others are shown once they have happened

const at = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const sum = (items, value) => items.reduce((total, item) => total + value(item), 0);

const plots = {
	events: new Plot(at('plot-events'), SOURCES.map((source) => `--${source}`)),
	connections: new Plot(at('plot-connections'), ['--fd']),
	queued: new Plot(at('plot-queued'), ['--user']),
};

const legend = Object.fromEntries(SOURCES.map((source) => {
	const item = document.createElement('li');
	const value = document.createElement('output');
	value.id = `rate-${source}`;
	value.value = '0';
	item.style.setProperty('--colour', `var(--${source})`);
	item.append(NAMES[source], value);
	item.hidden = !ALWAYS.has(source);
	at('legend').append(item);
	return [source, { item, value }];
}));

let before; // the sample that rates are differences to
let deepest = 0; // queue depth seen since then

function show(id, value, format = whole) {
	at(id).value = format.format(value);
}

function fillTable(id, rows) {
	at(id).replaceChildren(...rows.map((cells) => {
		const row = document.createElement('tr');
		for (const text of cells) row.insertCell().textContent = text;
		return row;
	}));
}

const delivered = (port) => sum(SOURCES, (source) => port.delivered[source]);

function showNow(sample) {
	const { ports, workers } = sample;
	const queued = sum(ports, (port) => port.queued);
	const slots = sum(ports, (port) => port.slots);
	const limit = sum(ports, (port) => port.limit);
	deepest = Math.max(deepest, queued);
	show('queued', queued);
	show('connections', sum(workers, (worker) => worker.connections));
	show('slots', slots);
	show('limit', limit);
}

function showRates(sample) {
	const seconds = (sample.time - before.time) / 1000;
	const portBefore = new Map(before.ports.map((port) => [port.name, port]));
	// A worker's port is gone at its end; one that is new has nothing before it.
	const growth = (port, value) => value(port) - value(portBefore.get(port.name) ?? port);
	const { ports, workers } = sample;

	const rates = SOURCES.map((source) =>
		sum(ports, (port) => growth(port, (of) => of.delivered[source])) / seconds);
	SOURCES.forEach((source, i) => {
		const { item, value } = legend[source];
		value.value = whole.format(rates[i]);
		if (rates[i] > 0) item.hidden = false;
	});
	const grown = (field) => sum(workers, (worker) => worker[field]) - sum(before.workers, (worker) => worker[field]);
	show('events', sum(rates, (rate) => rate));
	show('requests', grown('requests') / seconds);
	show('bytes', grown('bytes') / seconds / 1e6, tenths);

	fillTable('ports', ports.map((port) => [
		port.name,
		whole.format(growth(port, delivered) / seconds),
		whole.format(port.queued),
		whole.format(port.slots),
		whole.format(port.waiters),
		whole.format(growth(port, (of) => of.wakeups) / seconds),
	]));
	fillTable('workers', workers.map((worker, i) => [
		workers.length === 1 ? 'main' : `worker ${i}`,
		whole.format(worker.connections),
		whole.format((worker.requests - before.workers[i].requests) / seconds),
		whole.format(worker.requests),
		whole.format(worker.accepted),
	]));

	plots.events.add(sample.time, rates);
	plots.connections.add(sample.time, [sum(workers, (worker) => worker.connections)]);
	plots.queued.add(sample.time, [deepest]);
}

function take(sample) {
	showNow(sample);
	if (before !== undefined && sample.time - before.time < SHORTEST) return;
	if (before !== undefined) showRates(sample);
	before = sample;
	deepest = 0;
}

function state(name, text) {
	at('state').dataset.state = name;
	at('state').textContent = text;
}

const source = new EventSource('events');
source.onopen = () => {
	before = undefined; // perhaps another server, whose counters begin anew
	state('live', 'live');
};
source.onmessage = (event) => take(JSON.parse(event.data));
source.onerror = () => state('lost', 'connection lost, trying again');

at('send').addEventListener('click', () => fetch(`send?count=${MESSAGES}`, { method: 'POST' }));
