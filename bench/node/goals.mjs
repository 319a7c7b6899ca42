// What the benches in JavaScript are held against: as native/goals.mjs.

export const goals = [
	{ goal: 'ECHO', bench: 'echo', figure: 'cpu_ns', ours: 'port', peer: 'net', must: 1 },
];
