/* Section 12: what takes a slot, what frees it, and the defaults. */
#include "harness.h"

#include <sys/resource.h>

static void watch(int port, int fd)
{
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd, POLLIN, NULL));
}

#if defined(__linux__)
CASE("12.1 12.7 1.13", "the_default_limit_of_events_is_65536")
{
	int port = new_port();
	port_info_t info = { .pi_size = sizeof(info) };
	OK(port_getinfo(port, &info));
	EQ(info.pi_limit, 65536);
	EQ(info.pi_slots, 0);
	EQ(info.pi_waiters, 0);
	EQ(info.pi_alert, 0);
}

CASE("12.1 12.7", "the_environment_sets_the_limit_of_events")
{
	int port = new_port_limit(7);
	port_info_t info = { .pi_size = sizeof(info) };
	OK(port_getinfo(port, &info));
	EQ(info.pi_limit, 7);
}

/* The region is committed lazily: the highest limit costs nothing up front. */
CASE("12.1 1.13", "the_highest_limit_is_accepted_or_refused_for_memory")
{
	int port = port_create_limit(0x7fffffff, 0);
	port_info_t info = { .pi_size = sizeof(info) };
	if (port < 0) {
		EQ(errno, ENOMEM);
		return;
	}
	(void)track_port(port);
	OK(port_getinfo(port, &info));
	EQ(info.pi_limit, 0x7fffffff);
	send_range(port, 1, 1);
	EQ(take(port).portev_events, 1);
}

/* As many as 8192, if the descriptor table lets us come that far. */
CASE("12.1 2.1.5", "the_default_limit_of_ports_is_8192")
{
	struct rlimit limit;
	int count = 0, port;
	OK(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	OK(setenv("PORT_MAX_EVENTS", "4", 1));
	while (count <= 8192 && (port = port_create()) >= 0)
		count++;
	TRUE(count <= 8192);
	if (errno != EMFILE) {
		EQ(errno, EAGAIN);
		EQ(count, 8192);
	}
	_exit(0); /* thousands of descriptors go with the process */
}
#endif

CASE("12.2 12.3", "what_takes_a_slot_and_what_frees_it")
{
	int port = new_port(), fd[2], file = new_file();
	new_pipe(fd);
	SLOTS(port, 0);
	watch(port, fd[0]); /* armed */
	SLOTS(port, 1);
	watch(port, file); /* queued */
	SLOTS(port, 2);
	send_range(port, 1, 2);
	SLOTS(port, 4);
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	SLOTS(port, 4);
	OK(port_alert(port, 0, 0, NULL));
	EQ(take(port).portev_source, PORT_SOURCE_FD); /* frees none */
	SLOTS(port, 4);
	(void)take(port);
	SLOTS(port, 3);
	(void)take(port);
	SLOTS(port, 2);
	OK(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[0]));
	SLOTS(port, 1);
	close_fd(file);
	SLOTS(port, 0);
}

CASE("12.4 12.5 15.18", "at_the_limit_every_call_is_eagain_and_changes_nothing")
{
	int port = new_port_limit(2), other = new_port(), fd[2], error[2] = { 9, 9 };
	int both[2];
	both[0] = port;
	both[1] = other;
	new_pipe(fd);
	send_range(port, 1, 2); /* exactly the limit fits */
	FAILS(port_send(port, 3, NULL), EAGAIN);
	FAILS(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL), EAGAIN);
	EQ(port_sendn(both, error, 2, 1, NULL), 1);
	EQ(error[0], EAGAIN);
	EQ(error[1], 0);
	SLOTS(port, 2);
	EQ(queued(port), 2);
	EQ(take(port).portev_events, 1);
	EQ(take(port).portev_events, 2);
	EMPTY(port);
	SLOTS(port, 0);
}

CASE("12.5", "a_limit_of_one")
{
	int port = new_port_limit(1), fd[2], round;
	new_pipe(fd);
	for (round = 0; round < 10; round++) {
		send_range(port, 1, 1);
		FAILS(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL),
		    EAGAIN);
		(void)take(port);
		watch(port, fd[0]);
		FAILS(port_send(port, 1, NULL), EAGAIN);
		OK(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[0]));
	}
	SLOTS(port, 0);
}

CASE("12.5 12.2", "the_whole_default_limit_can_be_used")
{
	int port = new_port(), i;
	static port_event_t list[1000];
	for (i = 0; i < 65536; i++)
		OK(port_send(port, i, NULL));
	FAILS(port_send(port, i, NULL), EAGAIN);
	EQ(queued(port), 65536);
	for (i = 0; i < 65536;) {
		unsigned int n = take_all(port, list, 1000), k;
		TRUE(n > 0);
		for (k = 0; k < n; k++)
			EQ(list[k].portev_events, i++);
	}
	EMPTY(port);
	OK(port_send(port, 1, NULL));
}

CASE("12.3 2.5.9", "retrieval_at_expiry_frees_slots_too")
{
	int port = new_port_limit(2);
	port_event_t list[2];
	unsigned int n = 2;
	send_range(port, 1, 1);
	FAILS(port_getn(port, list, 2, &n, MS(1)), ETIME);
	EQ(n, 1);
	SLOTS(port, 0);
	send_range(port, 1, 2);
}

static void *send_until_full(void *arg)
{
	int sent = 0;
	while (port_send(*(int *)arg, 1, NULL) == 0)
		sent++;
	EQ(errno, EAGAIN);
	return USER(sent);
}

CASE("12.5 2.0.4", "threads_together_get_exactly_the_limit")
{
	int port = new_port_limit(5000), i, total = 0;
	pthread_t threads[4];
	for (i = 0; i < 4; i++)
		EQ(pthread_create(&threads[i], NULL, send_until_full, &port), 0);
	for (i = 0; i < 4; i++) {
		void *sent;
		EQ(pthread_join(threads[i], &sent), 0);
		total += (int)(uintptr_t)sent;
	}
	EQ(total, 5000);
	EQ(queued(port), 5000);
}

CASE("12.6", "no_privilege_is_needed")
{
	int port, fd[2];
	if (geteuid() == 0)
		OK(seteuid(65534));
	port = new_port();
	new_pipe(fd);
	watch(port, fd[0]);
	write_byte(fd[1]);
	send_range(port, 1, 1);
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	OK(port_alert(port, 0, 0, NULL));
	EQ(queued(port), 2);
	(void)take(port);
	(void)take(port);
}

#if defined(__linux__)
/* Linux follows at most 500 paths from a file through a set to another (divergence same-file). */
CASE("12.4 2.2.1", "one_file_under_hundreds_of_numbers")
{
	enum { PATHS = 500 };
	int port = new_port(), fd[2], fds[PATHS + 1], i;
	new_pipe(fd);
	write_byte(fd[1]);
	for (i = 0; i <= PATHS; i++) {
		fds[i] = dup(fd[0]);
		TRUE(fds[i] >= 0);
	}
	for (i = 0; i < PATHS; i++)
		OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fds[i], POLLIN, USER(i)));
	SLOTS(port, PATHS);
	FAILS(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fds[PATHS], POLLIN, NULL), EAGAIN);
	SLOTS(port, PATHS);
	close_fd(fds[0]);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fds[PATHS], POLLIN, USER(PATHS)));
	SLOTS(port, PATHS);
	for (i = 1; i <= PATHS; i++)
		close_fd(fds[i]);
	SLOTS(port, 0);
}
#endif
