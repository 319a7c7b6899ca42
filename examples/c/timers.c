/*
 * Timers beside descriptors on one port: what came is told by its source, how
 * often a timer expired since it was last looked at by the event itself.
 *
 *   cc timers.c $(pkg-config --cflags --libs port)
 */
#include <port.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TICKS = 5 };

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static timer_t start(int port, long ns, int periodic, const char *name)
{
	port_notify_t notify = { port, (void *)name };
	struct sigevent event = { .sigev_notify = SIGEV_PORT };
	struct itimerspec times = { { 0, 0 }, { 0, 0 } };
	timer_t timer;

	event.sigev_value.sival_ptr = &notify;
	times.it_value.tv_nsec = ns;
	times.it_interval.tv_nsec = periodic ? ns : 0;
	if (timer_create(CLOCK_HIGHRES, &event, &timer) != 0 ||
	    timer_settime(timer, 0, &times, NULL) != 0)
		fail("timer_create");
	return timer;
}

int main(void)
{
	int port = port_create(), fds[2], ticks = 0;
	timer_t once, often;
	port_event_t event;

	if (port < 0 || pipe(fds) != 0)
		fail("port_create");
	if (port_associate(port, PORT_SOURCE_FD, (uintptr_t)fds[0], POLLIN, "pipe") != 0)
		fail("port_associate");
	once = start(port, 1000000, 0, "once");
	if (port_get(port, &event, NULL) != 0)
		fail("port_get");
	printf("%s: %d\n", (char *)event.portev_user, event.portev_events);

	often = start(port, 1000000, 1, "often");
	while (ticks < TICKS) {
		if (port_get(port, &event, NULL) != 0)
			fail("port_get");
		ticks += event.portev_events;
	}
	printf("%s: %d or more\n", (char *)event.portev_user, TICKS);

	if (timer_delete(often) != 0 || timer_delete(once) != 0)
		fail("timer_delete"); /* takes its queued event along */
	if (write(fds[1], "x", 1) != 1 || port_get(port, &event, NULL) != 0)
		fail("port_get");
	printf("%s: %d\n", (char *)event.portev_user, event.portev_events);
	return close(port);
}

/*
 * Prints:
 * once: 1
 * often: 5 or more
 * pipe: 1
 */
