// Rows of benches × goals -> verdicts.
//
// A row is what a bench prints: { bench, case: 'name=value …', who, <figure>: { median, rounds } }.
// The ratio is the median of the ratios round by round: what the machine did in a round hit both.

export function median(values) {
	const sorted = [...values].sort((a, b) => a - b);
	const half = sorted.length >> 1;
	return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

const caseOf = (row) => Object.fromEntries(row.case.split(' ').map((pair) => pair.split('=')));

const fits = (row, where = {}) => {
	const parameters = caseOf(row);
	return Object.entries(where).every(([name, values]) => values.includes(parameters[name]));
};

function peerRow(rows, row, goal) {
	const wanted = { ...caseOf(row), ...goal.peerWhere };
	return rows.find((other) => other.bench === row.bench && other.who === goal.peer &&
		Object.entries(wanted).every(([name, value]) => caseOf(other)[name] === value));
}

function met(value, { must, stretch }) {
	if (stretch !== undefined && value <= stretch)
		return 'stretch';
	if (must === undefined)
		return stretch === undefined ? '' : 'not yet';
	return value <= must ? 'yes' : 'NO';
}

function verdict(goal, row, peer) {
	const ours = row[goal.figure];
	const theirs = peer?.[goal.figure];
	const ratios = theirs && ours.rounds.map((value, round) => value / theirs.rounds[round]);
	const value = ratios ? median(ratios) : ours.median;
	return {
		goal: goal.goal,
		case: `${row.bench} ${row.case}`,
		who: row.who,
		peer: peer?.who,
		figure: goal.figure,
		ours: ours.median,
		theirs: theirs?.median,
		ratio: ratios && value,
		spread: ratios && [Math.min(...ratios), Math.max(...ratios)],
		must: goal.must,
		stretch: goal.stretch,
		met: met(value, goal),
	};
}

export function judge(rows, goals) {
	const verdicts = [];
	for (const goal of goals) {
		for (const row of rows) {
			if (row.bench !== goal.bench || row.who !== goal.ours || !fits(row, goal.where))
				continue;
			const peer = goal.peer && peerRow(rows, row, goal);
			if (row[goal.figure] && (!goal.peer || peer?.[goal.figure]))
				verdicts.push(verdict(goal, row, peer));
		}
	}
	return verdicts;
}
