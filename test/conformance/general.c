/* 2.0: what holds for every call with a port argument. */
#include "harness.h"

#include "calls.h"
#include "timer.h"

#if defined(__linux__)
#include <sys/epoll.h>
#include <sys/eventfd.h>
#endif

CASE_COLD("2.0.1 2.0.2 2.12", "first_call_of_a_process_on_a_bad_descriptor")
{
	expect_all_calls_fail(closed_fd(), EBADF);
	expect_all_calls_fail(-1, EBADF);
	expect_all_calls_fail(STDERR_FILENO, EBADFD);
}

CASE("2.0.1 2.0.2 2.12", "descriptor_that_is_not_open_is_ebadf")
{
	static const int numbers[] = { -1, -2, INT_MIN, INT_MAX, 1 << 20, 0x40000000 };
	size_t i;
	(void)new_port();
	expect_all_calls_fail(closed_fd(), EBADF);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		expect_all_calls_fail(numbers[i], EBADF);
}

CASE("2.0.1 2.0.2 2.12", "descriptor_that_is_no_port_is_ebadfd")
{
	int fd[2];
	(void)new_port();
	expect_all_calls_fail(new_file(), EBADFD);
	expect_all_calls_fail(new_directory(), EBADFD);
	new_pipe(fd);
	expect_all_calls_fail(fd[0], EBADFD);
	expect_all_calls_fail(fd[1], EBADFD);
	new_socketpair(fd);
	expect_all_calls_fail(fd[0], EBADFD);
}

#if defined(__linux__)
CASE("2.0.2 14.6.3", "epoll_and_eventfd_are_no_ports")
{
	(void)new_port();
	expect_all_calls_fail(track(epoll_create1(0)), EBADFD);
	expect_all_calls_fail(track(eventfd(0, 0)), EBADFD);
	expect_all_calls_fail(track(open("/tmp", O_PATH)), EBADFD);
}
#endif

CASE("2.0.2 2.12", "port_checks_come_before_the_other_arguments")
{
	int file = new_file(), gone = closed_fd();
	unsigned int n = 5;
	port_event_t list[4];
	FAILS(port_associate(gone, 99, 0, 0, NULL), EBADF);
	FAILS(port_associate(file, 99, 0, 0, NULL), EBADFD);
	FAILS(port_associate(gone, PORT_SOURCE_FD, (uintptr_t)gone, 0, NULL), EBADF);
	FAILS(port_dissociate(gone, 99, 0), EBADF);
	FAILS(port_dissociate(file, 99, 0), EBADFD);
	FAILS(port_dissociate(gone, PORT_SOURCE_FD, UINTPTR_MAX), EBADF);
	FAILS(port_get(gone, NULL, BAD_TIMEOUT), EBADF);
	FAILS(port_get(file, NULL, BAD_TIMEOUT), EBADFD);
	FAILS(port_getn(gone, list, 4, &n, BAD_TIMEOUT), EBADF);
	FAILS(port_getn(file, list, 4, &n, BAD_TIMEOUT), EBADFD);
	FAILS(port_getn(gone, NULL, 0, &n, NULL), EBADF);
	FAILS(port_getn(file, NULL, 0, &n, NULL), EBADFD);
	n = 0;
	FAILS(port_getn(gone, list, 4, &n, NULL), EBADF);
	FAILS(port_getn(file, NULL, 4, &n, NULL), EBADFD);
	FAILS(port_alert(gone, 3, 1, NULL), EBADF);
	FAILS(port_alert(file, 3, 1, NULL), EBADFD);
	FAILS(port_alert(file, 0, 0, NULL), EBADFD);
	FAILS(port_alert(gone, 0, 0, NULL), EBADF);
}

CASE("2.0.3 2.12 6.10", "unknown_sources_are_einval")
{
	static const int sources[] = { 0, PORT_SOURCE_USER, PORT_SOURCE_TIMER,
		PORT_SOURCE_AIO, PORT_SOURCE_MQ, PORT_SOURCE_ALERT, 8, 255, 256,
		-1, INT_MAX, INT_MIN, 0x10000 | PORT_SOURCE_FD };
	int port = new_port(), fd[2];
	size_t i;
	new_pipe(fd);
	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		FAILS(port_associate(port, sources[i], (uintptr_t)fd[0], POLLIN, NULL),
		    EINVAL);
		FAILS(port_dissociate(port, sources[i], (uintptr_t)fd[0]), EINVAL);
		/* the source is looked at before the object */
		FAILS(port_associate(port, sources[i], UINTPTR_MAX, 0, NULL), EINVAL);
		FAILS(port_dissociate(port, sources[i], UINTPTR_MAX), EINVAL);
	}
	SLOTS(port, 0);
	EMPTY(port);
}

static void *make_port(void *arg)
{
	*(int *)arg = port_create();
	return NULL;
}

static void *use_port(void *arg)
{
	int port = *(int *)arg, fd[2];
	port_event_t pe;
	OK(pipe(fd));
	write_byte(fd[1]);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(9)));
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(9));
	OK(port_send(port, 4, USER(5)));
	(void)track(fd[0]);
	(void)track(fd[1]);
	return NULL;
}

CASE("2.0.4", "any_thread_uses_a_port_another_made")
{
	pthread_t thread;
	int port;
	port_event_t pe;
	EQ(pthread_create(&thread, NULL, make_port, &port), 0);
	EQ(pthread_join(thread, NULL), 0);
	(void)track_port(port);
	EQ(pthread_create(&thread, NULL, use_port, &port), 0);
	EQ(pthread_join(thread, NULL), 0);
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_USER, 0, 4, USER(5));
}

CASE_COLD("2.0.5", "a_call_that_succeeds_leaves_errno_alone")
{
	int port, fd[2], copy;
	unsigned int n = 1;
	port_event_t pe;
	port_notify_t notify;
	struct sigevent event;
	timer_t timer;
	new_pipe(fd);
	QUIET(port = new_port());
	QUIET(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL));
	QUIET(port_getn(port, &pe, 1, &n, NOWAIT));
	write_byte(fd[1]);
	QUIET(port_get(port, &pe, NULL));
	QUIET(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL));
	QUIET(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[0]));
	QUIET(port_send(port, 1, NULL));
	QUIET(port_get(port, &pe, NULL));
	QUIET(port_alert(port, PORT_ALERT_SET, 1, NULL));
	QUIET(port_get(port, &pe, NULL));
	QUIET(port_alert(port, PORT_ALERT_SET, 0, NULL));
	event = to_port(&notify, port, NULL);
	QUIET(timer_create(CLOCK_MONOTONIC, &event, &timer));
	QUIET(timer_settime(timer, 0, (&(struct itimerspec){ { 0, 0 }, { 0, 1000000 } }), NULL));
	QUIET(port_get(port, &pe, NULL));
	QUIET(timer_delete(timer));
	QUIET(copy = dup(port));
	QUIET(port_send(copy, 1, NULL));
	QUIET(close(copy));
	QUIET(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLOUT, NULL));
	QUIET(copy = dup(fd[0]));
	QUIET(port_associate(port, PORT_SOURCE_FD, (uintptr_t)copy, 0, NULL));
	QUIET(dup2(fd[0], copy));
	QUIET(close(copy));
}
