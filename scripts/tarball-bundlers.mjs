// The bundlers of docs/recipes.md, as it shows them: the package stays outside, and the bundle runs.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bin, capture, root } from './process.mjs';

const PROGRAM = `import { Port } from 'event-ports';
const port = new Port();
port.send(7, 'bundled');
port.get().then((event) => {
	console.log(event.user);
	port.close();
});
`;

/** The block of a language below the heading. */
function shown(language) {
	const [, text] = readFileSync(path.join(root, 'docs/recipes.md'), 'utf8').split('## Bundlers\n');
	const found = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text)?.[1];
	if (found === undefined) throw new Error(`docs/recipes.md shows no ${language} of a bundler`);
	return found.trim();
}

async function runs(file, cwd) {
	if (/napi_register|node-gyp-build\.js/.test(readFileSync(path.join(cwd, file), 'utf8'))) {
		throw new Error('the package is in the bundle');
	}
	const said = await capture(process.execPath, [file], { cwd });
	if (said !== 'bundled\n') throw new Error(said);
}

/** Checks for a folder in which the package is installed. */
export function bundlerChecks(app) {
	return {
		'esbuild, as docs/recipes.md shows it': async () => {
			writeFileSync(path.join(app, 'app.js'), PROGRAM);
			const [command, ...args] = shown('sh').split(' ');
			await capture(bin(command), args, { cwd: app });
			await runs('bundle.js', app);
		},
		'webpack, as docs/recipes.md shows it': async () => {
			mkdirSync(path.join(app, 'src'));
			writeFileSync(path.join(app, 'src/index.js'), PROGRAM);
			writeFileSync(path.join(app, 'webpack.config.js'), shown('js'));
			const script = `require(${JSON.stringify(path.join(root, 'node_modules/webpack'))})(
				require('./webpack.config.js'), (error, stats) => {
					if (error ?? stats.hasErrors()) throw error ?? new Error(stats.toString());
				});`;
			await capture(process.execPath, ['-e', script], { cwd: app });
			await runs('dist/main.js', app);
		},
	};
}
