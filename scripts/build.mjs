// lib/ to dist/: the compiler makes CommonJS and its declarations; then two indices are written. The
// CommonJS one loads a part with the first use of a name of it, the ES module re-exports every name
// of that one, so that both kinds of users share one instance. The native sources are packed beside it.

import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { packSources } from './packed-sources.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const lib = path.join(root, 'lib');
const dist = path.join(root, 'dist');

function fail(diagnostics) {
	const host = {
		getCanonicalFileName: (name) => name,
		getCurrentDirectory: () => root,
		getNewLine: () => '\n',
	};
	console.error(ts.formatDiagnosticsWithColorAndContext(diagnostics, host));
	process.exit(1);
}

function compile() {
	const config = path.join(root, 'tsconfig.build.json');
	const parsed = ts.getParsedCommandLineOfConfigFile(config, undefined, {
		...ts.sys,
		onUnRecoverableConfigFileDiagnostic: (diagnostic) => fail([diagnostic]),
	});
	const program = ts.createProgram(parsed.fileNames, parsed.options);
	const diagnostics = [...parsed.errors, ...ts.getPreEmitDiagnostics(program)];
	if (diagnostics.length > 0) fail(diagnostics);
	const declarations = program.emit(undefined, undefined, undefined, true);
	// Comments are for editors, which read the declarations. In the code they would cost a third
	// of the time that loading takes.
	const bare = { ...parsed.options, declaration: false, removeComments: true };
	const code = ts.createProgram(parsed.fileNames, bare, undefined, program).emit();
	const wrong = [...declarations.diagnostics, ...code.diagnostics];
	if (wrong.length > 0) fail(wrong);
	return program;
}

/** The compiler indents by four spaces, a tenth of the package. Not where a text of the source's begins so. */
function indentByTabs() {
	for (const name of readdirSync(dist, { recursive: true })) {
		const source = path.join(lib, name.replace(/(\.d)?\.[jt]s$/, '.ts'));
		if (!/\.[jt]s$/.test(name) || /^ {4}/m.test(readFileSync(source, 'utf8'))) continue;
		const file = path.join(dist, name);
		const text = readFileSync(file, 'utf8');
		writeFileSync(file, text.replace(/^(?: {4})+/gm, (spaces) => '\t'.repeat(spaces.length / 4)));
	}
}

/** Names that exist at run time, and their files: types, and exports marked as types, do not. */
function valueExports(program) {
	const checker = program.getTypeChecker();
	const entry = program.getSourceFile(path.join(lib, 'index.ts'));
	const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(entry));
	return exported
		.flatMap((symbol) => {
			if (symbol.declarations?.some(ts.isTypeOnlyImportOrExportDeclaration)) return [];
			const alias = symbol.flags & ts.SymbolFlags.Alias;
			const target = alias ? checker.getAliasedSymbol(symbol) : symbol;
			if ((target.flags & ts.SymbolFlags.Value) === 0) return [];
			const { fileName } = target.declarations[0].getSourceFile();
			return [{ name: symbol.name, file: path.basename(fileName, '.ts') }];
		})
		.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function writeCommonJs(exported) {
	const lines = exported.map(({ name, file }) => `\t${name}: () => part('${file}').${name},`);
	const body = `'use strict';
let parts;
function part(name) {
	parts ??= require('./eager.js'); // for ever, whatever becomes of the cache of modules
	return parts[name]();
}
const later = {
${lines.join('\n')}
};
for (const [name, load] of Object.entries(later)) {
	const get = () => {
		const value = load();
		Object.defineProperty(exports, name, { enumerable: true, value }); // from now on, as if it always was
		return value;
	};
	Object.defineProperty(exports, name, { configurable: true, enumerable: true, get });
}
Object.defineProperty(exports, '__esModule', { value: true });
`;
	writeFileSync(path.join(dist, 'index.js'), body);
}

function writeModule(names) {
	const lines = names.map((name) => `export const ${name} = port.${name};`);
	const body = ["import port from './index.js';", ...lines, ''].join('\n');
	writeFileSync(path.join(dist, 'index.mjs'), body);
	writeFileSync(path.join(dist, 'index.d.mts'), "export * from './index.js';\n");
}

/** Declarations that index.d.ts doesn't lead to are nobody's. */
function dropPrivateDeclarations() {
	const wanted = new Set();
	const follow = (file) => {
		if (wanted.has(file)) return;
		wanted.add(file);
		for (const [, to] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()'(\.[^']*)\.js'/g)) {
			follow(path.join(path.dirname(file), `${to}.d.ts`));
		}
	};
	follow(path.join(dist, 'index.d.ts'));
	for (const name of readdirSync(dist, { recursive: true })) {
		const file = path.join(dist, name);
		if (name.endsWith('.d.ts') && !wanted.has(file)) rmSync(file);
	}
}

/** Of these files and what they require: their code, by name. `reach` finds what a code requires. */
function partsOf(names, reach) {
	const parts = new Map();
	const follow = (name) => {
		if (parts.has(name)) return;
		parts.set(name, ''); // before those it requires
		const code = readFileSync(path.join(dist, `${name}.js`), 'utf8');
		for (const [, to] of code.matchAll(reach)) follow(to);
		parts.set(name, code);
	};
	for (const name of names) follow(name);
	return parts;
}

/**
 * The files of the API become parts of one copy of the package, made by whichever copy of eager.js asks.
 * What port.js requires at once is in that file: a file costs a quarter of a millisecond. The others,
 * in late/, have no state, so that what a copy loads later is its own even if the cache of modules was
 * emptied since, as test runners do. Names stay, as one line that hands out its part, for the
 * commands; the require calls are as bundlers know them.
 */
function makeParts(exported) {
	const AT_ONCE = /^const \S+ = .*\brequire\("\.\/(.*)\.js"\)/gm;
	const EVER = /\brequire\(["']\.\/([\w-]+)\.js["']\)/g;
	const eager = partsOf(['port'], AT_ONCE);
	const all = partsOf(['port', ...exported.map(({ file }) => file)], EVER);
	mkdirSync(path.join(dist, 'late'));
	const bodies = [...all].map(([name, code]) => {
		const inside = code.replace(EVER, (_, to) => `part["${to}"]()`);
		if (eager.has(name)) return `once("${name}", function (exports) {\n${inside}});`;
		const late = `'use strict';\nmodule.exports = function (exports, part) {\n${inside}};\n`;
		writeFileSync(path.join(dist, `late/${name}.js`), late);
		return `once("${name}", (exports) => require('./late/${name}.js')(exports, part));`;
	});
	const head = `'use strict';
const part = exports;
function once(name, body) {
	let made;
	part[name] = () => {
		if (made !== undefined) return made;
		made = {}; // before those it requires, which may require it
		try {
			body(made);
		} catch (error) {
			made = undefined;
			throw error;
		}
		return made;
	};
}`;
	writeFileSync(path.join(dist, 'eager.js'), [head, ...bodies, ''].join('\n'));
	for (const name of all.keys()) {
		writeFileSync(path.join(dist, `${name}.js`), `module.exports = require('./eager.js')['${name}']();\n`);
	}
}

/** Pages and scripts that are shipped as they are. */
function copyAssets() {
	cpSync(lib, dist, {
		recursive: true,
		filter: (file) => !file.endsWith('.ts') && !file.endsWith('.md'),
	});
}

rmSync(dist, { recursive: true, force: true });
const program = compile();
indentByTabs();
dropPrivateDeclarations();
const exported = valueExports(program);
makeParts(exported);
copyAssets();
writeCommonJs(exported);
writeModule(exported.map(({ name }) => name));
const { bin } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
for (const file of Object.values(bin)) chmodSync(path.join(root, file), 0o755);
packSources();
