// The installed headers in every language mode that old sources are compiled in, before and after
// any header of the system, and what they bring that is not theirs.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { capture, root } from '../process.mjs';

const HEADERS = ['port.h', 'sys/port.h', 'sys/port_impl.h', 'siginfo.h', 'sys/siginfo.h', 'port_linux.h'];
const C = ['c89', 'c99', 'c17', 'gnu89', 'gnu17'];
const CXX = ['c++98', 'c++11', 'c++20', 'gnu++20'];
const STRICT = ['-Wall', '-Wextra', '-Werror', '-pedantic', '-fsyntax-only'];

// Names that a program may find defined by our headers.
const OURS =
	/^(PORT_|FILE_|POLL|SIGEV_PORT$|UNMOUNTED$|MOUNTEDOVER$|CLOCK_HIGHRES$|EVENT_PORTS_|AIO|LIO_|timer_)/;

const SYSTEM = `aio.h arpa/inet.h assert.h complex.h ctype.h dirent.h dlfcn.h errno.h fcntl.h fenv.h
	float.h fnmatch.h ftw.h glob.h grp.h iconv.h inttypes.h langinfo.h libgen.h limits.h locale.h math.h
	mqueue.h net/if.h netdb.h netinet/in.h netinet/tcp.h nl_types.h poll.h pthread.h pwd.h regex.h
	sched.h search.h semaphore.h setjmp.h signal.h spawn.h stdarg.h stddef.h stdint.h stdio.h stdlib.h
	string.h strings.h sys/epoll.h sys/eventfd.h sys/file.h sys/inotify.h sys/ioctl.h sys/ipc.h
	sys/mman.h sys/mount.h sys/msg.h sys/param.h sys/poll.h sys/queue.h sys/resource.h sys/select.h
	sys/sem.h sys/shm.h sys/signalfd.h sys/socket.h sys/stat.h sys/statvfs.h sys/syscall.h sys/time.h
	sys/timerfd.h sys/times.h sys/types.h sys/uio.h sys/un.h sys/utsname.h sys/wait.h syslog.h tar.h
	termios.h time.h ucontext.h ulimit.h unistd.h utime.h utmpx.h wchar.h wctype.h linux/types.h`.split(
	/\s+/,
);

const cc = (compiler, include, args, input) =>
	capture('sh', ['-c', `printf '%s' "$INPUT" | ${compiler} -I"$INCLUDE" ${args.join(' ')} -`], {
		env: { ...process.env, INPUT: input, INCLUDE: include },
	});
const including = (names) => names.map((name) => `#include <${name}>\n`).join('');

async function macros(include, names) {
	const text = await cc('cc', include, ['-x c -std=gnu17 -dM -E'], including(names));
	return new Set([...text.matchAll(/^#define (\w+)/gm)].map((match) => match[1]));
}

async function have(command) {
	return capture('sh', ['-c', `command -v ${command}`]).then(
		() => true,
		() => false,
	);
}

export function headerChecks(prefix) {
	const include = path.join(prefix, 'include');
	const alone = path.join(root, 'test/consumers/headers/alone.c');
	const modes = [...C.map((std) => `cc -x c -std=${std}`), ...CXX.map((std) => `c++ -x c++ -std=${std}`)];
	return {
		'headers: each alone, C89 to C17 and C++98 to C++20, -Wall -Wextra -Werror -pedantic': async () => {
			for (const mode of modes)
				for (const header of HEADERS)
					await cc(mode, include, STRICT, `#include <${header}>\ntypedef int nothing_else;\n`);
		},
		'headers: <port.h> alone brings what illumos sources take for granted': async () => {
			for (const mode of modes) await capture('sh', ['-c', `${mode} ${STRICT.join(' ')} -I${include} ${alone}`]);
		},
		'headers: integers that a configure script missed, and made macros': async () => {
			const missed = ['uchar_t=unsigned char', 'ushort_t=unsigned short', 'uint_t=unsigned int', 'ulong_t=unsigned long'];
			const macros = missed.map((macro) => `'-D${macro}'`);
			for (const mode of modes)
				await capture('sh', ['-c', `${mode} ${[...STRICT, ...macros].join(' ')} -I${include} ${alone}`]);
		},
		'headers: the same with musl': async () => {
			if (!(await have('musl-gcc'))) throw new Error('musl-tools is not installed');
			for (const std of ['c89', 'c99', 'gnu11'])
				await capture('musl-gcc', ['-x', 'c', `-std=${std}`, ...STRICT, `-I${include}`, alone]);
		},
		'headers: forced in before everything, in C and C++': async () => {
			const all = including(SYSTEM.filter((name) => !/complex|linux/.test(name)));
			for (const mode of ['cc -x c -std=gnu17', 'c++ -x c++ -std=gnu++20'])
				await cc(mode, include, ['-D_GNU_SOURCE', '-include port.h', '-Wall -Werror -fsyntax-only'], all);
		},
		'headers: before and after each header of the system': async () => {
			for (const name of SYSTEM) {
				const last = name.startsWith('sys/') && name === 'sys/queue.h' ? '' : including([name]);
				await cc('cc -x c -std=gnu17', include, STRICT, `${including([name])}#include <port.h>\n`);
				await cc('cc -x c -std=gnu17', include, STRICT, `#include <port.h>\n${last}`);
			}
		},
		'headers: no macro but those of event ports, no header of Linux, no C++': async () => {
			const base = ['sys/types.h', 'stdint.h', 'poll.h', 'signal.h', 'time.h'];
			const before = await macros(include, base);
			const after = await macros(include, [...base, 'port.h']);
			const foreign = [...after].filter((name) => !before.has(name) && !name.startsWith('_') && !OURS.test(name));
			if (foreign.length > 0) throw new Error(foreign.join(' '));
			const text = await cc('cc', include, ['-x c -H -fsyntax-only 2>&1'], '#include <port.h>\n');
			const linux = text.split('\n').filter((line) => /include\/linux\/|\/c\+\+\//.test(line));
			if (linux.length > 0) throw new Error(linux.join('\n'));
		},
		'headers: installed ones are those the tests know': async () => {
			const found = [...readdirSync(include), ...readdirSync(path.join(include, 'sys')).map((f) => `sys/${f}`)];
			const unknown = found.filter((file) => file.endsWith('.h') && !HEADERS.includes(file) && file !== 'aio.h');
			if (unknown.length > 0) throw new Error(unknown.join(' '));
		},
	};
}
