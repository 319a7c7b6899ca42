/*
 * A program as illumos has it, with nothing said to libport but its own calls:
 * close ends associations and wakes waiters, timer_create takes SIGEV_PORT.
 */
#include <port.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define CHECK(good)                                                  \
	do {                                                         \
		if (!(good)) {                                       \
			fprintf(stderr, "line %d: %s\n", __LINE__, #good); \
			return 1;                                    \
		}                                                    \
	} while (0)

static int port;

static void *blocked(void *arg)
{
	port_event_t event;
	int *error = arg;
	*error = port_get(port, &event, NULL) == 0 ? 0 : errno;
	return NULL;
}

int main(void)
{
	struct itimerspec soon = { { 0, 0 }, { 0, 1000 } };
	struct sigevent notify = { 0 };
	port_notify_t target = { 0, &soon };
	port_event_t event;
	pthread_t thread;
	timer_t timer;
	unsigned int count = 1;
	int fds[2], copy, error = 0;

	CHECK((port = port_create()) >= 0 && pipe(fds) == 0 && write(fds[1], "x", 1) == 1);
	CHECK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fds[0], POLLIN, NULL) == 0);
	CHECK((copy = dup(fds[0])) >= 0 && close(fds[0]) == 0);
	CHECK(port_getn(port, NULL, 0, &count, NULL) == 0 && count == 0);
	CHECK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)copy, POLLIN, NULL) == 0);
	CHECK(dup2(fds[1], copy) == copy);
	CHECK(port_getn(port, NULL, 0, &count, NULL) == 0 && count == 0);

	target.portnfy_port = port;
	notify.sigev_notify = SIGEV_PORT;
	notify.sigev_value.sival_ptr = &target;
	CHECK(timer_create(CLOCK_REALTIME, &notify, &timer) == 0);
	CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
	CHECK(port_get(port, &event, NULL) == 0 && event.portev_source == PORT_SOURCE_TIMER);
	CHECK(event.portev_user == &soon && timer_delete(timer) == 0);

	CHECK(pthread_create(&thread, NULL, blocked, &error) == 0);
	/* Blocked already or not yet: EBADF either way, and an end. */
	CHECK(close(port) == 0 && pthread_join(thread, NULL) == 0 && error == EBADF);
	return 0;
}
