// The storm as far as every run of the tests bears it; npm run test:soak is the whole.

import { add } from './counts.mjs';
import { level, storm } from './soak.mjs';
import { buildPackage } from './suites-node.mjs';

export const soakSuite = {
	soak: async () => {
		await buildPackage();
		const stormed = await storm({ cycles: 200, perProcess: 50, seed: Date.now() % 2 ** 32 });
		return add(stormed, await level({ rounds: 12 }));
	},
};
