// Colours for a terminal, and for nothing else: a pipe, a file, NO_COLOR and a dumb terminal get
// plain text.

import { WriteStream } from 'node:tty';

const CODES = {
	bold: [1, 22],
	dim: [2, 22],
	red: [31, 39],
	green: [32, 39],
	yellow: [33, 39],
} as const;

/** What to paint with. */
export type Colour = keyof typeof CODES;

/** Paints text for a stream: as it is where the stream has no colours. */
export function painter(stream: NodeJS.WritableStream): (colour: Colour, text: string) => string {
	const coloured = stream instanceof WriteStream && stream.hasColors();
	return (colour, text) => {
		if (!coloured) return text;
		const [on, off] = CODES[colour];
		return `\x1b[${on}m${text}\x1b[${off}m`;
	};
}
