// Both kinds of modules see one instance, with the same names.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import * as imported from 'event-ports';

const required = createRequire(import.meta.url)('event-ports');
assert.deepEqual(Object.keys(imported).sort(), Object.keys(required).sort());
for (const name of Object.keys(imported)) assert.equal(imported[name], required[name]);
