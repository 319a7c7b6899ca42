// The README's snippets, extracted and run as a reader would.
import { execFileSync, spawn } from 'node:child_process';
import {
	appendFileSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { outcomeOf } from './support.js';

const root = resolve(__dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'event-ports-readme-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The first block of a language, or of a language and a name. */
function snippet(title: string): string {
	const found = new RegExp(`\`\`\`${title}\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1];
	if (!found) throw new Error(`README.md has no ${title} block`);
	return found;
}

function run(command: string, ...args: string[]): string {
	return execFileSync(command, args, { cwd: folder, encoding: 'utf8' });
}

beforeAll(() => {
	// Installed as a package is: found by its name from the program's own folder.
	mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
	symlinkSync(root, join(folder, 'node_modules/event-ports'));
	symlinkSync('../event-ports/dist/cli.js', join(folder, 'node_modules/.bin/event-ports'));
});

it('runs the quick start', () => {
	writeFileSync(join(folder, 'quick.mjs'), snippet('js'));
	const lines = run(process.execPath, 'quick.mjs').trim().split('\n').sort();
	expect(lines).toEqual(['message 7 a message', 'ready my pipe hello']);
});

it('runs the timers', () => {
	writeFileSync(join(folder, 'timers.mjs'), snippet('js timers'));
	expect(run(process.execPath, 'timers.mjs')).toMatch(/^idle \d+\n20000000n ns\n$/);
});

it('runs the processes', () => {
	writeFileSync(join(folder, 'processes.mjs'), snippet('js processes'));
	expect(run(process.execPath, 'processes.mjs')).toBe('1 42\n2 bytes, up to 4 KiB\nleft: 0\n');
});

it('runs the asynchronous reads', () => {
	writeFileSync(join(folder, 'aio.mjs'), snippet('js aio'));
	expect(run(process.execPath, 'aio.mjs')).toBe('the first word 6 import done\n6\n');
});

it('runs the files, which somebody changes and removes', async () => {
	writeFileSync(join(folder, 'files.mjs'), snippet('js files'));
	const child = spawn(process.execPath, ['files.mjs'], {
		cwd: folder,
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const ended = outcomeOf(child);
	const config = join(folder, 'config.json');
	let lines = '';
	for await (const chunk of child.stdout) {
		lines += chunk;
		const count = lines.split('\n').length - 1;
		if (count < 2) continue;
		if (count === 2) {
			// The loop may begin later: it is asked until it answers.
			const asking = setInterval(() => {
				if (lines.split('\n').length > 3) clearInterval(asking);
				else appendFileSync(config, ' ');
			}, 20);
		} else if (existsSync(config)) rmSync(config);
	}
	expect(await ended).toMatchObject({ code: 0, stderr: '' });
	expect(lines).toMatch(
		/^my config config.json modified\nmy config\n(modified,attrib\n)+deleted\n$/,
	);
});

it.each([
	['watch', 'config.json src', 'config.json', /"path":"config.json","events":\["modified"/],
	['serve', 'docs --port 8080', 'docs/index.html', /Serving docs at http/],
])('runs the command %s', async (name, given, file, said) => {
	const [npx, ...args] = snippet(`sh ${name}`).trim().replace('8080', '0').split(' ');
	expect([npx, args.slice(0, 2)]).toEqual(['npx', ['event-ports', name]]);
	expect(args.join(' ')).toContain(given.replace('8080', '0'));
	mkdirSync(join(folder, 'src'), { recursive: true });
	mkdirSync(join(folder, 'docs'), { recursive: true });
	writeFileSync(join(folder, file), '');
	const child = spawn(join(folder, 'node_modules/.bin/event-ports'), args.slice(1), {
		cwd: folder,
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const ended = outcomeOf(child);
	const asking = setInterval(() => appendFileSync(join(folder, file), 'x'), 50);
	let text = '';
	for await (const chunk of child.stdout) {
		const before = said.test(text);
		text += chunk;
		if (!before && said.test(text)) child.kill('SIGINT'); // a second one would be impatient
	}
	clearInterval(asking);
	expect(await ended).toMatchObject({ code: 0, stderr: '' });
});

it('compiles and runs the C program', () => {
	const build = join(folder, 'build');
	run('cmake', '-S', join(root, 'native'), '-B', build, '-DEVENT_PORTS_TESTS=OFF');
	run('cmake', '--build', build, '-j', '2');
	run('cmake', '--install', build, '--prefix', join(folder, 'prefix'));
	writeFileSync(join(folder, 'hello.c'), snippet('c'));
	const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'port'], {
		encoding: 'utf8',
		env: { ...process.env, PKG_CONFIG_PATH: join(folder, 'prefix/lib/pkgconfig') },
	});
	run('cc', 'hello.c', ...flags.trim().split(' '), '-o', 'hello');
	const said = execFileSync(join(folder, 'hello'), {
		encoding: 'utf8',
		env: { ...process.env, LD_LIBRARY_PATH: join(folder, 'prefix/lib') },
	});
	expect(said).toBe('the pipe is ready: 1\n');
}, 600_000); // a compiler on a busy machine
