// Programs that no one here wrote, built from Debian's source packages against an installed libport,
// and the headers and libraries as such programs see them. `servers` takes minutes to build and is
// no part of npm test.

import { aprChecks } from './consumers/apr.mjs';
import { buildChecks } from './consumers/builds.mjs';
import { exampleChecks } from './consumers/examples.mjs';
import { fpmChecks } from './consumers/fpm.mjs';
import { haproxyChecks } from './consumers/haproxy.mjs';
import { headerChecks } from './consumers/headers.mjs';
import { ivykisChecks } from './consumers/ivykis.mjs';
import { libev } from './consumers/libev.mjs';
import { libevent } from './consumers/libevent.mjs';
import { libuv } from './consumers/libuv.mjs';
import { lighttpdChecks } from './consumers/lighttpd.mjs';
import { muslChecks } from './consumers/musl.mjs';
import { nginxChecks } from './consumers/nginx.mjs';
import { nngChecks } from './consumers/nng.mjs';
import { installPrefix } from './consumers/prefix.mjs';
import { redisChecks } from './consumers/redis.mjs';
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

export const serversSuite = {
	servers: async () => {
		const prefix = await installPrefix();
		const servers = [nginxChecks, haproxyChecks, lighttpdChecks, redisChecks, fpmChecks];
		const programs = [...servers, aprChecks, ivykisChecks, nngChecks, muslChecks];
		const counts = await runChecks(Object.assign({}, ...programs.map((make) => make(prefix))));
		return add(counts, await libuv(prefix));
	},
};
