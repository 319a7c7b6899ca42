// A port in processes that Node starts by spawn, fork and cluster, and what is left when one is
// killed: nothing of its own, everything of the others.

import { writeSync } from 'node:fs';
import { closeFd, FdEvent, POLLIN, Port, pipe } from 'event-ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FIRST_FD, type Member, member } from './support/members.js';
import { until } from './support.js';

let port: Port<never>;
let members: Member[];
beforeEach(() => {
	port = new Port();
	members = [];
});
afterEach(async () => {
	await Promise.all(members.map((each) => each.end()));
	port.close();
});

type How = Parameters<typeof member>[2];
async function start(how?: How, fds: readonly number[] = []): Promise<Member> {
	const one = await member(port, { fds }, how);
	members.push(one);
	return one;
}

describe.each(['spawn', 'fork', 'cluster'] as const)('a process of %s', (how) => {
	it('attaches by the ticket in its stdio, more than once', async () => {
		const one = await start(how);
		expect(port.members).toEqual([process.pid, one.child.pid]);
		await one.does(`const again = evp.Port.attach(4);
			again.post(Buffer.from(String(again.fd === port.fd)), 3, -4);
			again.close();
			port.send(5, process.pid)`);
		expect(port.getnSync({ min: 2 })).toMatchObject([
			{ events: 3, user: -4, bytes: Buffer.from('true') },
			{ events: 5, user: one.child.pid },
		]);
		port.send(6, 7 as never);
		expect(await one.value('port.get().then(({ events, user }) => [events, user])')).toEqual([
			6, 7,
		]);
	});

	it('leaves with its last breath', async () => {
		const one = await start(how);
		await one.does('process.disconnect()').catch(() => {});
		await until(() => port.members.length === 1);
		expect(port.stats().members).toBe(1);
	});

	// Something of every source that takes a place in the port, and an alert.
	it('takes what it owned with it when it is killed, and nothing else', async () => {
		const [reader, writer] = pipe();
		const one = await start(how, [reader]);
		await one.does(`port.associate(${FIRST_FD}, evp.POLLIN, 1);
			port.associateFile(new evp.FileObject('/etc/hostname'), evp.FILE_MODIFIED);
			for (let i = 0; i < 10; i++) port.after(1e9);
			port.after(0);
			port.aio.read(${FIRST_FD}, Buffer.alloc(1), 0);
			port.send(8, 9);
			port.alert(1)`);
		const [mine, writerOfMine] = pipe();
		port.associate(mine, POLLIN, 2 as never);
		expect(port.stats().slots).toBeGreaterThanOrEqual(15);
		await one.end();
		await until(() => port.members.length === 1);
		expect(port.stats()).toMatchObject({ slots: 2, alert: 0, members: 1 });
		writeSync(writer, 'nobody is told');
		writeSync(writerOfMine, 'x');
		expect(port.getnSync({ min: 2 })).toMatchObject([
			{ events: 8, user: 9 }, // messages outlive who sent them
			new FdEvent(mine, POLLIN, 2),
		]);
		expect(port.count()).toBe(0);
		for (const fd of [reader, writer, mine, writerOfMine]) closeFd(fd);
	});
});

it('a place at the limit is free again when its owner is dead', async () => {
	port.close();
	port = new Port({ limit: 3 });
	const one = await start();
	await one.does('for (let i = 0; i < 3; i++) port.after(1e9)');
	expect(() => port.send(1)).toThrow(expect.objectContaining({ code: 'EAGAIN' }));
	await one.end();
	const fits = () => {
		try {
			port.send(1);
			return true;
		} catch {
			return false;
		}
	};
	await until(fits); // nobody looks at members
	port.send(2);
	port.send(3);
	expect(port.count()).toBe(3);
});

it('processes that come and go leave nothing', async () => {
	for (let round = 0; round < 5; round++) {
		const some = await Promise.all([start(), start(), start(), start()]);
		expect(port.members).toHaveLength(5);
		await Promise.all(some.map((each) => each.does('port.after(1e9); port.send(1, 2)')));
		await Promise.all(some.map((each) => each.end()));
		await until(() => port.members.length === 1);
		expect(port.getnSync({ min: 4 })).toHaveLength(4);
		expect(port.stats()).toMatchObject({ slots: 0, queued: 0, members: 1 });
	}
});
