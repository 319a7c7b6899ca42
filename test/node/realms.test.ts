// Values of another realm, as a program that runs code in a vm context has them.

import { createContext, runInContext } from 'node:vm';
import { closeFd, Port, pipe, read, write, writev } from 'event-ports';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const TYPE = expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' });
const context = createContext();
const foreign = <T>(expression: string): T => runInContext(expression, context) as T;

let port: Port;
let reader: number;
let writer: number;
beforeEach(() => {
	port = new Port();
	[reader, writer] = pipe();
});
afterEach(() => {
	port.close();
	closeFd(reader);
	closeFd(writer);
});

describe('a value of another realm is one', () => {
	it('of bytes that are written and read', async () => {
		const bytes = foreign<Uint8Array>('Uint8Array.of(1, 2, 3)');
		expect(write(writer, bytes)).toBe(3);
		expect(writev(writer, [bytes])).toBe(3);
		const into = foreign<Uint8Array>('new Uint8Array(8)');
		expect(read(reader, into)).toBe(6);
		expect([...into]).toEqual([1, 2, 3, 1, 2, 3, 0, 0]);
		port.aio.write(writer, bytes, 0);
		await port.get();
		port.aio.read(reader, into, 0);
		expect(await port.get()).toMatchObject({ bytes: 3 });
		port.post(foreign('Uint8Array.of(7)'));
		expect(port.getSync()).toMatchObject({ bytes: Buffer.of(7) });
	});

	it('of time, and of lists', async () => {
		const timer = port.at(foreign<Date>('new Date(0)'), 'past');
		expect(await port.get()).toMatchObject({ user: 'past' });
		timer.delete();
		expect(port.associateAll(foreign(`[{ fd: ${reader}, events: 1 }]`))).toEqual([null]);
		port.dissociate(reader);
	});
});

describe('a Proxy is none', () => {
	it('of bytes, in which nothing could be found', () => {
		const proxy = new Proxy(Buffer.alloc(4), {});
		expect(() => read(reader, proxy)).toThrow(TYPE);
		expect(() => write(writer, proxy)).toThrow(TYPE);
		expect(() => writev(writer, [proxy])).toThrow(TYPE);
	});
});
