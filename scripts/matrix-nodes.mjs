// The Nodes that a release is tried on: each major's binary from npm, x64 here and arm64 under qemu.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { npmPackage } from './cache.mjs';
import { capture } from './process.mjs';

const VERSIONS = ['20.20.2', '22.23.3', '24.21.0', '26.10.0'];
const EMULATED = '20.20.2';
const QEMU = 'qemu-aarch64-static';
const ARM_LIBRARIES = '/usr/aarch64-linux-gnu'; // of libc6-arm64-cross and libstdc++6-arm64-cross

async function binary(arch, version) {
	return path.join(await npmPackage(`node-linux-${arch}`, version), 'bin/node');
}

/** `name`, and the command that runs a program of that Node. */
async function native(version) {
	return { name: `Node ${version.split('.')[0]}`, arch: 'x64', command: [await binary('x64', version)] };
}

async function emulated(qemu, version) {
	const command = [qemu, '-L', ARM_LIBRARIES, await binary('arm64', version)];
	return { name: `arm64, Node ${version.split('.')[0]}`, arch: 'arm64', command };
}

/** All of them; `majors` chooses. Without qemu there is no arm64: it is said. */
export async function nodes(majors) {
	const chosen = VERSIONS.filter((version) => !majors || majors.includes(version.split('.')[0]));
	const all = [];
	for (const version of chosen) all.push(await native(version));
	if (majors && !majors.includes('arm64')) return all;
	// Its place: the programs are run without PATH.
	const qemu = (await capture('sh', ['-c', `command -v ${QEMU}`]).catch(() => '')).trim();
	if (qemu !== '' && existsSync(ARM_LIBRARIES)) all.push(await emulated(qemu, EMULATED));
	else console.log('arm64 is left out: sh scripts/setup.sh matrix installs what it needs');
	return all;
}
