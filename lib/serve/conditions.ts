// Which part of a file a request is to get, if any: conditional and range requests (RFC 9110,
// sections 13 and 14).

import type { BigIntStats } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';

/** What identifies a state of a file. */
export interface Validators {
	readonly etag: string;
	readonly modified: string;
}

/** `length` bytes from `start`, as the answer `status`. */
export interface Part {
	readonly status: 200 | 206 | 304 | 412 | 416;
	readonly start: number;
	readonly length: number;
}

export function validatorsOf(stats: BigIntStats): Validators {
	const etag = `"${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}"`;
	return { etag, modified: stats.mtime.toUTCString() };
}

function lists(header: string, etag: string): boolean {
	if (header.trim() === '*') return true;
	return header.split(',').some((item) => item.trim().replace(/^W\//, '') === etag);
}

/** Seconds since 1970, or NaN: HTTP's dates have no fractions. */
function seconds(date: string): number {
	return Math.floor(Date.parse(date) / 1000);
}

function failed(headers: IncomingHttpHeaders, { etag, modified }: Validators): boolean {
	const match = headers['if-match'];
	if (match !== undefined) return !lists(match, etag);
	const since = headers['if-unmodified-since'];
	return since !== undefined && seconds(modified) > seconds(since);
}

function unchanged(headers: IncomingHttpHeaders, { etag, modified }: Validators): boolean {
	const match = headers['if-none-match'];
	if (match !== undefined) return lists(match, etag);
	const since = headers['if-modified-since'];
	return since !== undefined && seconds(modified) <= seconds(since);
}

/** The first and last byte asked for; null: not satisfiable; undefined: to be ignored. */
function rangeOf(header: string, size: number): [number, number] | null | undefined {
	const found = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
	if (found === null) return undefined; // several ranges too: the whole is always a right answer
	const [, first = '', last = ''] = found;
	if (first === '' && last === '') return undefined;
	if (first === '') {
		const count = Math.min(Number(last), size);
		return count === 0 ? null : [size - count, size - 1];
	}
	if (last !== '' && Number(last) < Number(first)) return undefined;
	if (Number(first) >= size) return null;
	return [Number(first), Math.min(last === '' ? Number.POSITIVE_INFINITY : Number(last), size - 1)];
}

export function partFor(headers: IncomingHttpHeaders, validators: Validators, size: number): Part {
	if (failed(headers, validators)) return { status: 412, start: 0, length: 0 };
	if (unchanged(headers, validators)) return { status: 304, start: 0, length: 0 };
	const whole: Part = { status: 200, start: 0, length: size };
	const { range } = headers;
	const only = headers['if-range'];
	const { etag, modified } = validators;
	if (range === undefined || (only !== undefined && only !== etag && only !== modified))
		return whole;
	const bytes = rangeOf(range, size);
	if (bytes === undefined) return whole;
	if (bytes === null) return { status: 416, start: 0, length: 0 };
	return { status: 206, start: bytes[0], length: bytes[1] - bytes[0] + 1 };
}
