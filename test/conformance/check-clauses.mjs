#!/usr/bin/env node
// Fails when a clause is unmapped, or mapped to a test that does not exist, did
// not run, failed, or was skipped with no gate. Likewise for a quirk of illumos that has neither a test
// of the strict profile nor a reason in quirks.tsv.
//
//   check-clauses.mjs REPORT.tsv [REPORT.tsv ...]      reports of `conformance --report`
//     [--contract FILE] [--table FILE] [--divergences FILE] [--quirks FILE]
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const { values: options, positionals: reports } = parseArgs({
	allowPositionals: true,
	options: {
		contract: { type: "string", default: join(here, "../../docs/contract.md") },
		table: { type: "string", default: join(here, "clauses.tsv") },
		divergences: { type: "string", default: join(here, "divergences.tsv") },
		quirks: { type: "string", default: join(here, "quirks.tsv") },
	},
});

const rows = (path) =>
	readFileSync(path, "utf8")
		.split("\n")
		.slice(1)
		.filter((line) => line !== "")
		.map((line) => line.split("\t"));

const problems = [];
const texts = new Map();
const clauses = [...readFileSync(options.contract, "utf8").matchAll(/^- \*\*(\d+(?:\.\d+)+)\*\*(.*)$/gm)].map(
	([, clause, text]) => {
		texts.set(clause, text);
		return clause;
	},
);
if (clauses.length === 0) problems.push(`${options.contract}: no clauses found`);
if (new Set(clauses).size !== clauses.length) problems.push(`${options.contract}: a clause occurs twice`);

const divergences = new Set(rows(options.divergences).map(([id]) => id));
const table = new Map(rows(options.table));
for (const clause of table.keys())
	if (!clauses.includes(clause)) problems.push(`${clause}: in the table, not in the contract`);

// A case counts as run when any report has it passed; all reports must agree that none failed.
const results = new Map();
for (const report of reports)
	for (const [name, , result, gate] of rows(report)) {
		const seen = results.get(name) ?? { passed: 0, failed: 0, gates: [], ungated: 0 };
		if (result === "passed") seen.passed++;
		else if (result === "failed") seen.failed++;
		else if (gate) seen.gates.push(gate);
		else seen.ungated++;
		results.set(name, seen);
	}
if (results.size === 0) problems.push("no report: run conformance --report FILE and name FILE here");

function checkTest(clause, name) {
	const seen = results.get(name);
	if (!seen) return problems.push(`${clause}: ${name} did not run, or does not exist`);
	if (seen.failed > 0) problems.push(`${clause}: ${name} failed`);
	if (seen.ungated > 0) problems.push(`${clause}: ${name} was skipped with no gate`);
	return undefined;
}

// One of test/native, which CTest runs beside these: FILE/FUNCTION.
function checkNative(clause, name) {
	const [file, test] = name.split("/");
	const source = readFileSync(join(here, "../native", `${file}.cpp`), "utf8");
	const named = source.split(new RegExp(`\\b${test}\\b`)).length - 1;
	if (named < 2) problems.push(`${clause}: no native test ${name}`); // defined, and called
}

const tally = { test: 0, native: 0, divergence: 0, "n/a": 0 };
for (const clause of clauses) {
	const mapping = table.get(clause);
	if (!mapping) {
		problems.push(`${clause}: not mapped`);
		continue;
	}
	for (const entry of mapping.split("; ")) {
		const [, kind, value] = /^(test|native|divergence|n\/a):(.+)$/.exec(entry) ?? [];
		if (!kind) {
			problems.push(`${clause}: can't read "${entry}"`);
			continue;
		}
		tally[kind]++;
		if (kind === "test") {
			const names = value.split(",");
			for (const name of names) checkTest(clause, name);
			// gated everywhere is no proof: something else must stand beside it
			if (names.every((name) => results.get(name)?.gates.length > 0) && mapping === entry)
				problems.push(`${clause}: every test is gated and no divergence is named`);
		} else if (kind === "divergence" && !divergences.has(value)) {
			problems.push(`${clause}: no divergence "${value}"`);
		} else if (kind === "native") {
			for (const name of value.split(",")) checkNative(clause, name);
		}
	}
}

// What the contract calls a quirk is done by the strict profile, or it is said why not.
const quirks = new Map(rows(options.quirks).map(([clause, , , strict]) => [clause, strict]));
for (const [clause, text] of texts) {
	if (!/quirk/i.test(text)) continue;
	const [, kind, value] = /^(test|no):\s*(\S.*)$/.exec(quirks.get(clause) ?? "") ?? [];
	if (!kind) problems.push(`${clause}: a quirk with neither a test nor a reason in quirks.tsv`);
	else if ((kind === "test") !== /strict profile/.test(text))
		problems.push(`${clause}: the contract and quirks.tsv differ about the strict profile`);
	else if (kind === "test") for (const name of value.split(",")) checkTest(clause, name);
}
for (const clause of quirks.keys())
	if (!/quirk/i.test(texts.get(clause) ?? "")) problems.push(`${clause}: in quirks.tsv, no quirk by the contract`);

for (const problem of problems) console.error(problem);
console.log(
	`${clauses.length} clauses: ${tally.test} tested here, ${tally.native} by native tests, ` +
		`${tally.divergence} divergences, ${tally["n/a"]} not applicable; ${quirks.size} quirks; ${problems.length} problems`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
