// Sends one event and retrieves it, through `require`.
'use strict';
const assert = require('node:assert/strict');
const { Port } = require('event-ports');

const port = new Port();
port.send(7, 'hello');
port.get().then((event) => {
	assert.equal(event.source, 'user');
	assert.equal(event.events, 7);
	assert.equal(event.user, 'hello');
	port.close();
});
