// npm run bench: builds what is measured, then hands over to bench/run.mjs with its arguments.

import path from 'node:path';
import { root, stream } from './process.mjs';
import { buildPreset } from './suites-native.mjs';
import { buildPackage } from './suites-node.mjs';

await buildPreset('release');
await buildPackage();
const built = path.join(root, 'out/release/bench/native');
const args = [path.join(root, 'bench/run.mjs'), '--build', built, ...process.argv.slice(2)];
process.exitCode = await stream(process.execPath, args);
