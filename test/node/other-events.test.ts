// Events of sources that Node has no calls for, as another process of the port sends them.

import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { Binding, columns } from '../../lib/binding.js';
import { Source } from '../../lib/constants.js';
import { OtherEvent } from '../../lib/events.js';

it.each([Source.MQ, 0x8001])('an event of source %i is told with its number', (number) => {
	const binding = Binding.create(0);
	columns.source[0] = number;
	columns.events[0] = 3;
	columns.object[0] = 12;
	columns.user[0] = 7;
	const event = binding.event(0);
	expect(event).toBeInstanceOf(OtherEvent);
	expect(event).toEqual(new OtherEvent(number, 12, 3, 7));
	expect(inspect(event)).toBe(`OtherEvent { number: ${number}, object: 12, events: 3, user: 7 }`);
	expect(binding.list(1, 1)).toEqual([event]);
	binding.closeEverywhere();
});
