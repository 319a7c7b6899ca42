// Programs that no one here wrote, built from Debian's source packages against an installed libport,
// and the headers and libraries as such programs see them.

import { buildChecks } from './consumers/builds.mjs';
import { exampleChecks } from './consumers/examples.mjs';
import { headerChecks } from './consumers/headers.mjs';
import { libev } from './consumers/libev.mjs';
import { libevent } from './consumers/libevent.mjs';
import { installPrefix } from './consumers/prefix.mjs';
import { add, runChecks } from './counts.mjs';

export const consumersSuite = {
	consumers: async () => {
		const prefix = await installPrefix();
		const checks = [headerChecks, buildChecks, exampleChecks].map((make) => make(prefix));
		let counts = await runChecks(Object.assign({}, ...checks));
		for (const consumer of [libev, libevent]) counts = add(counts, await consumer(prefix));
		return counts;
	},
};
