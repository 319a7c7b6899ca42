// The README's snippets, extracted and run as a reader would.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const root = resolve(__dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'event-ports-readme-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The first block of a language. */
function snippet(language: string): string {
	const found = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1];
	if (!found) throw new Error(`README.md has no ${language} block`);
	return found;
}

function run(command: string, ...args: string[]): string {
	return execFileSync(command, args, { cwd: folder, encoding: 'utf8' });
}

it('runs the quick start', () => {
	// Installed as a package is: found by its name from the program's own folder.
	execFileSync('mkdir', ['-p', join(folder, 'node_modules')]);
	symlinkSync(root, join(folder, 'node_modules/event-ports'));
	writeFileSync(join(folder, 'quick.mjs'), snippet('js'));
	const lines = run(process.execPath, 'quick.mjs').trim().split('\n').sort();
	expect(lines).toEqual(['message 7 a message', 'ready my pipe hello']);
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
});
