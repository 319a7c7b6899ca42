// npm run bench: builds what is measured, then hands over to bench/run.mjs with its arguments.

import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { capture, root, stream } from './process.mjs';
import { buildPreset } from './suites-native.mjs';
import { buildPackage } from './suites-node.mjs';

const { buildEnvironment } = createRequire(import.meta.url)('./toolchain.cjs');

/** The bare peer of bench/node/wake.mjs. */
async function buildPeer() {
	const folder = path.join(root, 'out/bench');
	mkdirSync(folder, { recursive: true });
	const include = path.join(buildEnvironment(root).npm_config_nodedir, 'include/node');
	const source = path.join(root, 'bench/node/uv-poll.cpp');
	const flags = ['-std=c++20', '-O2', '-fPIC', '-shared', '-I', include, source];
	await capture(process.env.CXX ?? 'g++', [...flags, '-o', path.join(folder, 'uv-poll.node')]);
}

await buildPeer();
await buildPreset('release');
await buildPackage();
const built = path.join(root, 'out/release/bench/native');
const args = [path.join(root, 'bench/run.mjs'), '--build', built, ...process.argv.slice(2)];
process.exitCode = await stream(process.execPath, args);
