// What the release scripts fetch, from npm and Debian only: unpacked once, kept for all checkouts.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import path from 'node:path';
import { capture } from './process.mjs';

export const cache = path.join(
	process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'),
	'event-ports',
);

/** The folder `name` of the cache; `fill` makes it the first time, whole or not at all. */
export async function cached(name, fill) {
	const target = path.join(cache, name);
	if (existsSync(target)) return target;
	const scratch = `${target}.${process.pid}`;
	mkdirSync(scratch, { recursive: true });
	try {
		await fill(scratch);
		renameSync(scratch, target);
	} catch (error) {
		// Another run may have been faster.
		if (!existsSync(target)) throw error;
	} finally {
		rmSync(scratch, { recursive: true, force: true });
	}
	return target;
}

/** An npm package, unpacked; nothing of it runs. `integrity` as package-lock.json has it. */
export function npmPackage(name, version, integrity) {
	return cached(`${name.replace('/', '+')}-${version}`, async (folder) => {
		const pack = ['pack', '--silent', '--pack-destination', folder, `${name}@${version}`];
		await capture('npm', pack, { cwd: folder });
		const file = path.join(folder, readdirSync(folder).find((entry) => entry.endsWith('.tgz')));
		const found = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
		if (integrity !== undefined && found !== integrity) {
			throw new Error(`${name}@${version} is ${found}, not ${integrity}`);
		}
		await capture('tar', ['-xzf', file, '-C', folder, '--strip-components=1']);
		rmSync(file);
	});
}
