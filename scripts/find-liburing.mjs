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
	const output = ['-shared', '-fPIC', '-nostdlib', '-o', path.join(folder, 'probe.so')];
	const probe = path.join(folder, 'probe.cpp');
	writeFileSync(probe, '#include <liburing.h>\nint probe(io_uring* r) { return io_uring_submit(r); }\n');
	const { status } = spawnSync(command, [...given, ...output, probe, LIBRARY]);
	rmSync(folder, { recursive: true, force: true });
	return status === 0;
}

if (process.env.EVENT_PORTS_URING !== 'OFF' && links()) {
	console.log(process.argv[2] === 'define' ? 'EVP_LIBURING' : LIBRARY);
}
