// npm run test:storm: the storm of deaths (test/crash/storm.cpp) for a minute.
//   node scripts/storm.mjs [seconds [seed]]

import path from 'node:path';
import { root, stream } from './process.mjs';
import { buildPreset } from './suites-native.mjs';

const [seconds = '60', ...seed] = process.argv.slice(2);
await buildPreset('dev');
process.exitCode = await stream(path.join(root, 'out/dev/test/crash/crash_storm'), [seconds, ...seed]);
