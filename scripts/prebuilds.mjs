// npm run prebuilds: the binary for this kind of machine, to prebuilds/. prebuildify takes Node's
// version as a label only: one Node-API binary serves all that are supported.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bin, root, stream } from './process.mjs';

const { buildEnvironment } = createRequire(import.meta.url)('./toolchain.cjs');
const OLDEST_NODE = '20.0.0';

/** Builds the prebuilt binary; resolves to its path. */
export async function makePrebuild() {
	const args = ['--napi', '--strip', '--tag-libc', '-t', OLDEST_NODE];
	const code = await stream(bin('prebuildify'), args, { env: buildEnvironment(root) });
	if (code !== 0) throw new Error(`prebuildify: exit code ${code}`);
	const libc = existsSync('/etc/alpine-release') ? 'musl' : 'glibc';
	const folder = path.join(root, `prebuilds/linux-${process.arch}`);
	const file = path.join(folder, `event-ports.${libc}.node`);
	if (!existsSync(file)) throw new Error(`prebuildify made no ${file}`);
	return file;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	console.log(await makePrebuild());
}
