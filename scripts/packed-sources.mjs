// native/ as the package carries it: JSON of every file's text by its path, compressed to a fifth, so
// that four binaries and the sources stay below 2 MB. Whoever builds an addon unpacks it first.
//   node scripts/packed-sources.mjs         unpacks native/, unless it is there: to read it, or to build libport

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = path.join(root, 'native');
const PACKED = path.join(root, 'native.json.br');

export function packSources() {
	const files = readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
		.sort();
	const texts = files.map((file) => [file, readFileSync(path.join(folder, file), 'utf8')]);
	const json = Buffer.from(JSON.stringify(Object.fromEntries(texts)));
	const params = {
		[constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
		[constants.BROTLI_PARAM_SIZE_HINT]: json.length,
	};
	writeFileSync(PACKED, brotliCompressSync(json, { params }));
}

/** Nothing, or the whole folder: it gets its name when it is complete. */
export function unpackSources() {
	if (existsSync(folder)) return;
	const scratch = `${folder}.${process.pid}`;
	const texts = JSON.parse(brotliDecompressSync(readFileSync(PACKED)).toString());
	for (const [file, text] of Object.entries(texts)) {
		mkdirSync(path.dirname(path.join(scratch, file)), { recursive: true });
		writeFileSync(path.join(scratch, file), text);
	}
	try {
		renameSync(scratch, folder);
	} catch (error) {
		rmSync(scratch, { recursive: true });
		if (!existsSync(folder)) throw error; // else another was quicker
	}
}

if (process.argv[1] === fileURLToPath(import.meta.url)) unpackSources();
