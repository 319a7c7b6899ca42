// Timers of a port: a timer costs no descriptor, and expires into the queue that everything else
// comes from. Expirations that nobody retrieved are counted, not queued.

import { Port } from 'event-ports';

const port = new Port();

const tick = port.every(10, 'tick');
const busy = performance.now() + 35;
while (performance.now() < busy);
const { user, expirations } = await port.get();
console.log(user, expirations >= 3 ? 'came at least three times, as one event' : 'was lost');
tick.delete(); // with what may be queued of it

// A limit for each of many connections; most are put off or taken back before they expire.
const limits = new Map(['reader', 'writer'].map((name) => [name, port.after(60_000, name)]));
limits.get('writer').set({ value: 120_000 }); // it has written
limits.get('reader').set({ value: 5 });
console.log((await port.get()).user, 'was idle too long');
for (const limit of limits.values()) limit.delete();

port.at(new Date(Date.now() + 20), 'alarm'); // also when the wall clock is set meanwhile
console.log((await port.get()).user);
port.close();

// Prints:
// tick came at least three times, as one event
// reader was idle too long
// alarm
