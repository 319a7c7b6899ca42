/*
 * An echo server: one port, any number of connections, each associated again
 * once it has been served. The client is this program too.
 *
 *   cc echo-server.c $(pkg-config --cflags --libs port)
 */
#include <port.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void watch(int port, int fd)
{
	if (port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd, POLLIN, NULL) != 0)
		fail("port_associate");
}

static int greet(const struct sockaddr_in *server)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)server, sizeof(*server)) != 0)
		fail("connect");
	if (write(fd, "hello", 5) != 5 || shutdown(fd, SHUT_WR) != 0)
		fail("write");
	return fd;
}

int main(void)
{
	struct sockaddr_in server = { .sin_family = AF_INET };
	socklen_t length = sizeof(server);
	char text[256];
	ssize_t count;
	int listener, client, port, open = 0;

	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((port = port_create()) < 0)
		fail("port_create");
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&server, length) != 0 ||
	    listen(listener, 16) != 0 ||
	    getsockname(listener, (struct sockaddr *)&server, &length) != 0)
		fail("listen");
	watch(port, listener);
	client = greet(&server);

	do {
		port_event_t list[16];
		unsigned int n = 1, i;

		if (port_getn(port, list, 16, &n, NULL) != 0)
			fail("port_getn");
		for (i = 0; i < n; i++) {
			int fd = (int)list[i].portev_object;

			if (fd == listener) {
				int accepted = accept(listener, NULL, NULL);
				if (accepted < 0)
					fail("accept");
				open++;
				watch(port, accepted);
				watch(port, listener);
			} else if ((count = read(fd, text, sizeof(text))) > 0) {
				if (write(fd, text, (size_t)count) != count)
					fail("write");
				watch(port, fd);
			} else {
				open--;
				close(fd); /* ends its association as well */
			}
		}
	} while (open > 0);

	if ((count = read(client, text, sizeof(text))) < 0)
		fail("read");
	printf("%.*s\n", (int)count, text);
	close(listener);
	close(client);
	return close(port);
}

/*
 * Prints:
 * hello
 */
