// A connection by readiness: FD events say when to call read(2) and write(2).
//
// armed is what the port was asked for. An event spends the association (4.3), so after it armed is
// 0 and what is still waited for is associated again.

import { POLLERR, POLLHUP, POLLIN, POLLOUT } from '../constants.js';
import { write, writev } from '../sockets.js';
import { Connection } from './connection.js';
import type { Client } from './loop.js';

const MOST_PARTS = 64; // of writev()

export class ReadyConnection extends Connection implements Client {
	#armed = 0;

	get interest(): number {
		if (this.destroyed) return 0;
		return (this.reading ? POLLIN : 0) | (this.writing ? POLLOUT : 0);
	}

	#arm(): void {
		const { interest } = this;
		if ((interest & ~this.#armed) === 0) return;
		this.#armed = interest;
		this.loop.associate(this);
	}

	ready(events: number): void {
		if (this.destroyed) return;
		this.#armed = 0;
		const broken = (events & (POLLERR | POLLHUP)) !== 0;
		if (this.reading && (broken || (events & POLLIN) !== 0)) this.receiveNow();
		if (this.writing && (broken || (events & POLLOUT) !== 0)) this.#flush();
		this.#arm();
	}

	refused(error: Error): void {
		this.#armed = 0;
		this.destroy(error);
	}

	protected override receive(): void {
		this.#arm();
	}

	override async poll(): Promise<void> {
		if (this.reading && !this.destroyed) this.receiveNow();
	}

	protected override transmit(): void {
		this.#flush();
		this.#arm();
	}

	#flush(): void {
		while (this.parts.length > 0) {
			let count: number | null;
			try {
				count = this.#send();
			} catch (error) {
				this.finishWrite(error as Error);
				return;
			}
			if (count === null) return;
			this.sent(count);
		}
		this.finishWrite(null);
	}

	#send(): number | null {
		const [first] = this.parts;
		if (first !== undefined && this.parts.length === 1) return write(this.fd, first);
		return writev(this.fd, this.parts.slice(0, MOST_PARTS));
	}
}
