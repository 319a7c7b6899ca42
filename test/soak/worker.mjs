// A worker of the storm: does what it is told, says so, and ends or is ended.

import { parentPort, workerData } from 'node:worker_threads';
import { Port } from 'event-ports';

const { what, fd } = workerData;
const said = () => parentPort.postMessage('there');

const tasks = {
	block() {
		const port = Port.attach(fd);
		said();
		try {
			for (;;) port.getSync();
		} catch (error) {
			if (error.code !== 'ERR_PORT_CLOSED') throw error;
		}
	},
	everything() {
		const port = new Port();
		port.send(1, {});
		port.every(0.05, {});
		port.getn({ min: 30_000 }).catch(() => {});
		said();
	},
	exit() {
		const port = new Port();
		port.get();
		port.get().then(() => process.exit(0));
		said();
		port.send(1);
		port.send(2);
	},
	throw() {
		const port = new Port();
		port.every(0.05, {});
		port.get();
		said();
		port.get().then(() => {
			throw new Error('meant');
		});
	},
	leave() {
		const port = new Port();
		port.send(1, {});
		port.every(1, {});
		port.unref().getn({ min: 30_000 }).catch(() => {});
		said();
	},
};
tasks[what]();
