// The directories and symbolic links that a name leads through.

import { lstatSync, readlinkSync } from 'node:fs';
import path from 'node:path';

const MOST = 40; // as the kernel follows

/** @internal Where a name leads now. */
export interface Way {
	/** Names of the links, in the order in which they are followed. */
	readonly links: readonly string[];
	/** Names of the directories, but for the root. */
	readonly folders: readonly string[];
	/** What it leads to, or the first name on the way that is not there. */
	readonly end: string;
}

/** @internal Undefined: there is nothing to be seen. */
export function isLink(name: string): boolean | undefined {
	try {
		return lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink();
	} catch {
		return undefined; // a directory that may not be searched, or is none
	}
}

/** @internal @param file - absolute; `follow`: also if it is a link itself */
export function wayOf(file: string, follow: boolean): Way {
	const links: string[] = [];
	const folders: string[] = [];
	const ahead = file.split('/');
	let at = '/';
	while (ahead.length > 0) {
		const step = ahead.shift() || '.';
		const here = path.join(at, step); // `at` is no link: '..' is above it
		const stays = step === '.' || step === '..'; // leads on from a directory only: '/etc/hosts/' to nothing
		const name = stays ? `${at}/${step}` : here;
		const link = follow || stays || ahead.length > 0 ? isLink(name) : false;
		if (link === undefined || links.length === MOST) return { links, folders, end: name };
		if (!link) {
			if (ahead.length > 0 && here !== at && here !== '/') folders.push(here);
			at = here;
			continue;
		}
		links.push(here);
		let target: string;
		try {
			target = readlinkSync(here);
		} catch {
			return { links, folders, end: here }; // replaced meanwhile
		}
		if (path.isAbsolute(target)) at = '/';
		ahead.unshift(...target.split('/'));
	}
	return { links, folders, end: at };
}
