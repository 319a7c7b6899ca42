// Random sequences of gets that wait, gets that don't, iterations, aborts, sends, descriptors, timers
// and alerts on one port of one thread: each event comes to one of them, once, and none is lost.

import { closeFd, EventView, POLLIN, Port, type PortEvent, pipe, read, write } from 'event-ports';
import { describe, expect, it } from 'vitest';
import { turn } from './support.js';

const SEEDS = 60;
const STEPS = 120;
const SOURCES = ['', 'aio', 'timer', 'user', 'fd', 'alert', 'mq', 'file'] as const;

/** A small generator: a run can be repeated by its seed. */
function generator(seed: number): (below: number) => number {
	let state = (Math.imul(seed, 0x9e3779b1) | 1) >>> 0;
	return (below) => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		return (state >>> 0) % below;
	};
}

type Seen = Pick<PortEvent<number>, 'source' | 'user'> & { fd?: number | null };

class Sequence {
	readonly #random: (below: number) => number;
	readonly #port = new Port<number>({ limit: 64 });
	readonly #pipes = Array.from({ length: 4 }, () => pipe());
	readonly #view = new EventView<number>();
	readonly #sent = new Set<number>();
	readonly #came = new Set<number>();
	readonly #associated = new Map<number, number>(); // descriptors by their user values
	readonly #waiting: { abort?: AbortController; end: Promise<unknown> }[] = [];
	readonly log: string[] = [];
	#last = 0;

	constructor(seed: number) {
		this.#random = generator(seed);
	}

	#note(text: string): void {
		this.log.push(text);
	}

	#saw(event: Seen, how: string): void {
		const { source, user } = event;
		this.#note(`  ${how}: ${source} ${user}`);
		if (source === 'alert' || source === 'timer') return;
		expect(this.#came.has(user as number)).toBe(false);
		this.#came.add(user as number);
		if (source === 'user') {
			expect(this.#sent.has(user as number)).toBe(true);
		} else {
			expect(source).toBe('fd');
			expect(this.#associated.get(user as number)).toBe(event.fd);
			if (this.#random(2) === 0) read(event.fd as number, Buffer.alloc(100));
		}
	}

	#sawAll(events: readonly Seen[], how: string): void {
		const messages = events
			.filter(({ source }) => source === 'user')
			.map(({ user }) => user as number);
		expect(messages).toEqual(messages.toSorted((a, b) => a - b));
		for (const event of events) this.#saw(event, how);
	}

	#fresh(): number {
		return ++this.#last;
	}

	#send(): void {
		const user = this.#fresh();
		this.#note(`send ${user}`);
		try {
			this.#port.send(1, user);
			this.#sent.add(user);
		} catch (error) {
			expect(error).toMatchObject({ code: 'EAGAIN' });
		}
	}

	#wait(many: boolean): void {
		const random = this.#random;
		const name = `${many ? 'getn' : 'get'} ${this.#fresh()}`;
		const abort = random(2) === 0 ? new AbortController() : undefined;
		const timeout = random(2) === 0 ? random(5) : undefined;
		const options = { timeout, signal: abort?.signal };
		this.#note(`${name}, timeout ${timeout}, ${abort ? 'abortable' : ''}`);
		const get = async () => {
			if (!many) {
				const event = await this.#port.get(options);
				if (event !== null) this.#saw(event, name);
				else expect(timeout).toBeDefined();
				return;
			}
			const max = 1 + random(5);
			const min = 1 + random(max);
			const events = await this.#port.getn({ ...options, min, max });
			this.#sawAll(events, name);
			expect(events.length).toBeLessThanOrEqual(max);
			const alerted = events.some(({ source }) => source === 'alert');
			if (timeout === undefined && !alerted) expect(events.length).toBeGreaterThanOrEqual(min);
		};
		this.#ends(get(), abort);
	}

	#iterate(): void {
		const name = `iteration ${this.#fresh()}`;
		const many = this.#random(2) === 0;
		let left = 1 + this.#random(5);
		this.#note(`${name} of ${left} ${many ? 'batches' : 'events'}`);
		const iterate = async () => {
			const stream = many ? this.#port.batches({ max: 3 }) : this.#port;
			for await (const some of stream as AsyncIterable<PortEvent<number> | PortEvent<number>[]>) {
				this.#sawAll([some].flat(), name);
				if (--left === 0) return;
				if (this.#random(3) === 0) await turn();
			}
		};
		this.#ends(iterate());
	}

	/** It ends by itself, by its abort or by the close of the port. */
	#ends(wait: Promise<void>, abort?: AbortController): void {
		const end = wait.catch((error) => {
			const wanted = abort?.signal.aborted ? { name: 'AbortError' } : { code: 'ERR_PORT_CLOSED' };
			expect(error).toMatchObject(wanted);
		});
		end.catch(() => {}); // told of when all is over
		this.#waiting.push({ ...(abort && { abort }), end });
	}

	#take(): void {
		const view = this.#view;
		const rows = Array.from({ length: this.#port.take(view) }, (_, row) => ({
			source: SOURCES[view.source(row)] as PortEvent['source'],
			user: view.user(row),
			fd: view.object(row),
		}));
		this.#sawAll(rows, 'take');
	}

	#descriptor(what: number): void {
		const [reader, writer] = this.#pipes[this.#random(4)] as [number, number];
		if (what === 0) {
			const user = this.#fresh();
			this.#note(`associate ${reader} ${user}`);
			this.#associated.set(user, reader);
			this.#port.associate(reader, POLLIN, user);
		} else if (what === 1) {
			this.#note(`write ${reader}`);
			write(writer, Buffer.from('x'));
		} else {
			this.#note(`dissociate ${reader}`);
			try {
				this.#port.dissociate(reader);
			} catch (error) {
				expect(error).toMatchObject({ code: 'ENOENT' });
			}
		}
	}

	async #act(): Promise<void> {
		const random = this.#random;
		const port = this.#port;
		const what = random(19);
		if (what < 6) this.#send();
		else if (what < 8) this.#wait(false);
		else if (what < 10) this.#wait(true);
		else if (what < 13) this.#descriptor(what - 10);
		else if (what === 13) this.#waiting[random(this.#waiting.length)]?.abort?.abort();
		else if (what === 14) this.#sawAll([port.getSync({ timeout: 0 }) ?? []].flat(), 'getSync');
		else if (what === 15) this.#sawAll(port.getnSync({ timeout: 0, max: 4 }), 'getnSync');
		else if (what === 16) this.#take();
		else if (what === 17) this.#iterate();
		else if (random(3) === 0) port.after(random(4), this.#fresh());
		else if (random(2) === 0) port.alert(1, 0);
		else port.clearAlert();
		if (random(4) === 0) await null;
		if (random(12) === 0) await turn();
	}

	async run(): Promise<void> {
		for (let step = 0; step < STEPS; step++) await this.#act();
		this.#port.clearAlert();
		this.#note('the rest');
		while (this.#port.count() !== 0) {
			this.#sawAll(this.#port.getnSync({ timeout: 0, max: 64 }), 'the rest');
			await turn();
		}
		await turn();
		this.#port.close();
		await Promise.all(this.#waiting.map(({ end }) => end));
		for (const user of this.#sent) expect(this.#came.has(user)).toBe(true);
		for (const fd of this.#pipes.flat()) closeFd(fd);
	}
}

describe('random sequences of calls', () => {
	it('bring each event to one of those that ask, once', async () => {
		for (let seed = 1; seed <= SEEDS; seed++) {
			const sequence = new Sequence(seed);
			try {
				await sequence.run();
			} catch (error) {
				throw new Error(`seed ${seed}\n${sequence.log.slice(-80).join('\n')}`, { cause: error });
			}
		}
	});
});
