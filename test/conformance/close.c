/* 2.11: close of a port, as far as one process can show it. */
#include "harness.h"

#include "calls.h"
#if defined(__linux__)
#include <sys/syscall.h>
#include <sys/wait.h>
#endif

CASE("2.11.3 15.4", "every_call_after_close_is_ebadf")
{
	int port = new_port();
	send_range(port, 1, 3);
	close_port(port);
	expect_all_calls_fail(port, EBADF);
}

CASE("2.11.3", "the_number_of_a_closed_port_may_be_another_file")
{
	int port = new_port(), fd[2];
	close_port(port);
	new_pipe(fd);
	EQ(fd[0], port);
	expect_all_calls_fail(port, EBADFD);
}

CASE("2.11.3 12.3", "the_last_close_drops_everything")
{
	int port = new_port(), again, fd[2];
	new_pipe(fd);
	send_range(port, 1, 3);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(1)));
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	close_port(port);
	again = new_port();
	EQ(again, port);
	write_byte(fd[1]);
	EMPTY(again);
	SLOTS(again, 0);
	FAILS(port_dissociate(again, PORT_SOURCE_FD, (uintptr_t)fd[0]), ENOENT);
}

CASE("2.11.3", "a_thousand_ports_come_and_go")
{
	int i, fd[2];
	new_pipe(fd);
	write_byte(fd[1]);
	for (i = 0; i < 1000; i++) {
		int port = new_port();
		OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL));
		send_range(port, 1, 2);
		EQ(queued(port), 3);
		close_port(port);
	}
}

/* A port, its dup, an armed and a queued association and a user event; then
 * the dup is closed. */
static int close_one_of_two(int armed[2], int ready[2])
{
	int port = new_port(), copy;
	new_pipe(armed);
	new_pipe(ready);
	copy = track_port(dup(port));
	write_byte(ready[1]);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)armed[0], POLLIN, USER(1)));
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)ready[0], POLLIN, USER(2)));
	send_range(port, 3, 3);
	EQ(queued(port), 2);
	close_port(copy);
	return port;
}

CASE("2.11.1 2.11.2 13.22 3.4", "closing_a_dup_disarms_everything_strict_profile")
{
	int armed[2], ready[2], port;
	use_profile("strict");
	port = close_one_of_two(armed, ready);
	EQ(queued(port), 1); /* user events stay */
	SLOTS(port, 1);
	EQ(take(port).portev_source, PORT_SOURCE_USER);
	write_byte(armed[1]);
	EMPTY(port);
	FAILS(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)armed[0]), ENOENT);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)armed[0], POLLIN, USER(4)));
	EQ(take(port).portev_object, (uintptr_t)armed[0]);
}

CASE("2.11.2 3.1 4.5", "associated_after_a_dup_was_closed_it_stands_behind_what_was_ready_strict_profile")
{
	int port, again[2], other[2];
	use_profile("strict");
	port = new_port();
	new_pipe(again);
	new_pipe(other);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)again[0], POLLIN, USER(1)));
	write_byte(again[1]);
	write_byte(other[1]);
	OK(close(dup(port)));
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)other[0], POLLIN, USER(2)));
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)again[0], POLLIN, USER(3)));
	EQ(take(port).portev_user, USER(2));
	EQ(take(port).portev_user, USER(3));
}

CASE("2.11.2 13.22", "closing_a_dup_disarms_nothing_default_profile")
{
	int armed[2], ready[2], port;
	port_event_t pe;
	use_profile("default");
	port = close_one_of_two(armed, ready);
	EQ(queued(port), 2);
	SLOTS(port, 3);
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, ready[0], POLLIN, USER(2));
	EQ(take(port).portev_source, PORT_SOURCE_USER);
	write_byte(armed[1]);
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, armed[0], POLLIN, USER(1));
}

static void closed_under(struct waiter *w)
{
	waiter_join(w);
	EQ(w->result, -1);
	EQ(w->error, EBADF);
	EQ(w->nget, w->want); /* unchanged */
}

CASE("2.11.4 13.7", "close_wakes_a_blocked_thread_with_ebadf")
{
	int port = new_port();
	struct waiter w;
	waiter_start(&w, port, 1, NULL, 1);
	close_port(port);
	closed_under(&w);
}

CASE("2.11.4", "close_wakes_all_threads_whatever_they_wait_for")
{
	int port = new_port(), fd[2], i;
	struct waiter w[4];
	new_pipe(fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL));
	send_range(port, 1, 1);
	waiter_start(&w[0], port, 5, NULL, 1);
	waiter_start(&w[1], port, 2, NULL, 2);
	waiter_start(&w[2], port, 3, TS(1000000, 0), 3);
	waiter_start(&w[3], port, 2, TS(1000000, 0), 4);
	close_port(port);
	for (i = 0; i < 4; i++)
		closed_under(&w[i]);
}

CASE("2.11.4", "a_thread_woken_by_close_does_not_see_the_next_port")
{
	int round;
	for (round = 0; round < 200; round++) {
		int port = new_port(), again;
		struct waiter w;
		waiter_start(&w, port, 1, NULL, 1);
		close_port(port);
		again = new_port();
		EQ(again, port);
		send_range(again, 1, 1);
		closed_under(&w);
		EQ(queued(again), 1);
		close_port(again);
	}
}

CASE("2.11.5", "close_of_another_descriptor_wakes_nobody")
{
	int port = new_port(), copy = track_port(dup(port));
	struct waiter w;
	waiter_start(&w, port, 1, NULL, 1);
	close_port(copy);
	await_waiters(port, 1);
	EQ(waiter_done(&w), 0);
	send_range(port, 1, 1);
	waiter_join(&w);
	OK(w.result);
	EVENT(&w.list[0], PORT_SOURCE_USER, 0, 1, USER(1));
}

CASE("2.11.4 2.11.5", "only_threads_on_the_closed_number_wake")
{
	int port = new_port(), copy = track_port(dup(port));
	struct waiter on_port, on_copy;
	waiter_start(&on_port, port, 1, NULL, 1);
	waiter_start(&on_copy, copy, 1, NULL, 2);
	close_port(copy);
	closed_under(&on_copy);
	await_waiters(port, 1);
	EQ(waiter_done(&on_port), 0);
	send_range(port, 1, 1);
	waiter_join(&on_port);
	OK(on_port.result);
}

CASE("2.11.4", "dup2_onto_the_port_wakes_a_blocked_thread")
{
	int port = new_port(), fd[2];
	struct waiter w;
	new_pipe(fd);
	waiter_start(&w, port, 1, NULL, 1);
	EQ(dup2(fd[0], port), port);
	untrack(port);
	(void)track(port);
	closed_under(&w);
	expect_all_calls_fail(port, EBADFD);
}

CASE("2.11.3 2.10.6", "dup2_of_a_port_onto_a_port_closes_that_one")
{
	int gone = new_port(), stays = new_port();
	send_range(gone, 1, 1);
	send_range(stays, 2, 2);
	EQ(dup2(stays, gone), gone);
	EQ(queued(gone), 1);
	EQ(take(gone).portev_events, 2);
	EMPTY(stays);
}

#if defined(__linux__)
/* The dup is in no call before. */
CASE("2.11.1 2.11.2", "a_dup_closed_within_a_range_disarms_strict_profile")
{
	int port, dup, fd[2], all;
	use_profile("strict");
	for (all = 0; all <= 1; all++) {
		port = new_port();
		new_pipe(fd);
		write_byte(fd[1]);
		OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL));
		OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
		EQ(dup = fcntl(port, F_DUPFD, 200), 200);
		if (all)
			closefrom(dup);
		else
			OK(close_range((unsigned int)dup, (unsigned int)dup, 0));
		EMPTY(port);
		SLOTS(port, 0);
		FAILS(port_send(dup, 1, NULL), EBADF);
		OK(port_send(port, 1, NULL));
		EQ(take(port).portev_source, PORT_SOURCE_USER);
	}
}

CASE("2.11.3 2.11.4", "close_range_and_closefrom_close_ports")
{
	int port = new_port();
	struct waiter w;
	port_event_t pe;
	waiter_start(&w, port, 1, NULL, 1);
	untrack(port);
	OK(close_range((unsigned int)port, (unsigned int)port, 0));
	closed_under(&w);
	expect_all_calls_fail(port, EBADF);
	port = new_port();
	untrack(port);
	closefrom(port);
	FAILS(port_get(port, &pe, NULL), EBADF);
	/* also what a port kept inside is gone: the library must cope */
	port = new_port();
	send_range(port, 1, 1);
	EQ(take(port).portev_events, 1);
}

/* By a container's profile that is older than the call, or a kernel that is. */
static void a_refused_range(int error)
{
	int port = new_port(), fd[2];
	port_event_t pe;
	new_pipe(fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(1)));
	deny(SYS_close_range, error);
	FAILS(close_range((unsigned int)fd[0], ~0u, 0), error);
	write_byte(fd[1]);
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(1));
	send_range(port, 1, 1);
	EQ(take(port).portev_events, 1);
}

/* As a library does that starts programs. */
CASE("2.10.7 2.11.6", "close_range_in_a_child_by_vfork_leaves_nothing_to_its_program")
{
	int port = new_port(), status;
	pid_t child;
	send_range(port, 1, 1);
	child = vfork();
	if (child == 0) {
		int fd, left = 0;
		(void)close_range(STDERR_FILENO + 1, ~0u, 0);
		for (fd = STDERR_FILENO + 1; fd < 4096; fd++)
			left += fcntl(fd, F_GETFD) == 0;
		_exit(left);
	}
	EQ(waitpid(child, &status, 0), child);
	EQ(status, 0);
	EQ(take(port).portev_user, USER(1));
}

CASE("2.11.3 4.13", "a_range_that_is_refused_closes_nothing_eperm")
{
	a_refused_range(EPERM);
}

CASE("2.11.3 4.13", "a_range_that_is_refused_closes_nothing_enosys")
{
	a_refused_range(ENOSYS);
}

CASE("2.11.3", "closefrom_closes_all_where_ranges_are_refused")
{
	int port, fd[2];
	deny(SYS_close_range, EPERM);
	port = new_port();
	new_pipe(fd);
	EQ(fcntl(port, F_DUPFD, 300), 300);
	untrack(port);
	untrack(fd[0]);
	untrack(fd[1]);
	closefrom(port < fd[0] ? port : fd[0]);
	expect_all_calls_fail(port, EBADF);
	FAILS(fcntl(300, F_GETFD), EBADF);
	FAILS(fcntl(fd[0], F_GETFD), EBADF);
	FAILS(fcntl(fd[1], F_GETFD), EBADF);
}
#endif

struct user {
	int port;
	int verb;
};

static void *use_until_closed(void *arg)
{
	struct user *u = arg;
	for (;;) {
		port_event_t list[4];
		unsigned int n = 1;
		int result = 0;
		errno = 0;
		switch (u->verb) {
		case 0: result = port_getn(u->port, list, 4, &n, NULL); break;
		case 1: result = port_send(u->port, 1, NULL); break;
		case 2: result = port_associate(u->port, PORT_SOURCE_FD,
			STDERR_FILENO, 0, NULL); break;
		default: result = port_getn(u->port, list, 4, &n, TS(0, 1000)); break;
		}
		if (result == 0 || errno == EAGAIN || errno == ETIME)
			continue;
		/* in the very moment of closing the source says EBADFD (2.5.2 g) */
		TRUE(errno == EBADF || errno == EBADFD);
		return NULL;
	}
}

CASE("2.11.3 2.11.4 2.0.4", "close_in_the_middle_of_everything_is_ebadf")
{
	int round, i;
	for (round = 0; round < 100; round++) {
		struct user users[4];
		pthread_t threads[4];
		int port = new_port_limit(100);
		for (i = 0; i < 4; i++) {
			users[i] = (struct user){ .port = port, .verb = i };
			EQ(pthread_create(&threads[i], NULL, use_until_closed, &users[i]), 0);
		}
		while (queued(port) == 0 && round % 2 == 0)
			tick();
		close_port(port);
		for (i = 0; i < 4; i++)
			EQ(pthread_join(threads[i], NULL), 0);
	}
}
