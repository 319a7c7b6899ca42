// Lines over the last minute, on a canvas.

const SPAN = 60_000; // ms shown
const LEFT = 52;
const BOTTOM = 20;
const TOP = 8;
const RIGHT = 6;

/** The next number that four lines divide well. */
function niceAbove(value) {
	const power = 10 ** Math.floor(Math.log10(value));
	return [1, 2, 4, 8, 10].find((step) => step * power >= value) * power;
}

const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

// Only of a registered property is light-dark() resolved to a colour that a canvas knows.
const COLOURS = ['line', 'quiet', 'fd', 'user', 'timer', 'file', 'aio', 'mq', 'alert'];
for (const name of COLOURS) {
	CSS.registerProperty({ name: `--${name}`, syntax: '<color>', inherits: true, initialValue: 'gray' });
}

export class Plot {
	#canvas;
	#series;
	#points = []; // { time, values }

	/** `series`: the names of CSS variables that hold the colours, in the order of the values. */
	constructor(canvas, series) {
		this.#canvas = canvas;
		this.#series = series;
		new ResizeObserver(() => this.draw()).observe(canvas);
		matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
	}

	add(time, values) {
		this.#points.push({ time, values });
		// One point beyond the left edge, so that the line reaches it.
		while (this.#points.length > 2 && this.#points[1].time < time - SPAN) this.#points.shift();
		this.draw();
	}

	draw() {
		const { clientWidth: width, clientHeight: height } = this.#canvas;
		const ratio = devicePixelRatio;
		this.#canvas.width = width * ratio;
		this.#canvas.height = height * ratio;
		const context = this.#canvas.getContext('2d');
		context.scale(ratio, ratio);
		const highest = Math.max(10, ...this.#points.flatMap((point) => point.values));
		const frame = {
			context,
			style: getComputedStyle(this.#canvas),
			top: niceAbove(highest),
			now: this.#points.at(-1)?.time ?? 0,
			width: width - LEFT - RIGHT,
			height: height - TOP - BOTTOM,
		};
		this.#drawGrid(frame);
		this.#series.forEach((name, index) => this.#drawLine(frame, name, index));
	}

	#drawGrid({ context, style, top, width, height }) {
		context.font = `11px ${style.fontFamily}`;
		context.fillStyle = style.getPropertyValue('--quiet');
		context.strokeStyle = style.getPropertyValue('--line');
		context.textBaseline = 'middle';
		context.textAlign = 'right';
		const steps = height > 150 ? 4 : 2;
		for (let step = 0; step <= steps; step++) {
			const y = Math.round(TOP + height - (height * step) / steps) + 0.5;
			context.beginPath();
			context.moveTo(LEFT, y);
			context.lineTo(LEFT + width, y);
			context.stroke();
			context.fillText(short.format((top * step) / steps), LEFT - 8, y);
		}
		context.textBaseline = 'alphabetic';
		for (const [share, text, align] of [[0, '60 s ago', 'left'], [0.5, '30 s', 'center'], [1, 'now', 'right']]) {
			context.textAlign = align;
			context.fillText(text, LEFT + width * share, TOP + height + BOTTOM - 4);
		}
	}

	#drawLine({ context, style, top, now, width, height }, name, index) {
		const seen = index === 0 || this.#points.some((point) => point.values[index] > 0);
		if (this.#points.length < 2 || !seen) return;
		const colour = style.getPropertyValue(name);
		const x = (time) => LEFT + width * (1 - (now - time) / SPAN);
		const y = (value) => TOP + height * (1 - value / top);
		context.save();
		context.beginPath();
		context.rect(LEFT, 0, width, TOP + height + 1);
		context.clip();
		context.beginPath();
		for (const { time, values } of this.#points) context.lineTo(x(time), y(values[index]));
		context.lineWidth = 1.75;
		context.lineJoin = 'round';
		context.strokeStyle = colour;
		context.stroke();
		context.lineTo(x(now), TOP + height);
		context.lineTo(x(this.#points[0].time), TOP + height);
		context.globalAlpha = 0.12;
		context.fillStyle = colour;
		context.fill();
		context.restore();
	}
}
