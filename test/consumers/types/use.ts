// The types as a consumer meets them, under each way of resolving modules.
import { POLLIN, Port, type PortEvent, Source } from 'event-ports';

export const port = new Port<{ name: string }>({ limit: 16 });
port.associate(0, POLLIN, { name: 'standard input' });
export async function first(): Promise<PortEvent<{ name: string }> | null> {
	const event = await port.get({ timeout: 1, signal: AbortSignal.timeout(10) });
	if (event?.source === 'fd') return event satisfies { fd: number; user: { name: string } };
	return event;
}
export const fd: number = Source.FD;
// @ts-expect-error: a limit is a number
new Port({ limit: 'many' });
