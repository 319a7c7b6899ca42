// An echo server and its client, both on one port: every event names the descriptor that is ready
// and brings along what was said of it when it was associated.

import {
	accept, closeFd, connect, listen, localAddress, POLLIN, POLLOUT, Port, read, shutdown, write,
} from 'event-ports';

const port = new Port();
const buffer = Buffer.alloc(64 * 1024);

const listener = listen({ host: '127.0.0.1', port: 0 });
port.associate(listener, POLLIN, onClient);

const client = connect(localAddress(listener));
port.associate(client, POLLOUT, onConnected);

// An event spends its association: whoever wants another one associates again.
for await (const { fd, user: onReady } of port) onReady(fd);

function onClient(fd) {
	for (let peer = accept(fd); peer !== null; peer = accept(fd)) port.associate(peer, POLLIN, onInput);
	port.associate(fd, POLLIN, onClient);
}

function onInput(fd) {
	const count = read(fd, buffer);
	if (count === 0) return closeFd(fd); // ends the association too
	if (count !== null) write(fd, buffer, 0, count);
	port.associate(fd, POLLIN, onInput);
}

function onConnected(fd) {
	write(fd, Buffer.from('hello, port'));
	shutdown(fd);
	port.associate(fd, POLLIN, onEcho);
}

function onEcho(fd) {
	const count = read(fd, buffer);
	if (count === 0) {
		closeFd(fd);
		closeFd(listener);
		port.close(); // ends the loop
		return;
	}
	console.log(buffer.toString('utf8', 0, count ?? 0));
	port.associate(fd, POLLIN, onEcho);
}

// Prints:
// hello, port
