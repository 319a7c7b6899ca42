import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Serving } from './support/serving.js';

// What functions that run in the page use of it: all of "dom" would be visible to every file.
interface Context {
	fillStyle: string;
	fillRect(x: number, y: number, width: number, height: number): void;
	getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray };
}
interface PageElement {
	readonly value: string;
	readonly width: number;
	readonly height: number;
	getContext(kind: '2d'): Context;
}
declare const document: {
	getElementById(id: string): PageElement;
	createElement(name: 'canvas'): PageElement;
};
declare function getComputedStyle(element: PageElement): { getPropertyValue(name: string): string };

const run = promisify(execFile);
const docs = path.join(import.meta.dirname, '../../docs');

let browser: Browser;

beforeAll(async () => {
	browser = await chromium.launch({
		executablePath: '/usr/bin/chromium',
		args: [
			...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
			'--disable-gpu',
			'--disable-quic',
			'--no-first-run',
			'--disable-background-networking',
			'--disable-component-update',
			'--disable-sync',
		],
	});
});

afterAll(() => browser?.close());

/** The number that the page shows, once it is at least so much. */
async function shows(page: Page, id: string, least: number): Promise<number> {
	const shown = await page.waitForFunction(
		([name, enough]) => {
			const text = document.getElementById(name as string).value;
			const value = Number(text.replaceAll(',', ''));
			return value >= (enough as number) ? { value } : null;
		},
		[id, least],
		{ timeout: 0 },
	);
	return (await shown.jsonValue())?.value ?? Number.NaN;
}

/** Whether anything was drawn in a series' colour. */
function drawn(page: Page, id: string, colour: string): Promise<boolean> {
	return page.evaluate(
		([canvas, name]) => {
			const element = document.getElementById(canvas as string);
			const context = element.getContext('2d');
			const probe = document.createElement('canvas').getContext('2d');
			probe.fillStyle = getComputedStyle(element).getPropertyValue(name as string);
			probe.fillRect(0, 0, 1, 1);
			const wanted = probe.getImageData(0, 0, 1, 1).data;
			const { data } = context.getImageData(0, 0, element.width, element.height);
			for (let i = 0; i < data.length; i += 4) {
				if ([0, 1, 2].every((c) => data[i + c] === wanted[c]) && data[i + 3] === 255) return true;
			}
			return false;
		},
		[id, colour],
	);
}

describe.each([
	[1, 'readiness'],
	[2, 'readiness'],
	[1, 'completion'],
	[2, 'completion'],
])('the live page, %d threads, by %s', (workers, engine) => {
	const sockets = engine === 'completion' ? 'aio' : 'fd'; // the source of most events

	test('shows 500 connections, events by source, and the end', async () => {
		await using serving = await Serving.start(docs, [
			'--workers',
			String(workers),
			'--engine',
			engine,
		]);
		const page = await browser.newPage();
		const problems: string[] = [];
		page.on('pageerror', (error) => problems.push(error.message));
		page.on('requestfailed', (request) => problems.push(request.url()));
		page.on('response', (response) => {
			if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
		});
		page.on('request', (request) => {
			if (!request.url().startsWith(serving.url)) problems.push(`external: ${request.url()}`);
		});
		await page.goto(`${serving.url}/_port/`);
		await page.waitForSelector('#state[data-state=live]', { timeout: 0 });

		const load = run('wrk', ['-t1', '-c500', '-d8s', '--timeout', '60s', `${serving.url}/`]);
		const connections = await shows(page, 'connections', 500);
		expect(connections).toBeLessThanOrEqual(520);
		expect(await shows(page, `rate-${sockets}`, 100)).toBeLessThan(1e6);
		expect(await shows(page, 'requests', 100)).toBeLessThan(1e6);
		// A timer each, and a descriptor or what is asked of it: to receive, to send, to read a file.
		const each = engine === 'completion' ? 4 : 2;
		expect(await shows(page, 'slots', 500)).toBeLessThanOrEqual(each * 520 + 20);
		const { stdout } = await load;
		expect(stdout).not.toMatch(/Socket errors|Non-2xx/);

		await page.click('#send');
		await shows(page, 'rate-user', 1000);
		await page.waitForFunction(() => {
			const value = (id: string) => document.getElementById(id).value;
			return value('rate-user') === '0' && Number(value('connections')) < 10;
		});
		expect(await page.locator('#workers tr').count()).toBe(workers);
		expect(await page.locator('#ports tr').count()).toBe(workers === 1 ? 1 : workers + 1);
		expect(await drawn(page, 'plot-events', `--${sockets}`)).toBe(true);
		expect(await drawn(page, 'plot-events', '--user')).toBe(true);
		expect(await drawn(page, 'plot-connections', '--fd')).toBe(true);
		expect(problems).toEqual([]);

		serving.interrupt();
		expect(await serving.exit()).toBe(0);
		await page.waitForSelector('#state[data-state=lost]', { timeout: 0 });
		await page.close();
	});
});

test('only the page itself may ask for messages, and not for too many', async () => {
	await using serving = await Serving.start(docs);
	const send = async (query: string, init: RequestInit = {}) =>
		(await fetch(`${serving.url}/_port/send${query}`, { method: 'POST', ...init })).status;
	expect(await send('?count=100000')).toBe(200);
	expect(await send('?count=100001')).toBe(400);
	expect(await send('?count=0')).toBe(400);
	expect(await send('?count=many')).toBe(400);
	expect(await send('', { method: 'GET' })).toBe(405);
	expect(await send('', { headers: { 'sec-fetch-site': 'cross-site' } })).toBe(403);
	// All of them were retrieved, however many found room.
	const sample = await serving.sampled(({ ports: [port] }) => port?.queued === 0);
	expect(sample.ports[0]?.delivered['user']).toBeGreaterThan(1000);
});
