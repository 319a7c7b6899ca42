// lib/sharing.ts against the core: every source, verb and party, by real processes.

import { mkdtempSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
	closeFd,
	Port,
	PortError,
	PortOwnershipError,
	pipe,
	read,
	SHARING,
	type SharingRule,
	type SharingVerb,
} from 'event-ports';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { FIRST_FD, type Member, member } from './support/members.js';
import { until } from './support.js';

// In the owner and its twin the number FIRST_FD is one open file, in the stranger another.
let port: Port<never>;
let pipes: (readonly [number, number])[];
let owner: Member;
let twin: Member;
let stranger: Member;
let file: string;

const folder = mkdtempSync(path.join(tmpdir(), 'event-ports-sharing-'));
beforeAll(async () => {
	port = new Port();
	pipes = [pipe(), pipe()];
	file = path.join(folder, 'watched');
	writeFileSync(file, 'before');
	const [one, two] = pipes as [[number, number], [number, number]];
	[owner, twin, stranger] = (await Promise.all([
		member(port, { fds: [one[0]] }),
		member(port, { fds: [one[0]] }),
		member(port, { fds: [two[0]] }),
	])) as [Member, Member, Member];
});
afterAll(async () => {
	await Promise.all([owner, twin, stranger].map((each) => each.end()));
	for (const fd of pipes.flat()) closeFd(fd);
	port.close();
	rmSync(folder, { recursive: true });
});
// What a case left is the owner's.
afterEach(async () => {
	port.clearAlert();
	await Promise.all(
		[owner, twin, stranger].map((each) =>
			each.does(`try { port.dissociate(${FIRST_FD}) } catch {}`),
		),
	);
	await owner.does(`kept.undo?.(); delete kept.undo; port.getnSync({ timeout: 0 })`);
	while (port.getSync({ timeout: 0 }) !== null);
	const some = Buffer.alloc(16);
	for (const [reader] of pipes) {
		port.associate(reader, 1);
		if (port.getSync({ timeout: 0 }) !== null) read(reader, some);
	}
	for (const [reader] of pipes) {
		try {
			port.dissociate(reader);
		} catch {}
	}
});

type Cell = (actor: Member) => Promise<SharingRule>;
const OWN = 'port.getSync({ timeout: 0 })?.source';

/** The rule that a negative errno says. */
async function code(actor: Member, call: string): Promise<SharingRule> {
	const rc = await actor.value<number>(call);
	if (rc >= 0) return 'yes';
	return new PortError(rc, 'port_dissociate').code as SharingRule;
}

/** An event of the owner's is queued: who gets it? */
async function retrieves(actor: Member, source: string): Promise<SharingRule> {
	// Counting asks the kernel; the event is there from then on.
	let queued = 0;
	while (queued === 0) queued = await owner.value<number>('port.count()');
	const got = await actor.value(OWN);
	if (got === source) return 'yes';
	expect(got).toBeUndefined();
	expect(await owner.value(OWN)).toBe(source); // it kept its place
	return 'no';
}

const ARM_FD = `native.associate(handle, ${FIRST_FD}, evp.POLLIN, 7)`;
const watch = () => `kept.file = new evp.FileObject(${JSON.stringify(file)});
	port.associateFile(kept.file, evp.FILE_MODIFIED);`;

const cells: Record<string, Partial<Record<SharingVerb, Cell>>> = {
	fd: {
		retrieve: async (actor) => {
			await owner.value(ARM_FD);
			writeSync((pipes[0] as [number, number])[1], 'x');
			return retrieves(actor, 'fd');
		},
		associate: async (actor) => {
			await owner.value(ARM_FD);
			const did = await code(actor, ARM_FD);
			if (did !== 'yes' || actor === owner) return did;
			const holder = await actor.value(`native.holder(handle, ${FIRST_FD})`);
			return holder === 1 ? 'own' : 'yes'; // 2: the owner's as before
		},
		dissociate: async (actor) => {
			await owner.value(ARM_FD);
			return code(actor, `native.dissociate(handle, ${FIRST_FD})`);
		},
	},
	file: {
		retrieve: async (actor) => {
			await owner.does(watch());
			writeFileSync(file, 'after');
			return retrieves(actor, 'file');
		},
		// The same path in another process: two watches, each gone without the other.
		associate: async (actor) => {
			const before = port.stats().slots;
			await owner.does(watch());
			if (actor === owner) return code(actor, '(port.associateFile(kept.file, 0), 0)');
			await actor.does(watch());
			expect(port.stats().slots).toBe(before + 2);
			await actor.value('port.dissociateFile(kept.file)');
			await owner.value('port.dissociateFile(kept.file)');
			return 'own';
		},
		dissociate: async (actor) => {
			const key = await owner.does(`const key = native.fileKeys(1);
				native.fileAssociate(handle, key, ${JSON.stringify(file)}, 0, 0, false);
				kept.undo = () => native.fileDissociate(handle, key);
				return key;`);
			return code(actor, `native.fileDissociate(handle, ${key})`);
		},
	},
	timer: {
		retrieve: async (actor) => {
			await owner.does('const timer = port.after(0); kept.undo = () => timer.delete()');
			return retrieves(actor, 'timer');
		},
		associate: async (actor) => {
			const id = await owner.value(`kept.id = native.timerStart(handle, 1e9, 0, false, 0)`);
			const did = await code(actor, `native.timerSet(${id}, 1e9, 0, false)`);
			await owner.value('native.timerDelete(kept.id)');
			return did;
		},
		dissociate: async (actor) => {
			const id = await owner.value(`kept.id = native.timerStart(handle, 1e9, 0, false, 0)`);
			const did = await code(actor, `native.timerDelete(${id})`);
			await owner.value('native.timerDelete(kept.id)');
			return did;
		},
	},
	aio: {
		retrieve: async (actor) => {
			await owner.does(`const { openSync } = await import('node:fs');
				kept.fd = openSync(${JSON.stringify(file)});
				port.aio.read(kept.fd, Buffer.alloc(1), 0);
				kept.undo = () => evp.closeFd(kept.fd)`);
			return retrieves(actor, 'aio');
		},
		dissociate: async (actor) => {
			const request = await owner.does(`
				columns.events[0] = 0;
				columns.source[0] = ${FIRST_FD};
				columns.length[0] = 1;
				columns.object[0] = columns.user[0] = 0;
				kept.request = native.aioStart(handle);
				kept.undo = () => { port.getSync(); native.aioFinish(kept.request); };
				return kept.request;`);
			const NONE = 2; // of that number is under way
			const answer = await actor.value(`native.aioCancel(${request})`);
			writeSync((pipes[0] as [number, number])[1], 'x'); // it is done now
			return answer === NONE ? 'own' : 'yes';
		},
	},
	user: {
		retrieve: async (actor) => {
			await owner.value('port.send(1, 1)');
			return retrieves(actor, 'user');
		},
		associate: (actor) => code(actor, '(port.send(1, 1), 0)'),
	},
	alert: {
		retrieve: async (actor) => {
			await owner.value('port.alert(1)');
			return (await actor.value(OWN)) === 'alert' ? 'yes' : 'no';
		},
		associate: async (actor) => {
			await owner.value('port.alert(1)');
			const did = await code(actor, 'native.alert(handle, 1, 2, 0)');
			expect(await owner.value('port.getSync().events')).toBe(2);
			return did;
		},
		dissociate: async (actor) => {
			await owner.value('port.alert(1)');
			const did = await code(actor, 'native.alert(handle, 1, 0, 0)');
			expect(port.stats().alert).toBe(0);
			return did;
		},
	},
};

/** The rule for another process, from what two of them saw. */
function together(inTwin: SharingRule, inStranger: SharingRule): SharingRule {
	if (inTwin === inStranger) return inTwin;
	if (inTwin === 'yes') return 'same-file';
	expect(inStranger).toBe('ENOENT'); // where the number is another file, nobody's
	return inTwin;
}

const verbs = (['retrieve', 'associate', 'dissociate'] as const).flatMap((verb) =>
	(Object.keys(SHARING) as (keyof typeof SHARING)[]).map((source) => ({ source, verb })),
);

it.each(verbs)('$source, $verb: as the core has it', async ({ source, verb }) => {
	const rules: { [v in SharingVerb]?: { owner: SharingRule; other: SharingRule } } =
		SHARING[source];
	const cell = cells[source]?.[verb];
	if (cell === undefined) {
		expect(rules[verb]).toBeUndefined(); // there is no such call
		return;
	}
	const inOwner = await cell(owner);
	const inTwin = await cell(twin);
	await owner.does('kept.undo?.(); delete kept.undo');
	const inStranger = await cell(stranger);
	expect({ owner: inOwner, other: together(inTwin, inStranger) }).toEqual(rules[verb]);
});

it('what another process associated is refused by type, and the core is not asked', async () => {
	const [reader] = pipes[0] as [number, number];
	const third = await member(port, { fds: [reader], env: { PORT_DEBUG: 'dissociate' } });
	let told = '';
	third.child.stderr?.on('data', (text) => {
		told += text;
	});
	await owner.value(ARM_FD);
	const { error } = await third.tell(`port.dissociate(${FIRST_FD})`);
	expect(error).toEqual({
		name: 'PortOwnershipError',
		code: 'EACCES',
		errno: -13,
		syscall: 'port_dissociate',
		message:
			'EACCES: another process associated the descriptor: only that one may dissociate or close it, ' +
			'port_dissociate',
	});
	expect(told).toBe('');
	expect(new PortOwnershipError(13, 'port_dissociate')).toBeInstanceOf(PortError);
	await owner.value(`port.dissociate(${FIRST_FD})`);
	expect((await third.tell(`port.dissociate(${FIRST_FD})`)).error?.code).toBe('ENOENT');
	await until(() => told.includes('dissociate('));
	await third.end();
});

it('the number of another file is nobody’s', async () => {
	await owner.value(ARM_FD);
	expect((await stranger.tell(`port.dissociate(${FIRST_FD})`)).error).toMatchObject({
		name: 'PortError',
		code: 'ENOENT',
	});
});

it.each(Object.entries(SHARING))(
	'%s: `user` crosses as its rule says',
	async (source, { user }) => {
		const value = `{ of: 'this process' }`;
		const calls: Record<string, string> = {
			fd: `port.associate(${FIRST_FD}, evp.POLLIN, ${value})`,
			file: `const file = new evp.FileObject(${JSON.stringify(file)});
			port.associateFile(file, evp.FILE_MODIFIED, ${value});
			port.dissociateFile(file)`,
			timer: `port.after(1e9, ${value}).delete()`,
			aio: `const { openSync } = await import('node:fs');
			const fd = openSync(${JSON.stringify(file)});
			port.aio.read(fd, Buffer.alloc(1), 0, ${value});
			kept.undo = () => { port.getSync(); evp.closeFd(fd) }`,
			user: `port.send(1, ${value})`,
			alert: `port.alert(1, ${value})`,
		};
		const { error } = await owner.tell(calls[source] as string);
		expect(error?.code).toBe(user === 'any' ? undefined : 'ERR_PORT_COOKIE_NOT_SHAREABLE');
	},
);

it('integers cross as they are', async () => {
	for (const user of [1, -1, 0, 2 ** 31, -(2 ** 31), Number.MAX_SAFE_INTEGER]) {
		port.send(1, user as never);
		expect(await twin.value('port.getSync({ timeout: 0 })?.user')).toBe(user);
	}
	for (const user of [0.5, -(2 ** 31) - 1, 2 ** 53, 5n, '5'])
		expect(() => port.send(1, user as never)).toThrow(
			expect.objectContaining({
				code: 'ERR_PORT_COOKIE_NOT_SHAREABLE',
				message: expect.stringContaining('-2147483648 to 2^53 - 1'),
			}),
		);
});
