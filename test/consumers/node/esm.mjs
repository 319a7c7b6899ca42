// Sends one event and retrieves it, through `import`.
import assert from 'node:assert/strict';
import { Port } from 'event-ports';

const port = new Port();
port.send(7, 'hello');
const event = await port.get();
assert.equal(event.source, 'user');
assert.equal(event.events, 7);
assert.equal(event.user, 'hello');
port.close();
