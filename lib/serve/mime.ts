// What a file is, by its name.

import path from 'node:path';

const TEXT = '; charset=utf-8';
const TYPES: Readonly<Record<string, string>> = {
	'.avif': 'image/avif',
	'.css': `text/css${TEXT}`,
	'.csv': `text/csv${TEXT}`,
	'.gif': 'image/gif',
	'.gz': 'application/gzip',
	'.htm': `text/html${TEXT}`,
	'.html': `text/html${TEXT}`,
	'.ico': 'image/x-icon',
	'.jpeg': 'image/jpeg',
	'.jpg': 'image/jpeg',
	'.js': `text/javascript${TEXT}`,
	'.json': `application/json${TEXT}`,
	'.map': `application/json${TEXT}`,
	'.mjs': `text/javascript${TEXT}`,
	'.mp3': 'audio/mpeg',
	'.mp4': 'video/mp4',
	'.pdf': 'application/pdf',
	'.png': 'image/png',
	'.svg': `image/svg+xml${TEXT}`,
	'.txt': `text/plain${TEXT}`,
	'.wasm': 'application/wasm',
	'.webm': 'video/webm',
	'.webp': 'image/webp',
	'.woff': 'font/woff',
	'.woff2': 'font/woff2',
	'.xml': `application/xml${TEXT}`,
	'.zip': 'application/zip',
};
// Sources and prose: shown by a browser, where their own types would be downloaded.
const SHOWN = new Set(['.c', '.cpp', '.h', '.hpp', '.log', '.md', '.ts', '.yaml', '.yml']);

export function contentType(name: string): string {
	const extension = path.extname(name).toLowerCase();
	if (extension === '' || SHOWN.has(extension)) return `text/plain${TEXT}`;
	return TYPES[extension] ?? 'application/octet-stream';
}
