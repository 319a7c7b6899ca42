// Which binary is the addon, and whether it is the one meant.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface Resolver {
	(folder: string): unknown;
	path(folder: string): string;
}

const root = path.join(__dirname, '..');

/** @internal What the binary has for all copies of this package's JavaScript in a thread. */
export interface Addon {
	/** Of the sources it was built from (scripts/sources.mjs). */
	readonly sourceId: string;
	/**
	 * The calls, for one copy. They live as long as the object that has them: none may be kept without
	 * it.
	 */
	instance(): unknown;
}

function manifestId(): string | undefined {
	try {
		const text = readFileSync(path.join(root, 'prebuilds/manifest.json'), 'utf8');
		return (JSON.parse(text) as { sourceId: string }).sourceId;
	} catch {
		return undefined; // none came with this package
	}
}

/** In a checkout a build of one's own is what is meant. */
function isCheckout(): boolean {
	return existsSync(path.join(root, 'tsconfig.build.json'));
}

/** A build that stands in front of the prebuilt binary, of other sources than it. */
function warnIfStale(file: string, { sourceId }: Addon): void {
	if (!file.startsWith(path.join(root, 'build') + path.sep) || isCheckout()) return;
	const expected = manifestId();
	if (expected === undefined || expected === sourceId) return;
	process.emitWarning(
		`event-ports runs ${file}, which was built from other sources than this version's: ` +
			'npm rebuild event-ports --build-from-source makes it anew, removing it takes the prebuilt one',
		{ code: 'EVENT_PORTS_STALE_BUILD' },
	);
}

/**
 * Where musl is the libc without being Alpine, node-gyp-build (4.8) takes glibc's binary, and no
 * symbol of glibc's is to be had: its neighbour is meant.
 */
function neighbour(file: string): string | undefined {
	return file.endsWith('.glibc.node') ? file.replace('.glibc.node', '.musl.node') : undefined;
}

/** As require() does it; that of a single executable application knows only what is built into Node. */
function load(file: string): Addon {
	try {
		return require(file) as Addon;
	} catch (error) {
		if (!(error as { code?: string }).code?.endsWith('UNKNOWN_BUILTIN_MODULE')) throw error;
		const module = { exports: {} };
		process.dlopen(module, file);
		return module.exports as Addon;
	}
}

/** @internal The addon, and the file it is. Throws what require() throws. */
export function loadAddon(): { addon: Addon; file: string } {
	const resolver = require('node-gyp-build') as Resolver;
	// node-gyp-build knows this variable by the name of the package, which in a bundle is the program's.
	let file = resolver.path(process.env['EVENT_PORTS_PREBUILD'] || root);
	let addon: Addon;
	try {
		addon = load(file);
	} catch (error) {
		const other = neighbour(file);
		if (other === undefined) throw error;
		try {
			addon = load(other);
			file = other;
		} catch {
			throw error;
		}
	}
	warnIfStale(file, addon);
	return { addon, file };
}
