/* Sends one event to itself: exit 0 when it came back whole. */
#include <port.h>

#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char cookie;
	port_event_t event;
	int port = port_create();

	if (port < 0 || port_send(port, 7, &cookie) != 0) {
		perror("port_send");
		return 1;
	}
	if (port_get(port, &event, NULL) != 0) {
		perror("port_get");
		return 1;
	}
	if (event.portev_source != PORT_SOURCE_USER || event.portev_events != 7 ||
	    event.portev_user != &cookie) {
		fprintf(stderr, "another event came back\n");
		return 1;
	}
	return close(port);
}
