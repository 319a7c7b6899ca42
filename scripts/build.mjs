// lib/ to dist/: the compiler makes CommonJS and its declarations, then an ES module that
// re-exports every name is written beside it, so that both kinds of users share one instance.

import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

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
	const emitted = program.emit();
	if (emitted.diagnostics.length > 0) fail(emitted.diagnostics);
	return program;
}

/** Names that exist at run time: types, and exports marked as types, do not. */
function valueExports(program) {
	const checker = program.getTypeChecker();
	const entry = program.getSourceFile(path.join(lib, 'index.ts'));
	const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(entry));
	return exported
		.filter((symbol) => {
			if (symbol.declarations?.some(ts.isTypeOnlyImportOrExportDeclaration)) return false;
			const alias = symbol.flags & ts.SymbolFlags.Alias;
			const target = alias ? checker.getAliasedSymbol(symbol) : symbol;
			return (target.flags & ts.SymbolFlags.Value) !== 0;
		})
		.map((symbol) => symbol.name)
		.sort();
}

function writeModule(names) {
	const lines = names.map((name) => `export const ${name} = port.${name};`);
	const body = ["import port from './index.js';", ...lines, ''].join('\n');
	writeFileSync(path.join(dist, 'index.mjs'), body);
	writeFileSync(path.join(dist, 'index.d.mts'), "export * from './index.js';\n");
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
copyAssets();
writeModule(valueExports(program));
const { bin } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
for (const file of Object.values(bin)) chmodSync(path.join(root, file), 0o755);
