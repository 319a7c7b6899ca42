/* One event of each kind that needs nothing but <port.h>: exit 0 when all came. */
#include <port.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void expect(int port, int source, int events)
{
	port_event_t event;
	struct timespec patience = {60, 0};

	if (port_get(port, &event, &patience) != 0)
		fail("port_get");
	if (event.portev_source == source && event.portev_events == events)
		return;
	fprintf(stderr, "source %d, events %#x came, not %d, %#x\n", event.portev_source,
	        (unsigned)event.portev_events, source, (unsigned)events);
	exit(1);
}

int main(void)
{
	char name[] = "/tmp/event-ports-XXXXXX";
	file_obj_t file;
	int fds[2], fd = mkstemp(name), port = port_create();

	if (port < 0 || fd < 0 || pipe(fds) != 0)
		fail("set-up");
	if (port_associate(port, PORT_SOURCE_FD, (uintptr_t)fds[0], POLLIN, NULL) != 0)
		fail("port_associate, a pipe");
	if (write(fds[1], "x", 1) != 1)
		fail("write");
	expect(port, PORT_SOURCE_FD, POLLIN);
	memset(&file, 0, sizeof file);
	file.fo_name = name;
	if (port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&file, FILE_MODIFIED, NULL) != 0)
		fail("port_associate, a file");
	if (write(fd, "x", 1) != 1)
		fail("write");
	expect(port, PORT_SOURCE_FILE, FILE_MODIFIED);
	if (port_send(port, 5, NULL) != 0)
		fail("port_send");
	expect(port, PORT_SOURCE_USER, 5);
	if (port_alert(port, PORT_ALERT_SET, 6, NULL) != 0)
		fail("port_alert");
	expect(port, PORT_SOURCE_ALERT, 6);
	unlink(name);
	return close(port);
}
