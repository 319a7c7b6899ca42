// The shape of the installed package: its types under each way of resolving modules, its maps.

import { mkdirSync, cpSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bin, capture, root } from './process.mjs';

// name: module, moduleResolution, "type" of the consumer's package.json
const WAYS = {
	'types: node16, ES module': ['node16', 'node16', 'module'],
	'types: node16, CommonJS': ['node16', 'node16', 'commonjs'],
	'types: nodenext, ES module': ['nodenext', 'nodenext', 'module'],
	'types: nodenext, CommonJS': ['nodenext', 'nodenext', 'commonjs'],
	'types: bundler': ['esnext', 'bundler', 'module'],
};

function compile(app, name, [module, moduleResolution, type]) {
	const folder = path.join(app, name.replace(/\W+/g, '-'));
	mkdirSync(folder);
	cpSync(path.join(app, 'types/use.ts'), path.join(folder, 'use.ts'));
	writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true, type }));
	const compilerOptions = {
		...{ module, moduleResolution, target: 'es2023', lib: ['es2023', 'esnext.disposable'] },
		...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false },
		...{ types: ['node'], typeRoots: [path.join(root, 'node_modules/@types')] },
	};
	const config = path.join(folder, 'tsconfig.json');
	writeFileSync(config, JSON.stringify({ compilerOptions, files: ['use.ts'] }));
	return capture(bin('tsc'), ['-p', config], { cwd: folder });
}

export function packageChecks(app, tarball) {
	const types = Object.entries(WAYS).map(([name, way]) => [
		name,
		async () => {
			await compile(app, name, way);
		},
	]);
	return {
		...Object.fromEntries(types),
		publint: async () => {
			await capture(bin('publint'), ['run', tarball, '--strict']);
		},
		'are-the-types-wrong': async () => {
			await capture(bin('attw'), [tarball, '--no-color']);
		},
	};
}
