// Runs the file scripts of test/files through TypeScript, as test/files/run.c does through <port.h>.
//
//   node file-scripts.mjs SCRIPT...
//
// Prints a JSON object a case: name, result (passed, failed, skipped), reason. With FILES_FLOOD more
// notes than the queue of inotify holds are made before each change; SCRIPTS_MOUNT says that this
// process may mount. All cases share this process, so also its one instance of inotify.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as evp from '../../../dist/index.mjs';

const NAMES = {
	ACCESS: evp.FILE_ACCESS,
	MODIFIED: evp.FILE_MODIFIED,
	ATTRIB: evp.FILE_ATTRIB,
	TRUNC: evp.FILE_TRUNC,
	NOFOLLOW: evp.FILE_NOFOLLOW,
	DELETE: evp.FILE_DELETE,
	RENAME_TO: evp.FILE_RENAME_TO,
	RENAME_FROM: evp.FILE_RENAME_FROM,
	UNMOUNTED: evp.UNMOUNTED,
	MOUNTEDOVER: evp.MOUNTEDOVER,
};
const RENAMEAT2 = { x64: 316, arm64: 276 }[process.arch];
const NOBODY = 65534;
const flooding = process.env.FILES_FLOOD !== undefined;

class Skip extends Error {}

function fail(text) {
	throw new Error(text);
}

function bitsOf(text) {
	if (text === '0') return 0;
	return text.split('|').reduce((bits, name) => bits | (NAMES[name] ?? fail(`no event ${name}`)), 0);
}

function show(bits) {
	return Object.keys(NAMES).filter((name) => bits & NAMES[name]).join('|') || '0';
}

/** One case: an empty directory, a port of its own. */
class Case {
	port = new evp.Port();
	watches = new Map(); // name to { file, stamps, user }
	handles = new Map(); // name to descriptor
	users = 0;

	start() {
		if (!flooding) return;
		fs.mkdirSync('.noise');
		fs.chmodSync('.noise', 0o777);
		fs.symlinkSync('x', '.noise/keep');
		this.noise = path.resolve('.noise');
		this.port.associateFile(new evp.FileObject('.noise/keep'), evp.FILE_NOFOLLOW);
	}

	flood() {
		for (let i = 0; flooding && i < 40; i++) {
			const name = `${this.noise}/${i % 2 ? 'a' : 'b'}`;
			fs.symlinkSync('x', name);
			fs.unlinkSync(name);
		}
	}

	end() {
		this.port.close();
		for (const fd of this.handles.values()) fs.closeSync(fd);
		process.seteuid(process.getuid());
	}

	run(words) {
		const [verb, ...rest] = words;
		if (Object.hasOwn(PORT_VERBS, verb)) return PORT_VERBS[verb].call(this, rest);
		if (!Object.hasOwn(FILE_VERBS, verb)) fail(`no such verb: ${verb}`);
		this.flood();
		FILE_VERBS[verb].call(this, ...rest);
	}

	watch(name) {
		if (!this.watches.has(name)) this.watches.set(name, { file: new evp.FileObject('') });
		return this.watches.get(name);
	}

	/** The call's outcome against "= ERRNO" behind its arguments. */
	check(words, call) {
		const want = words.includes('=') ? words[words.indexOf('=') + 1] : 'success';
		let got = 'success';
		try {
			call();
		} catch (error) {
			got = error.code;
		}
		if (got !== want) fail(`expected ${want}, got ${got}`);
		return got === 'success';
	}
}

const PORT_VERBS = {
	need([what]) {
		const root = process.getuid() === 0;
		if (what === 'root' && !root) throw new Skip('not root');
		if (what === 'notes' && flooding) throw new Skip('what overflow or its noise hides');
		if (what === 'mount' && !process.env.SCRIPTS_MOUNT) throw new Skip('no mounts here');
		if (what === 'user' && root) process.seteuid(NOBODY);
	},
	associate(words) {
		const [name, text, events] = words;
		const watch = this.watch(name);
		const long = /^long:(\d+)$/.exec(text);
		if (long) watch.file.path = 'n'.repeat(Number(long[1]));
		else if (text === 'empty:') watch.file.path = '';
		else watch.file.path = text.replace(/@(.+)$/, (_, handle) => this.handles.get(handle));
		watch.file.setStamps(words.includes('stamped') ? watch.stamps : undefined);
		const user = { number: this.users++ };
		const done = this.check(words, () => this.port.associateFile(watch.file, bitsOf(events), user));
		if (done) Object.assign(watch, { user, path: watch.file.path });
		watch.file.path = '?'; // of no effect on what is there (5.1.2)
	},
	dissociate(words) {
		this.check(words, () => this.port.dissociateFile(this.watch(words[0]).file));
	},
	event([name, events]) {
		const watch = this.watch(name);
		const event = this.port.getSync({ timeout: 0 });
		if (event === null) fail(`expected ${events} of ${name}, got no event`);
		if (event.source !== 'file') fail(`an event of ${event.source}`);
		if (event.file !== watch.file) fail(`${show(event.events)} of another watch`);
		if (event.events !== bitsOf(events)) fail(`expected ${events}, got ${show(event.events)}`);
		if (event.user !== watch.user) fail('user of another association');
		if (event.path !== watch.path) fail(`path ${event.path}`);
	},
	none() {
		const count = this.port.count();
		if (count !== 0) fail(`expected no event, got ${show(this.port.getSync().events)}`);
	},
	slots([want]) {
		const slots = this.port.stats().slots - (flooding ? 1 : 0);
		if (slots !== Number(want)) fail(`expected ${want} slots, got ${slots}`);
	},
	/** As select(2) sees it, in a process that inherits the descriptor. */
	readable([want]) {
		const program = "vec($set, 3, 1) = 1; exit(select($set, undef, undef, 0) > 0 ? 0 : 1)";
		const stdio = ['ignore', 'ignore', 'inherit', this.port.fd];
		const readable = spawnSync('perl', ['-e', program], { stdio }).status === 0;
		if (readable !== (want === '1')) fail(`poll says ${readable ? '' : 'not '}readable`);
	},
	stat([name, file]) {
		this.watch(name).stamps = fs.statSync(file, { bigint: true });
	},
};

function put(file, flags, text) {
	const fd = fs.openSync(file, flags | fs.constants.O_WRONLY | fs.constants.O_CREAT, 0o644);
	if (text !== '') fs.writeSync(fd, text);
	fs.closeSync(fd);
}

const FILE_VERBS = {
	write: (file, text) => put(file, fs.constants.O_TRUNC, text),
	append: (file, text) => put(file, fs.constants.O_APPEND, text),
	create: (file) => put(file, 0, ''),
	touch(file, which) {
		// touch(1), because Node can't leave a stamp as it is.
		const option = { access: ['-a'], modify: ['-m'], both: [] }[which];
		execFileSync('touch', ['-h', '-d', '2001-09-09T01:46:40Z', ...option, file]);
	},
	read: (file) => fs.readFileSync(file),
	open(handle, file) {
		this.handles.set(handle, fs.openSync(file, 'r'));
	},
	close(handle) {
		fs.closeSync(this.handles.get(handle));
		this.handles.delete(handle);
	},
	list: (folder) => fs.readdirSync(folder),
	cd: (folder) => process.chdir(folder),
	mkdir: (folder) => fs.mkdirSync(folder, 0o755),
	rmdir: (folder) => fs.rmdirSync(folder),
	truncate: (file, size) => fs.truncateSync(file, Number(size)),
	unlink: (file) => fs.unlinkSync(file),
	rename: (from, to) => fs.renameSync(from, to),
	exchange(a, b) {
		const program = `exit(syscall(${RENAMEAT2}, -100, $ARGV[0], -100, $ARGV[1], 2) != 0)`;
		if (RENAMEAT2 === undefined) throw new Skip('the number of renameat2 is not known here');
		execFileSync('perl', ['-e', program, a, b]);
	},
	link: (from, to) => fs.linkSync(from, to),
	symlink: (target, name) => fs.symlinkSync(target, name),
	fifo: (name) => execFileSync('mkfifo', [name]),
	chmod: (file, mode) => fs.chmodSync(file, Number.parseInt(mode, 8)),
	mount: (folder) => execFileSync('mount', ['-t', 'tmpfs', 'none', folder]),
	overlay(folder, lower, upper, work) {
		const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
		execFileSync('mount', ['-t', 'overlay', '-o', layers, 'none', folder]);
	},
	umount: (folder) => execFileSync('umount', [folder]),
};

function casesOf(script) {
	const cases = [];
	for (const [i, line] of fs.readFileSync(script, 'utf8').split('\n').entries()) {
		const words = line.replace(/#.*/, '').trim().split(/\s+/);
		if (words[0] === 'case') cases.push({ name: words[1], lines: [] });
		else if (words[0] !== '') cases.at(-1)?.lines.push({ at: `${script}:${i + 1}`, words });
	}
	return cases;
}

function runCase({ name, lines }) {
	const folder = fs.mkdtempSync(path.join(tmpdir(), 'event-ports-files-'));
	fs.chmodSync(folder, 0o777);
	process.chdir(folder);
	const running = new Case();
	let at = name;
	try {
		running.start();
		for (const line of lines) {
			at = `${line.at}: ${line.words.join(' ')}`;
			running.run(line.words);
		}
		return { name, result: 'passed' };
	} catch (error) {
		if (error instanceof Skip) return { name, result: 'skipped', reason: error.message };
		return { name, result: 'failed', reason: `${at}: ${error.message}` };
	} finally {
		running.end();
		process.chdir('/');
		spawnSync('rm', ['-rf', folder]);
	}
}

process.umask(0o022);
for (const script of process.argv.slice(2).map((name) => path.resolve(name))) {
	for (const each of casesOf(script)) console.log(JSON.stringify(runCase(each)));
}
