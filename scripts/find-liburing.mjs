// For binding.gyp, where the compiler finds liburing's archive: `library` prints how to link it,
// `define` the definition that goes with it. Nothing where it doesn't, or with EVENT_PORTS_URING=OFF:
// the addon then works by threads, as libport does (native/cmake/Liburing.cmake).

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const LIBRARY = '-l:liburing.a';

function links() {
	const [command, ...given] = (process.env.CXX ?? 'g++').split(' ');
	const folder = mkdtempSync(path.join(os.tmpdir(), 'liburing-'));
	const [source, object, library] = ['probe.cpp', 'probe.o', 'probe.so'].map((name) =>
		path.join(folder, name),
	);
	writeFileSync(source, '#include <liburing.h>\nint probe(io_uring* r) { return io_uring_submit(r); }\n');
	const run = (...args) => spawnSync(command, [...given, ...args]).status === 0;
	// In two steps, so that no runtime library has to be there, or be made, for the asking.
	const linked =
		run('-fPIC', '-c', source, '-o', object) &&
		run('-shared', '-nostdlib', object, '-o', library, LIBRARY);
	rmSync(folder, { recursive: true, force: true });
	return linked;
}

if (process.env.EVENT_PORTS_URING !== 'OFF' && links()) {
	console.log(process.argv[2] === 'define' ? 'EVP_LIBURING' : LIBRARY);
}
