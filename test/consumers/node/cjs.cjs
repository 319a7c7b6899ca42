// Sends one event and retrieves it, through `require`; little of the package is loaded for it.
'use strict';
const assert = require('node:assert/strict');
const path = require('node:path');
const { Port } = require('event-ports');

const port = new Port();
port.send(7, 'hello');
port.get().then((event) => {
	assert.equal(event.source, 'user');
	assert.equal(event.events, 7);
	assert.equal(event.user, 'hello');
	port.close();
	const loaded = Object.keys(require.cache).filter((file) => /event-ports.dist/.test(file));
	const names = loaded.map((file) => path.basename(file)).sort();
	assert.deepEqual(names, ['eager.js', 'index.js']);
});
