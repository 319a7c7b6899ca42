// A folder without an index.html, as a page.

import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.2rem; font-weight: 600; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
td { padding: .35rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent); }
td + td { text-align: right; color: GrayText; font-variant-numeric: tabular-nums; }
a { color: LinkText; text-decoration: none; }
a:hover { text-decoration: underline; }
footer { margin-top: 2rem; font-size: .875rem; }`;

interface Item {
	readonly name: string;
	readonly folder: boolean;
	readonly size: number;
}

export function escapeHtml(text: string): string {
	return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function sizeText(bytes: number): string {
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
	const unit = bytes === 0 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
	const value = bytes / 1024 ** unit;
	return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

async function itemsOf(folder: string): Promise<Item[]> {
	const names = (await readdir(folder)).filter((name) => !name.startsWith('.'));
	const items = await Promise.all(
		names.map(async (name) => {
			const stats = await stat(path.join(folder, name)).catch(() => undefined);
			if (stats === undefined || !(stats.isFile() || stats.isDirectory())) return [];
			return [{ name, folder: stats.isDirectory(), size: stats.size }];
		}),
	);
	const order = new Intl.Collator('en', { numeric: true }).compare;
	return items.flat().sort((a, b) => Number(b.folder) - Number(a.folder) || order(a.name, b.name));
}

function row({ name, folder, size }: Item): string {
	const tail = folder ? '/' : '';
	const link = `<a href="./${encodeURIComponent(name)}${tail}">${escapeHtml(name)}${tail}</a>`;
	return `<tr><td>${link}</td><td>${folder ? '' : sizeText(size)}</td></tr>`;
}

/** `where` is the folder's path in the site, `live` that of the live page. */
export async function listing(folder: string, where: string, live: string): Promise<string> {
	const rows = (await itemsOf(folder)).map(row);
	if (where !== '/') rows.unshift('<tr><td><a href="../">../</a></td><td></td></tr>');
	const title = escapeHtml(where);
	return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${STYLE}</style>
<h1>${title}</h1>
<table>
${rows.join('\n')}
</table>
<footer><a href="${live}">the port, live</a></footer>
</html>
`;
}
