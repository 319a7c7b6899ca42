/* 2.5 port_getn with nobody else at the port. */
#include "harness.h"

enum { ROOM = 8 };

static void fill_list(port_event_t *list)
{
	memset(list, 0x5a, ROOM * sizeof(*list));
}

static void list_untouched(const port_event_t *list, int from)
{
	port_event_t want[ROOM];
	fill_list(want);
	EQ(memcmp(list + from, want + from, (ROOM - (size_t)from) * sizeof(*list)), 0);
}

CASE("2.5.1 2.12", "null_nget_is_einval_even_on_a_bad_port")
{
	port_event_t list[ROOM];
	FAILS(port_getn(new_port(), list, ROOM, NULL, NULL), EINVAL);
	FAILS(port_getn(closed_fd(), list, ROOM, NULL, NULL), EINVAL);
	FAILS(port_getn(new_file(), NULL, 0, NULL, BAD_TIMEOUT), EINVAL);
}

CASE("2.5.2 2.12", "nget_over_max_is_einval")
{
	int port = new_port();
	port_event_t list[ROOM];
	unsigned int n = 3;
	send_range(port, 1, 5);
	fill_list(list);
	FAILS(port_getn(port, list, 2, &n, NOWAIT), EINVAL);
	EQ(n, 3);
	FAILS(port_getn(port, NULL, 2, &n, BAD_TIMEOUT), EINVAL); /* (c) before (e) */
	n = UINT_MAX;
	FAILS(port_getn(port, list, UINT_MAX - 1, &n, NULL), EINVAL);
	EQ(n, UINT_MAX);
	n = 3;
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	FAILS(port_getn(port, list, 2, &n, NULL), EINVAL); /* (c) before (h) */
	list_untouched(list, 0);
	EQ(queued(port), 5);
}

CASE("2.5.2 2.5.3", "max_zero_counts_and_looks_at_nothing_else")
{
	int port = new_port();
	unsigned int n;
	port_event_t list[ROOM];
	fill_list(list);
	for (n = 77; n != 0; n = 0) {
		OK(port_getn(port, NULL, 0, &n, BAD_TIMEOUT));
		EQ(n, 0);
	}
	send_range(port, 1, 3);
	n = 77;
	OK(port_getn(port, list, 0, &n, BAD_TIMEOUT));
	EQ(n, 3);
	n = 0;
	OK(port_getn(port, NULL, 0, &n, NULL));
	EQ(n, 3);
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	n = UINT_MAX;
	OK(port_getn(port, NULL, 0, &n, NULL));
	EQ(n, 3);
	list_untouched(list, 0);
}

CASE("2.5.3 4.4 4.5", "count_includes_ready_fds_and_not_cached_ones")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL));
	EQ(queued(port), 0);
	write_byte(fd[1]);
	EQ(queued(port), 1);
	(void)take(port);
	EQ(queued(port), 0);
}

CASE("2.5.2 2.12 13.3 14.6.10", "null_list_is_efault")
{
	int port = new_port();
	unsigned int n = 1;
	FAILS(port_getn(port, NULL, 1, &n, NULL), EFAULT);
	EQ(n, 1);
	n = 0;
	FAILS(port_getn(port, NULL, 4, &n, BAD_TIMEOUT), EFAULT); /* (e) before (f) */
	send_range(port, 1, 2);
	n = 2;
	FAILS(port_getn(port, NULL, 4, &n, BAD_TIMEOUT), EFAULT);
	EQ(n, 2);
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	FAILS(port_getn(port, NULL, 4, &n, NULL), EFAULT); /* (e) before (h) */
	EQ(queued(port), 2);
}

CASE("2.5.2 2.5.4 15.20", "nget_zero_retrieves_nothing_even_in_alert_mode")
{
	int port = new_port();
	port_event_t list[ROOM];
	unsigned int n = 0;
	fill_list(list);
	OK(port_getn(port, list, ROOM, &n, NULL)); /* does not wait */
	EQ(n, 0);
	send_range(port, 1, 3);
	OK(port_getn(port, list, ROOM, &n, BAD_TIMEOUT));
	EQ(n, 0);
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	OK(port_getn(port, list, ROOM, &n, BAD_TIMEOUT));
	EQ(n, 0);
	list_untouched(list, 0);
	EQ(queued(port), 3);
}

CASE("2.5.5 3.16 15.20", "alert_comes_alone_whatever_nget_and_timeout")
{
	int port = new_port();
	port_event_t list[ROOM];
	unsigned int n = 5;
	send_range(port, 1, 6);
	OK(port_alert(port, PORT_ALERT_SET, 9, USER(8)));
	fill_list(list);
	OK(port_getn(port, list, ROOM, &n, BAD_TIMEOUT));
	EQ(n, 1);
	EVENT(&list[0], PORT_SOURCE_ALERT, 0, 9, USER(8));
	list_untouched(list, 1);
	n = ROOM;
	OK(port_getn(port, list, ROOM, &n, NULL));
	EQ(n, 1);
	EQ(queued(port), 6);
}

CASE("2.5.6 15.7", "more_than_nget_when_more_are_there")
{
	int port = new_port(), i;
	port_event_t list[ROOM];
	unsigned int n = 3;
	send_range(port, 1, 6);
	fill_list(list);
	OK(port_getn(port, list, 4, &n, NULL));
	EQ(n, 4);
	for (i = 0; i < 4; i++)
		EVENT(&list[i], PORT_SOURCE_USER, 0, i + 1, USER(i + 1));
	list_untouched(list, 4);
	n = 1;
	OK(port_getn(port, list, ROOM, &n, NULL));
	EQ(n, 2);
	EVENT(&list[0], PORT_SOURCE_USER, 0, 5, USER(5));
	EMPTY(port);
}

CASE("2.5.6 15.21", "an_invalid_timeout_goes_unnoticed_when_enough_are_there")
{
	int port = new_port();
	port_event_t list[ROOM];
	unsigned int n = 2;
	send_range(port, 1, 2);
	OK(port_getn(port, list, ROOM, &n, BAD_TIMEOUT));
	EQ(n, 2);
}

CASE("2.5.7 2.5.11 2.12 13.2", "bad_timeouts_are_einval_and_nothing_is_taken")
{
	static const struct timespec bad[] = { { -1, 0 }, { 0, -1 }, { 0, 1000000000L },
		{ 1, 1000000000L }, { -1, 999999999L }, { 1, -1 }, { 0, LONG_MAX },
		{ 0, LONG_MIN } };
	int port = new_port();
	size_t i;
	send_range(port, 1, 2);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct timespec timeout = bad[i];
		port_event_t list[ROOM];
		unsigned int n = 3;
		fill_list(list);
		FAILS(port_getn(port, list, ROOM, &n, &timeout), EINVAL);
		EQ(n, 3);
		list_untouched(list, 0);
		EQ(queued(port), 2);
	}
}

CASE("2.5.8 15.9", "zero_timeout_takes_what_is_there_and_is_never_etime")
{
	int port = new_port();
	port_event_t list[ROOM];
	unsigned int n = 3;
	fill_list(list);
	OK(port_getn(port, list, ROOM, &n, NOWAIT));
	EQ(n, 0);
	list_untouched(list, 0);
	send_range(port, 1, 2);
	n = 5;
	OK(port_getn(port, list, ROOM, &n, NOWAIT));
	EQ(n, 2);
	EVENT(&list[1], PORT_SOURCE_USER, 0, 2, USER(2));
	list_untouched(list, 2);
	EMPTY(port);
}

CASE("2.5.9 13.5 15.2", "etime_stores_what_is_there")
{
	int port = new_port();
	port_event_t list[ROOM];
	unsigned int n = 3;
	double start = monotonic();
	send_range(port, 1, 2);
	fill_list(list);
	FAILS(port_getn(port, list, ROOM, &n, MS(20)), ETIME);
	TRUE(monotonic() - start >= 0.02);
	EQ(n, 2);
	EVENT(&list[0], PORT_SOURCE_USER, 0, 1, USER(1));
	EVENT(&list[1], PORT_SOURCE_USER, 0, 2, USER(2));
	list_untouched(list, 2);
	EMPTY(port);
}

CASE("2.5.9 2.5.12", "etime_with_nothing_there_sets_nget_to_zero")
{
	int port = new_port();
	port_event_t list[ROOM];
	unsigned int n = 3;
	fill_list(list);
	FAILS(port_getn(port, list, ROOM, &n, MS(1)), ETIME);
	EQ(n, 0);
	list_untouched(list, 0);
	n = 1;
	FAILS(port_getn(port, list, 1, &n, TS(0, 1)), ETIME);
	EQ(n, 0);
}

CASE("2.5.9 4.5", "etime_stores_ready_descriptors_too")
{
	int port = new_port(), fd[2];
	port_event_t list[ROOM];
	unsigned int n = 4;
	new_pipe(fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(3)));
	send_range(port, 1, 1);
	write_byte(fd[1]);
	FAILS(port_getn(port, list, ROOM, &n, MS(5)), ETIME);
	EQ(n, 2);
	EMPTY(port);
}

CASE("2.5.11 13.4 15.8", "errors_leave_nget_and_list_alone")
{
	int port = new_port();
	port_event_t list[ROOM];
	unsigned int n = 3;
	fill_list(list);
	FAILS(port_getn(closed_fd(), list, ROOM, &n, NULL), EBADF);
	FAILS(port_getn(new_file(), list, ROOM, &n, NULL), EBADFD);
	FAILS(port_getn(port, NULL, ROOM, &n, NULL), EFAULT);
	FAILS(port_getn(port, list, 2, &n, NULL), EINVAL);
	FAILS(port_getn(port, list, ROOM, &n, BAD_TIMEOUT), EINVAL);
	EQ(n, 3);
	list_untouched(list, 0);
}

CASE("2.5.14", "max_has_no_upper_bound")
{
	enum { MANY = 20000 };
	int port = new_port(), i;
	port_event_t *list = calloc(MANY, sizeof(*list));
	unsigned int n;
	TRUE(list != NULL);
	send_range(port, 1, MANY);
	n = MANY;
	OK(port_getn(port, list, MANY, &n, NOWAIT));
	EQ(n, MANY);
	for (i = 0; i < MANY; i++)
		EVENT(&list[i], PORT_SOURCE_USER, 0, i + 1, USER(i + 1));
	send_range(port, 1, 3);
	n = 1;
	OK(port_getn(port, list, UINT_MAX, &n, NOWAIT));
	EQ(n, 3);
	send_range(port, 1, 3);
	n = 3;
	OK(port_getn(port, list, 0x80000001U, &n, NULL));
	EQ(n, 3);
	n = UINT_MAX;
	OK(port_getn(port, list, UINT_MAX, &n, NOWAIT));
	EQ(n, 0);
	for (i = 0; i < 2; i++) {
		int fd[2];
		new_pipe(fd);
		OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[1], POLLOUT, NULL));
	}
	n = 2;
	OK(port_getn(port, list, UINT_MAX - 0xffff, &n, NULL)); /* the limit more would be 0 */
	EQ(n, 2);
	free(list);
}

CASE("2.5.7 2.4.2", "null_timeout_waits_until_enough_are_there")
{
	int port = new_port();
	struct waiter w;
	waiter_start(&w, port, 3, NULL, 1);
	send_range(port, 1, 2);
	EQ(waiter_done(&w), 0);
	send_range(port, 3, 3);
	waiter_join(&w);
	OK(w.result);
	EQ(w.nget, 3);
	EVENT(&w.list[2], PORT_SOURCE_USER, 0, 3, USER(3));
	EMPTY(port);
}

struct trickle {
	int port;
	int stop;
};

static void *trickle_main(void *arg)
{
	struct trickle *t = arg;
	while (!__atomic_load_n(&t->stop, __ATOMIC_ACQUIRE)) {
		OK(port_send(t->port, 1, NULL));
		tick();
	}
	return NULL;
}

/* Were the deadline set anew whenever something arrives, this would not end. */
CASE("2.5.16", "the_deadline_is_fixed_once_per_call")
{
	enum { MANY = 60000 };
	struct trickle t = { .port = new_port_limit(70000) };
	port_event_t *list = calloc(MANY, sizeof(*list));
	unsigned int n = MANY;
	double start = monotonic();
	pthread_t thread;
	TRUE(list != NULL);
	EQ(pthread_create(&thread, NULL, trickle_main, &t), 0);
	FAILS(port_getn(t.port, list, MANY, &n, MS(100)), ETIME);
	TRUE(monotonic() - start >= 0.1);
	TRUE(n > 0 && n < MANY);
	__atomic_store_n(&t.stop, 1, __ATOMIC_RELEASE);
	EQ(pthread_join(thread, NULL), 0);
	free(list);
}
