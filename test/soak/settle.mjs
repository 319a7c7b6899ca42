// Running an action, and waiting until all that it dropped is gone.

import { readdirSync } from 'node:fs';
import { actions } from './actions.mjs';

const turn = () => new Promise((resolve) => setImmediate(resolve));

export const descriptors = () => readdirSync('/proc/self/fd').length;

/** Until nothing more is collected: ports that were dropped let go of their descriptors. */
export async function settle() {
	for (let before = -1; before !== descriptors(); ) {
		before = descriptors();
		for (let i = 0; i < 4; i++) {
			global.gc();
			await turn();
		}
	}
}

export async function run(name) {
	try {
		await actions[name]();
	} catch (error) {
		error.message = `${name}: ${error.message}`;
		throw error;
	}
}
