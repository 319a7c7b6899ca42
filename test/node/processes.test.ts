// One port in several processes of Node: passed by a ticket in stdio.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { closeFd, Port } from 'event-ports';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { outcomeOf, PACKAGE, until } from './support.js';

let port: Port;
let children: ChildProcess[];
beforeEach(() => {
	port = new Port();
	children = [];
});
afterEach(async () => {
	for (const child of children) child.kill('SIGKILL');
	port.close();
});

/** A process with `port`, and what it prints. */
function start(source: string): ChildProcess {
	const ticket = port.ticket();
	const prelude = `import * as evp from ${JSON.stringify(PACKAGE)}; const port = evp.Port.attach(3);\n`;
	const child = spawn(process.execPath, ['--input-type=module', '-e', prelude + source], {
		stdio: ['ignore', 'pipe', 'pipe', ticket],
	});
	closeFd(ticket);
	children.push(child);
	return child;
}

const waiting = (count: number) => until(() => port.stats().waiters === count);
/** In the kernel: stopped on its way there, inside the port's lock, it would hold up everybody. */
const asleep = ({ pid }: ChildProcess) =>
	until(() => / S [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
const ended = (child: ChildProcess) => once(child, 'exit');

it('messages, bytes and alerts go both ways', async () => {
	const child = start(`
		const { events, user, bytes } = port.getSync();
		const alert = await port.get();
		port.clearAlert();
		port.post(Buffer.from(bytes).reverse(), events + 1, -user);
		console.log(alert.source, port.members.length);`);
	const outcome = outcomeOf(child);
	await waiting(1);
	expect(port.members).toEqual([process.pid, child.pid]);
	port.post(Buffer.from('abc'), 1, 5);
	await until(() => port.count() === 0);
	await waiting(1);
	port.alert(9);
	expect(await outcome).toMatchObject({ code: 0, stdout: 'alert 2\n', stderr: '' });
	expect(port.getSync()).toMatchObject({ events: 2, user: -5, bytes: Buffer.from('cba') });
	expect(port.members).toEqual([process.pid]);
});

it('a value that can not cross is refused from the first ticket on', async () => {
	port.send(1, {});
	expect(port.getSync()?.user).toEqual({});
	closeFd(port.ticket());
	const code = 'ERR_PORT_COOKIE_NOT_SHAREABLE';
	for (const call of [
		() => port.send(1, {}),
		() => port.post(Buffer.alloc(1), 1, 'text'),
		() => port.alert(1, 1.5),
		() => port.associate(0, 1, []),
	])
		expect(call).toThrow(expect.objectContaining({ code }));
	expect(port.associateAll([{ fd: 0, events: 1, user: 'x' }])).toEqual([
		expect.objectContaining({ code }),
	]);
	for (const user of [7, -7, 0, null, undefined, true]) {
		port.send(1, user);
		expect(port.getSync()?.user).toBe(user);
	}
	port.after(0, { of: 'this process alone' });
	expect((await port.get())?.user).toEqual({ of: 'this process alone' });
});

it('neither a port nor a ticket: says so', () => {
	expect(() => Port.attach(0)).toThrow(
		expect.objectContaining({ code: 'EBADFD', syscall: 'port_attach' }),
	);
});

// A thread is called before a loop, and the one that is called has the message to itself until
// it comes; only looking up finds that it never will.
it.each(['SIGSTOP', 'SIGKILL'] as const)(
	'who got %s in a wait holds up no event loop',
	async (signal) => {
		const child = start(`for (;;) port.getSync();`);
		await waiting(1);
		const wait = port.get();
		await waiting(2);
		await asleep(child);
		child.kill(signal);
		if (signal === 'SIGKILL') await ended(child);
		port.send(1, 42);
		expect(await wait).toMatchObject({ events: 1, user: 42 });
		const COUNT = 20;
		for (let i = 0; i < COUNT; i++) port.send(2, i);
		const seen: unknown[] = [];
		while (seen.length < COUNT) seen.push(...(await port.getn({ max: 4 })).map(({ user }) => user));
		expect(seen).toEqual(Array.from({ length: COUNT }, (_, i) => i));
	},
);
