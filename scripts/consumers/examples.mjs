// The examples in C, built as their first comment says, print what their last one says.

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { capture, root } from '../process.mjs';
import { flags, out } from './packages.mjs';

const folder = path.join(root, 'examples/c');

export function exampleChecks(prefix) {
	const check = async (file) => {
		const promised = /\/\*\n \* Prints:\n((?: \* .*\n)+) \*\/\n$/.exec(
			readFileSync(path.join(folder, file), 'utf8'),
		)?.[1];
		if (promised === undefined) throw new Error('it does not say what it prints');
		const { cflags, libs } = await flags(prefix);
		const program = path.join(out, 'examples', path.basename(file, '.c'));
		mkdirSync(path.dirname(program), { recursive: true });
		const source = path.join(folder, file);
		await capture('sh', ['-ec', `cc -Wall -Wextra -Werror ${source} ${cflags} ${libs} -o ${program}`]);
		const printed = await capture('timeout', ['60', program]);
		if (printed !== promised.replace(/^ \* /gm, '')) throw new Error(`printed:\n${printed}`);
	};
	const files = readdirSync(folder).filter((file) => file.endsWith('.c'));
	return Object.fromEntries(files.map((file) => [`examples/c/${file}`, () => check(file)]));
}
