// A program that a bundler has taken the package into, away from its binary.

import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runProgram } from './support.js';

const binary = createRequire(import.meta.url)('node-gyp-build').path(
	fileURLToPath(new URL('../..', import.meta.url)),
);

let folder: string;
let bundle: string;
beforeAll(async () => {
	folder = mkdtempSync(path.join(os.tmpdir(), 'bundle-'));
	const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
	bundle = path.join(folder, 'dist/bundle.cjs');
	// The program's own: by its name node-gyp-build would look for another variable.
	writeFileSync(path.join(folder, 'package.json'), '{ "name": "program" }');
	const prebuilt = path.join(folder, `prebuilds/linux-${process.arch}`);
	mkdirSync(prebuilt, { recursive: true });
	copyFileSync(binary, path.join(prebuilt, 'event-ports.node'));
	await build({
		stdin: { contents: `module.exports = require(${JSON.stringify(entry)});`, resolveDir: folder },
		bundle: true,
		platform: 'node',
		outfile: bundle,
		logLevel: 'error',
	});
});
afterAll(() => rmSync(folder, { recursive: true }));

const use = `
	import { createRequire } from 'node:module';
	import { cpSync } from 'node:fs';
	const require = createRequire(import.meta.url);
	const bundled = (file) => {
		const { Port, FileObject } = require(file);
		const port = new Port();
		port.after(0, 'a timer');
		return port.getSync().user;
	};`;

it('finds its binary beside it, two of them one', async () => {
	const outcome = await runProgram(`${use}
		const second = ${JSON.stringify(path.join(folder, 'dist/second.cjs'))};
		cpSync(${JSON.stringify(bundle)}, second);
		console.log(bundled(${JSON.stringify(bundle)}), bundled(second));`);
	expect(outcome).toMatchObject({ code: 0, stdout: 'a timer a timer\n', stderr: '' });
});

it('is loaded where only what is built into Node can be required, as in a single executable application', async () => {
	const outcome = await runProgram(`${use}
		import { readFileSync } from 'node:fs';
		import { isBuiltin } from 'node:module';
		process.env.EVENT_PORTS_PREBUILD = ${JSON.stringify(folder)};
		const within = (id) => {
			if (isBuiltin(id)) return require(id);
			throw Object.assign(new Error(id), { code: 'ERR_UNKNOWN_BUILTIN_MODULE' });
		};
		const module = { exports: {} };
		const text = readFileSync(${JSON.stringify(bundle)}, 'utf8');
		new Function('require', 'module', 'exports', '__dirname', '__filename', text)(
			within, module, module.exports, '/nowhere/dist', '/nowhere/dist/app.cjs');
		const port = new module.exports.Port();
		port.after(0, 'a timer');
		console.log(port.getSync().user);`);
	expect(outcome).toMatchObject({ code: 0, stdout: 'a timer\n', stderr: '' });
});

it('finds the binary in the folder that EVENT_PORTS_PREBUILD names; without, says so, each time', async () => {
	const outcome = await runProgram(`${use}
		import { mkdtempSync } from 'node:fs';
		const elsewhere = mkdtempSync(${JSON.stringify(path.join(folder, 'elsewhere-'))}) + '/dist/bundle.cjs';
		cpSync(${JSON.stringify(bundle)}, elsewhere);
		const said = [];
		for (let i = 0; i < 2; i++) {
			try { bundled(elsewhere); } catch (error) { said.push(error.code, error.message.includes('EVENT_PORTS_PREBUILD')); }
		}
		process.env.EVENT_PORTS_PREBUILD = ${JSON.stringify(folder)};
		said.push(bundled(elsewhere));
		console.log(said.join());`);
	const missing = 'ERR_PORT_NATIVE_MISSING,true';
	expect(outcome).toMatchObject({ code: 0, stdout: `${missing},${missing},a timer\n`, stderr: '' });
});

it('works in an ES module, with the banner of the recipe', async () => {
	const recipes = readFileSync(new URL('../../docs/recipes.md', import.meta.url), 'utf8');
	const [, banner = ''] = /--banner:js="([^"]+)"/.exec(recipes) ?? [];
	const outfile = path.join(folder, 'dist/bundle.mjs');
	const entry = fileURLToPath(new URL('../../dist/index.mjs', import.meta.url));
	await build({
		stdin: { contents: `export { Port } from ${JSON.stringify(entry)};`, resolveDir: folder },
		bundle: true,
		platform: 'node',
		format: 'esm',
		banner: { js: banner },
		outfile,
		logLevel: 'error',
	});
	const outcome = await runProgram(`
		const bundled = await import(${JSON.stringify(outfile)});
		const port = new bundled.Port();
		port.after(0, 'a timer');
		console.log(port.getSync().user);`);
	expect(outcome).toMatchObject({ code: 0, stdout: 'a timer\n', stderr: '' });
});
