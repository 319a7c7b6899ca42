// Files that a port's first event doesn't need, loaded with their first use: to require the package
// and wait for a message costs half of what all of it would.

function later<M>(load: () => M): () => M {
	let loaded: M | undefined;
	return () => {
		loaded ??= load();
		return loaded;
	};
}

/** @internal */
export const aio = later(() => require('./aio.js') as typeof import('./aio.js'));
/** @internal */
export const files = later(() => require('./files.js') as typeof import('./files.js'));
/** @internal */
export const timers = later(() => require('./timers.js') as typeof import('./timers.js'));
/** @internal */
export const trace = later(() => require('./trace.js') as typeof import('./trace.js'));
/** @internal */
export const histograms = later(
	() => require('node:perf_hooks') as typeof import('node:perf_hooks'),
);
