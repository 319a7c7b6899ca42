/** Rows of texts in columns. */
export function table(head, body) {
	const rows = [head, ...body];
	const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
	return rows
		.map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd())
		.join('\n');
}
