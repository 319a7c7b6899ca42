// Wrong arguments and full tables: a clear error, nothing changed, nothing lost or leaked.

import {
	closeFd,
	connect,
	EventView,
	FileObject,
	listen,
	POLLIN,
	POLLOUT,
	Port,
	PortError,
	pipe,
	sendn,
	setNoDelay,
	shutdown,
	watch,
	write,
} from 'event-ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDescriptors, runProgram } from './support.js';

const TYPE = 'ERR_INVALID_ARG_TYPE';
const RANGE = 'ERR_OUT_OF_RANGE';

let port: Port;
let before: { descriptors: number[]; stats: object };
const look = () => ({ descriptors: openDescriptors(), stats: port.stats() });
beforeEach(() => {
	port = new Port();
	port.send(1);
	before = look();
});
afterEach(() => {
	expect(look()).toEqual(before);
	port.close();
});

// biome-ignore lint/suspicious/noExplicitAny: what a caller without types may pass
const any = (value: unknown): any => value;

const revoked = () => {
	const { proxy, revoke } = Proxy.revocable({}, {});
	revoke();
	return any(proxy);
};

const stepping = (next: () => unknown) => ({ [Symbol.iterator]: () => ({ next }) });

const synchronous: [string, string, () => unknown][] = [
	['new Port(null)', TYPE, () => new Port(any(null))],
	['limit text', TYPE, () => new Port({ limit: any('9') })],
	['limit 0', RANGE, () => new Port({ limit: 0 })],
	['limit 2^31', RANGE, () => new Port({ limit: 2 ** 31 })],
	['attach nothing', TYPE, () => Port.attach(any(undefined))],
	['attach -1', RANGE, () => Port.attach(-1)],
	['attach 1.5', RANGE, () => Port.attach(1.5)],
	['attach 2^31', RANGE, () => Port.attach(2 ** 31)],
	['associate -1', RANGE, () => port.associate(-1, POLLIN)],
	['associate NaN', RANGE, () => port.associate(Number.NaN, POLLIN)],
	['associate text', TYPE, () => port.associate(any('0'), POLLIN)],
	['associate no mask', TYPE, () => port.associate(0, any(undefined))],
	['associate mask -1', RANGE, () => port.associate(0, -1)],
	['associate mask 0x10000', RANGE, () => port.associate(0, 0x10000)],
	['associate closed', 'EBADFD', () => port.associate(99_999, POLLIN, {})],
	['associate 2^31-1', 'EBADFD', () => port.associate(0x7fffffff, POLLIN)],
	['associateAll nothing', TYPE, () => port.associateAll(any(undefined))],
	['associateAll a number', TYPE, () => port.associateAll(any(1))],
	['associateAll of nothing', TYPE, () => port.associateAll([any(null)])],
	['associateAll mask', RANGE, () => port.associateAll([{ fd: 0, events: 2 ** 20 }])],
	['associateAll fd', TYPE, () => port.associateAll([any({ events: 1 })])],
	['associate a revoked proxy', TYPE, () => port.associate(revoked(), POLLIN)],
	['dissociate -1', RANGE, () => port.dissociate(-1)],
	['dissociate never', 'ENOENT', () => port.dissociate(0)],
	['send nothing', TYPE, () => port.send(any(undefined))],
	['send a fraction', RANGE, () => port.send(0.5)],
	['send 2^31', RANGE, () => port.send(2 ** 31)],
	['send a bigint', TYPE, () => port.send(any(1n))],
	['sendn no list', TYPE, () => sendn(any(port), 1)],
	['sendn no ports', TYPE, () => sendn([port, any({})], 1)],
	['sendn text', TYPE, () => sendn([port], any('1'))],
	['alert 0', RANGE, () => port.alert(0)],
	['alert text', TYPE, () => port.alert(any('1'))],
	['alert options', TYPE, () => port.alert(1, 0, any(null))],
	['getSync options', TYPE, () => port.getSync(any(1))],
	['getSync timeout -1', RANGE, () => port.getSync({ timeout: -1 })],
	['getSync timeout NaN', RANGE, () => port.getSync({ timeout: Number.NaN })],
	['getSync timeout text', TYPE, () => port.getSync({ timeout: any('1') })],
	['getnSync min 0', RANGE, () => port.getnSync({ min: 0 })],
	['getnSync max 0', RANGE, () => port.getnSync({ max: 0 })],
	['getnSync min over max', RANGE, () => port.getnSync({ min: 3, max: 2 })],
	['getnSync max 2^31', RANGE, () => port.getnSync({ max: 2 ** 31 })],
	['batches min text', TYPE, () => port.batches({ min: any('1') })],
	['batches signal', TYPE, () => port.batches({ signal: any({}) })],
	['view of 0', RANGE, () => new EventView(0)],
	['view of 1025', RANGE, () => new EventView(1025)],
	['take into nothing', TYPE, () => port.take(any({}))],
	['take into an heir', TYPE, () => port.take(Object.create(new EventView()))],
	['take into a proxy', TYPE, () => port.take(new Proxy(new EventView(), {}))],
	['sendn an heir', TYPE, () => sendn([Object.create(port)], 1)],
	['watchFile an heir', TYPE, () => port.watchFile(Object.create(new FileObject('/')), 2)],
	['limit null', TYPE, () => new Port({ limit: any(null) })],
	['getnSync min null', TYPE, () => port.getnSync({ min: any(null) })],
	['getnSync max null', TYPE, () => port.getnSync({ max: any(null) })],
	['getSync timeout null', TYPE, () => port.getSync({ timeout: any(null) })],
	['watch events null', TYPE, () => watch('/', { events: any(null) })],
	['alert update 1', TYPE, () => port.alert(1, 0, { update: any(1) })],
	['refresh follow 0', TYPE, () => new FileObject('/').refresh({ follow: any(0) })],
	['listen path empty', 'ERR_INVALID_ARG_VALUE', () => listen({ path: '' })],
	['write length null', TYPE, () => write(1, Buffer.alloc(1), 0, any(null))],
	[
		'associateAll without an iterator',
		TYPE,
		() => port.associateAll(any({ [Symbol.iterator]: () => 5 })),
	],
	[
		'associateAll without next',
		TYPE,
		() => port.associateAll(any({ [Symbol.iterator]: () => ({}) })),
	],
	['associateAll without a step', TYPE, () => port.associateAll(any(stepping(() => 5)))],
	['listen reusePort 1', TYPE, () => listen({ port: 0, reusePort: any(1) })],
	['listen backlog null', TYPE, () => listen({ port: 0, backlog: any(null) })],
	['setNoDelay 1', TYPE, () => setNoDelay(0, any(1))],
	['shutdown of a third way', 'ERR_INVALID_ARG_VALUE', () => shutdown(0, any('zz'))],
	['shutdown 1', TYPE, () => shutdown(0, any(1))],
	['at NaN', RANGE, () => port.at(Number.NaN)],
	['at no date', RANGE, () => port.at(new Date(Number.NaN))],
];

it.each(synchronous)('%s: %s', (_name, code, call) => {
	expect(call).toThrow(expect.objectContaining({ code }));
});

const promised: [string, string, () => Promise<unknown>][] = [
	['get options', TYPE, () => port.get(any(null))],
	['get timeout -1', RANGE, () => port.get({ timeout: -1 })],
	['get signal', TYPE, () => port.get({ signal: any({}) })],
	['getn min 0', RANGE, () => port.getn({ min: 0 })],
	['getn max text', TYPE, () => port.getn({ max: any('2') })],
];

it.each(promised)('%s: %s, as a rejection', async (_name, code, call) => {
	await expect(call()).rejects.toMatchObject({ code });
});

it('an iterator is closed where its items are refused, and not where it fails or ends itself', () => {
	let closed = 0;
	const list = (steps: (() => object)[]) => ({
		[Symbol.iterator]: () => ({
			next: () => (steps.shift() as () => object)(),
			return: () => {
				closed++;
				return {};
			},
		}),
	});
	const own = new Error('own');
	const failing = () => {
		throw own;
	};
	const end = () => ({ done: true });
	expect(() => port.associateAll(any(list([failing])))).toThrow(own);
	expect(port.associateAll(any(list([end])))).toEqual([]);
	expect(closed).toBe(0);
	expect(() => port.associateAll(any(list([() => ({ value: 1 }), end])))).toThrow(TypeError);
	expect(closed).toBe(1);
});

it('items of a list are read once, before any of them counts', () => {
	const own = new Port();
	const [reader, writer] = pipe();
	let looks = 0;
	const list = [
		{ fd: writer, events: POLLOUT, user: 'first' },
		{
			fd: reader,
			events: POLLIN,
			get user() {
				looks++;
				own.send(2, 'meanwhile'); // uses what a call hands to the addon
				return 'second';
			},
		},
	];
	expect(own.associateAll(list)).toEqual([null, null]);
	expect(looks).toBe(1);
	const events = own.getnSync({ max: 9, timeout: 0 });
	expect(events.filter(({ source }) => source === 'fd')).toMatchObject([
		{ fd: writer, user: 'first' },
	]);
	own.close();
	closeFd(reader);
	closeFd(writer);
});

describe('a port that its arguments close while they are looked at', () => {
	// Another has the place of the one that was closed.
	const closing = (own: Port, others: Port[]) => ({
		get timeout() {
			return this.closes(0);
		},
		get update() {
			return this.closes(false);
		},
		get user() {
			return this.closes({ a: 'value' });
		},
		closes<V>(value: V): V {
			own.close();
			others.push(new Port());
			others[0]?.send(1);
			return value;
		},
	});
	const closed = { code: 'ERR_PORT_CLOSED' };

	it.each<[string, (port: Port, options: ReturnType<typeof closing>) => unknown]>([
		['get', (port, options) => port.get(options)],
		['getn', (port, options) => port.getn(options)],
		['getSync', (port, options) => port.getSync(options)],
		['getnSync', (port, options) => port.getnSync(options)],
		['batches', (port, options) => port.batches(options)],
		['alert', (port, options) => port.alert(1, null, options)],
		['associateAll', (port, { user }) => port.associateAll([{ fd: 0, events: 1, user }])],
	])('%s fails, and does nothing to another', async (_, call) => {
		const own = new Port();
		const others: Port[] = [];
		await expect((async () => call(own, closing(own, others)))()).rejects.toMatchObject(closed);
		const [other] = others;
		expect(other?.stats()).toMatchObject({ queued: 1, slots: 1, alert: 0 });
		other?.close();
	});

	it('get and getn also where another Port of the same port is open', async () => {
		const whole = new Port();
		for (const call of ['get', 'getn'] as const) {
			const own = Port.attach(whole.fd);
			const others: Port[] = [];
			await expect(own[call](closing(own, others))).rejects.toMatchObject(closed);
			for (const other of others) other.close();
		}
		whole.close();
	});
});

it('what is no valid argument after all says what is', () => {
	const place = { host: 'localhost', port: 80 };
	const address = /EINVAL: the host must be an IP address/;
	expect(() => listen(place)).toThrow(address);
	expect(() => connect(place)).toThrow(address);
	expect(() => port.associateFile(new FileObject('.'), 8)).toThrow(
		/EINVAL: events must be bits of/,
	);
	expect(() => port.take(any([]))).toThrow(/must be an instance of EventView/);
});

it('ports to be sent to are read once', () => {
	const own = new Port();
	const ports: unknown[] = [own, {}];
	const list = new Proxy([own], {
		get: (target, name) => (name === '0' ? ports.shift() : Reflect.get(target, name)),
	});
	expect(sendn(list, 1)).toEqual({ sent: 1, errors: [null] });
	own.close();
});

it('a limit is read once', () => {
	const limits: unknown[] = [{}, undefined];
	const options = {
		get limit() {
			return limits.shift() as number;
		},
	};
	expect(() => new Port(options)).toThrow(
		expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
	);
});

it('a view takes what it has room for, whatever it says', () => {
	const own = new Port();
	for (let i = 0; i < 5; i++) own.send(i);
	const view = new EventView(2);
	Object.defineProperty(view, 'capacity', { value: 4 });
	expect([own.take(view), own.count()]).toEqual([2, 3]);
	own.close();
});

it('errors are shaped as those of Node', () => {
	const failure = (call: () => unknown) => {
		try {
			call();
		} catch (error) {
			return error as Error;
		}
		return expect.fail('no error');
	};
	const range = failure(() => port.send(2 ** 40));
	expect(range).toBeInstanceOf(RangeError);
	expect(range.stack?.split('\n')[0]).toBe(
		'RangeError [ERR_OUT_OF_RANGE]: The value of "events" is out of range. ' +
			'It must be >= -2147483648 and <= 2147483647. Received 1099511627776',
	);
	const type = failure(() => port.associate(any(new Date()), 1));
	expect(type).toBeInstanceOf(TypeError);
	expect(type.message).toBe(
		'The "fd" argument must be of type number. Received an instance of Date',
	);
	const system = failure(() => port.associate(99_999, 1));
	expect(system).toMatchObject({ name: 'PortError', code: 'EBADFD', errno: -77 });
	expect(system).toMatchObject({ syscall: 'port_associate' });
	expect(system.message).toMatch(/^EBADFD: .*, port_associate$/);
});

it('an errno that libuv has no name for has one', () => {
	const name = (errno: number) => new PortError(errno, 'read').message;
	expect(name(-122)).toBe('EDQUOT: disk quota exceeded, read');
	expect(name(-116)).toBe('ESTALE: stale file handle, read');
	expect(name(-74)).toBe('EBADMSG: bad message, read');
	expect(new PortError(-74, 'port_attach').message).toContain('what the ticket brings is no port');
});

it('a file that is not associated is named, and called a file', () => {
	const file = new FileObject('/dev/null');
	const none = "EINVAL: no file was ever associated with this port, port_dissociate '/dev/null'";
	expect(() => port.dissociateFile(file)).toThrow(none);
});

describe('one more than a low limit allows', () => {
	it('of slots: EAGAIN, and the port as it was', () => {
		const small = new Port({ limit: 2 });
		const [reader, writer] = pipe();
		small.associate(reader, POLLIN, 'kept');
		small.send(1, 'kept too');
		const stats = small.stats();
		const full = expect.objectContaining({ code: 'EAGAIN' });
		expect(() => small.send(2, {})).toThrow(full);
		expect(() => small.associate(writer, POLLIN, {})).toThrow(full);
		expect(small.associateAll([{ fd: writer, events: 4 }])).toEqual([full]);
		expect(sendn([small], 1, {})).toEqual({ sent: 0, errors: [full] });
		small.associate(reader, POLLIN, 'again'); // takes no new slot (2.2.5)
		expect(small.stats()).toEqual(stats);
		expect(small.getSync()).toMatchObject({ user: 'kept too' });
		small.close();
		closeFd(reader);
		closeFd(writer);
	});

	it('of ports: EAGAIN', async () => {
		const outcome = await runProgram(`
			import { readdirSync } from 'node:fs';
			process.env.PORT_MAX_PORTS = '2';
			const ports = [new Port(), new Port()];
			const count = () => readdirSync('/proc/self/fd').length;
			const before = count();
			let code; try { new Port(); } catch (error) { ({ code } = error); }
			const after = count();
			ports.pop().close(); new Port().send(1);
			console.log(code, after - before);
		`);
		expect(outcome).toMatchObject({ code: 0, stdout: 'EAGAIN 0\n', stderr: '' });
	});

	it('of descriptors: EMFILE, in the constructor and in a wait', async () => {
		const outcome = await runProgram(
			`
			import { openSync, closeSync } from 'node:fs';
			const port = new Port();
			const fill = () => { const list = []; try { for (;;) list.push(openSync('/dev/null')); } catch { return list; } };
			const list = fill();
			const codes = [];
			try { new Port(); } catch (error) { codes.push(error.code); }
			await port.get().catch((error) => codes.push(error.code));
			for (const free of [1, 2, 3]) {
				for (let i = 0; i < free; i++) closeSync(list.pop());
				try { new Port(); } catch (error) { codes.push(error.code); }
				const again = fill(); codes.push(again.length === free); list.push(...again);
			}
			for (const fd of list) closeSync(fd);
			setImmediate(() => port.send(1));
			codes.push((await port.get()).events);
			console.log(codes.join(' '));
		`.replace(/^/, ''),
		);
		expect(outcome.stderr).toBe('');
		expect(outcome.stdout).toBe('EMFILE EMFILE EMFILE true EMFILE true EMFILE true 1\n');
	});
});
