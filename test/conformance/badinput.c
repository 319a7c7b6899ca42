/*
 * Bad input as a whole: the right errno, nothing changed, nothing lost, no
 * descriptor and no slot leaked. Counted before and after.
 */
#include "harness.h"

#include <sys/resource.h>

struct before {
	int port;
	int fds;
	int slots;
	int queued;
};

static struct before note(int port)
{
	struct before b = { port, open_fds(), slots(port), queued(port) };
	return b;
}

static void unchanged(const struct before *b)
{
	EQ(open_fds(), b->fds);
	if (b->slots >= 0)
		EQ(slots(b->port), b->slots);
	EQ(queued(b->port), b->queued);
}

/* A port with something of everything in it. */
static int busy_port(int fd[2])
{
	int port = new_port();
	new_pipe(fd);
	send_range(port, 1, 2);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(3)));
	return port;
}

static void drain_busy_port(int port, int fd[2])
{
	port_event_t list[8];
	write_byte(fd[1]);
	EQ(queued(port), 3);
	EQ(take_all(port, list, 8), 3);
	EVENT(&list[0], PORT_SOURCE_USER, 0, 1, USER(1));
	EVENT(&list[1], PORT_SOURCE_USER, 0, 2, USER(2));
	EVENT(&list[2], PORT_SOURCE_FD, fd[0], POLLIN, USER(3));
}

CASE("2.0.1 2.12", "bad_descriptors_change_nothing")
{
	static const int numbers[] = { -1, -1000, INT_MIN, INT_MAX, 1 << 30 };
	int fd[2], port = busy_port(fd), i;
	struct before b = note(port);
	for (i = 0; i < 5; i++) {
		unsigned int n = 1;
		port_event_t pe;
		int error = 0;
		FAILS(port_associate(numbers[i], PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN,
			  NULL), EBADF);
		FAILS(port_associate(port, PORT_SOURCE_FD, (uintptr_t)numbers[i], POLLIN,
			  NULL), EBADFD);
		FAILS(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)numbers[i]), EBADFD);
		FAILS(port_send(numbers[i], 1, NULL), EBADF);
		FAILS(port_get(numbers[i], &pe, NULL), EBADF);
		FAILS(port_getn(numbers[i], &pe, 1, &n, NULL), EBADF);
		FAILS(port_alert(numbers[i], 1, 1, NULL), EBADF);
		EQ(port_sendn((int[]){ numbers[i] }, &error, 1, 1, NULL), 0);
		EQ(error, EBADF);
		unchanged(&b);
	}
	drain_busy_port(port, fd);
}

CASE("2.5.2 2.5.7 2.5.11", "bad_lists_counts_and_timeouts_change_nothing")
{
	int fd[2], port = busy_port(fd);
	struct before b = note(port);
	port_event_t list[8];
	unsigned int n = 8;
	FAILS(port_getn(port, NULL, 8, &n, NOWAIT), EFAULT);
	FAILS(port_getn(port, list, 8, NULL, NOWAIT), EINVAL);
	FAILS(port_getn(port, list, 7, &n, NOWAIT), EINVAL);
	FAILS(port_getn(port, list, 8, &n, TS(-1, 0)), EINVAL);
	FAILS(port_getn(port, list, 8, &n, TS(0, -1)), EINVAL);
	FAILS(port_getn(port, list, 8, &n, BAD_TIMEOUT), EINVAL);
	FAILS(port_get(port, NULL, NOWAIT), EFAULT);
	EQ(n, 8);
	unchanged(&b);
	drain_busy_port(port, fd);
}

CASE("2.0.3 2.2.7 2.8.2", "bad_sources_masks_and_flags_change_nothing")
{
	int fd[2], port = busy_port(fd), source;
	struct before b = note(port);
	for (source = -3; source < 12; source++) {
		if (source == PORT_SOURCE_FD || source == PORT_SOURCE_FILE)
			continue;
		FAILS(port_associate(port, source, (uintptr_t)fd[0], -1, NULL), EINVAL);
		FAILS(port_dissociate(port, source, (uintptr_t)fd[0]), EINVAL);
	}
	FAILS(port_alert(port, PORT_ALERT_INVALID, -1, NULL), EINVAL);
	FAILS(port_alert(port, -1, 1, NULL), EINVAL);
	unchanged(&b);
	drain_busy_port(port, fd);
}

CASE("12.4 2.12", "one_more_than_a_low_limit_changes_nothing")
{
	int port = new_port_limit(2), fd[2][2], i;
	struct before b;
	new_pipe(fd[0]);
	new_pipe(fd[1]);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0][0], POLLIN, USER(1)));
	send_range(port, 1, 1);
	b = note(port);
	for (i = 0; i < 100; i++) {
		FAILS(port_send(port, 1, NULL), EAGAIN);
		FAILS(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[1][0], POLLIN, NULL),
		    EAGAIN);
	}
	unchanged(&b);
	write_byte(fd[1][1]);
	write_byte(fd[0][1]);
	EQ(queued(port), 2);
	EQ(take(port).portev_source, PORT_SOURCE_USER);
	EQ(take(port).portev_user, USER(1));
	EMPTY(port);
}

/* Waiters take no slot: more of them than the port holds events. */
CASE("3.10 12.2", "more_waiters_than_the_limit_of_events")
{
	enum { WAITERS = 12 };
	int port = new_port_limit(2), i;
	struct waiter w[WAITERS];
	struct before b = note(port);
	for (i = 0; i < WAITERS; i++)
		waiter_start(&w[i], port, 3, NULL, i + 1); /* more than can ever be */
	SLOTS(port, 0);
	send_range(port, 1, 2);
	FAILS(port_send(port, 3, NULL), EAGAIN);
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	for (i = 0; i < WAITERS; i++) {
		waiter_join(&w[i]);
		OK(w[i].result);
		EQ(w[i].list[0].portev_source, PORT_SOURCE_ALERT);
	}
	OK(port_alert(port, 0, 0, NULL));
	(void)take(port);
	(void)take(port);
	unchanged(&b);
}

CASE("3.10 2.11.4", "hundreds_of_waiters_at_one_port")
{
	enum { WAITERS = 300 };
	static struct waiter w[WAITERS];
	int port = new_port(), i;
	for (i = 0; i < WAITERS; i++)
		waiter_start(&w[i], port, 1, NULL, i + 1);
	close_port(port);
	for (i = 0; i < WAITERS; i++) {
		waiter_join(&w[i]);
		EQ(w[i].error, EBADF);
	}
}

CASE("2.11.4 12.3", "a_port_closed_under_a_waiter_leaks_nothing")
{
	int other = new_port(), i, fds = open_fds();
	for (i = 0; i < 50; i++) {
		int port = new_port();
		struct waiter w;
		send_range(port, 1, 1);
		waiter_start(&w, port, 2, NULL, 1);
		close_port(port);
		waiter_join(&w);
		EQ(w.error, EBADF);
		EQ(open_fds(), fds);
	}
	EMPTY(other);
}

/* With no descriptor left the other calls still work or say so. */
CASE("2.1.2 2.12", "a_full_descriptor_table_loses_nothing")
{
	int fd[2], port = busy_port(fd), again, full = 0;
	struct rlimit limit;
	rlim_t old;
	struct before b = note(port);
	OK(getrlimit(RLIMIT_NOFILE, &limit));
	old = limit.rlim_cur;
	limit.rlim_cur = (rlim_t)closed_fd();
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	while (full < 3) {
		FAILS(port_create(), EMFILE);
		full++;
	}
	send_range(port, 3, 3);
	EQ(take(port).portev_events, 1);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(4)));
	OK(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[0]));
	limit.rlim_cur = old;
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	EQ(open_fds(), b.fds);
	again = new_port();
	close_port(again);
	EQ(take(port).portev_events, 2);
	EQ(take(port).portev_events, 3);
	EMPTY(port);
}
