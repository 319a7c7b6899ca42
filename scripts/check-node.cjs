// Says that Node is too old. This file has to run in any old Node, so it is written in old
// JavaScript.
'use strict';

var OLDEST = [20, 19];
var version = process.versions.node.split('.').map(Number);
if (version[0] < OLDEST[0] || (version[0] === OLDEST[0] && version[1] < OLDEST[1])) {
	console.error(
		'event-ports needs Node.js ' + OLDEST.join('.') + ' or later; ' +
			process.execPath + ' is ' + process.versions.node + '.'
	);
	process.exit(1);
}
