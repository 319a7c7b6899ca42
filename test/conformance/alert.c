/* 2.8 port_alert and section 10, no waiters (those: waiters.c). */
#include "harness.h"

static void in_alert(int port, int events, void *user)
{
	port_event_t pe = take(port);
	EVENT(&pe, PORT_SOURCE_ALERT, 0, events, user);
}

CASE("2.8.1 13.16", "events_zero_leaves_alert_mode_whatever_the_flags")
{
	static const int flags[] = { 0, PORT_ALERT_SET, PORT_ALERT_UPDATE,
		PORT_ALERT_INVALID, 4, 7, -1, INT_MIN };
	int port = new_port();
	size_t i;
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		OK(port_alert(port, flags[i], 0, USER(1))); /* not in it */
		OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
		OK(port_alert(port, flags[i], 0, NULL));
		EMPTY(port);
	}
}

CASE("2.8.2 2.12", "set_and_update_at_once_is_einval")
{
	int port = new_port();
	FAILS(port_alert(port, PORT_ALERT_INVALID, 1, NULL), EINVAL);
	FAILS(port_alert(port, 7, 1, NULL), EINVAL);
	FAILS(port_alert(port, -1, 1, NULL), EINVAL);
	EMPTY(port);
	OK(port_alert(port, PORT_ALERT_SET, 5, USER(5)));
	FAILS(port_alert(port, PORT_ALERT_INVALID, 1, NULL), EINVAL);
	in_alert(port, 5, USER(5));
}

CASE("2.8.2 2.12 10.3", "update_while_in_alert_mode_is_ebusy_and_changes_nothing")
{
	int port = new_port();
	OK(port_alert(port, PORT_ALERT_UPDATE, 3, USER(3))); /* not in it: sets */
	in_alert(port, 3, USER(3));
	FAILS(port_alert(port, PORT_ALERT_UPDATE, 4, USER(4)), EBUSY);
	in_alert(port, 3, USER(3));
	OK(port_alert(port, 0, 0, NULL));
	OK(port_alert(port, PORT_ALERT_UPDATE, 4, USER(4)));
	in_alert(port, 4, USER(4));
}

CASE("2.8.2", "every_other_flags_value_sets_or_overwrites")
{
	static const int flags[] = { 0, 1, 4, 5, 6, 8, 0x100, INT_MIN };
	int port = new_port(), i;
	for (i = 0; i < (int)(sizeof(flags) / sizeof(flags[0])); i++) {
		OK(port_alert(port, flags[i], i + 1, USER(i))); /* overwrites */
		in_alert(port, i + 1, USER(i));
	}
	OK(port_alert(port, 0, 0, NULL));
	OK(port_alert(port, 6, 1, NULL)); /* sets */
	in_alert(port, 1, NULL);
}

CASE("2.8.2 10.1", "any_events_value_but_zero")
{
	static const int values[] = { 1, -1, INT_MAX, INT_MIN, POLLHUP };
	int port = new_port();
	size_t i;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		OK(port_alert(port, PORT_ALERT_SET, values[i], (void *)UINTPTR_MAX));
		in_alert(port, values[i], (void *)UINTPTR_MAX);
	}
}

CASE("2.8.3 10.1 12.2", "needs_no_slot_and_is_in_no_count")
{
	int port = new_port_limit(1);
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	SLOTS(port, 0);
	EQ(queued(port), 0);
	send_range(port, 1, 1);
	FAILS(port_send(port, 2, NULL), EAGAIN);
	OK(port_alert(port, PORT_ALERT_SET, 2, NULL)); /* full: no matter */
	OK(port_alert(port, PORT_ALERT_SET, 0, NULL));
	OK(port_alert(port, PORT_ALERT_UPDATE, 3, NULL));
	SLOTS(port, 1);
	EQ(queued(port), 1);
	in_alert(port, 3, NULL);
}

CASE("3.16 10.2", "retrieval_does_not_end_alert_mode")
{
	int port = new_port(), i;
	send_range(port, 1, 2);
	OK(port_alert(port, PORT_ALERT_SET, 1, USER(1)));
	for (i = 0; i < 1000; i++)
		in_alert(port, 1, USER(1));
	EQ(queued(port), 2);
	OK(port_alert(port, PORT_ALERT_SET, 0, NULL));
	EQ(take(port).portev_source, PORT_SOURCE_USER);
}

CASE("3.16", "descriptors_go_on_being_queued_in_alert_mode")
{
	int port = new_port(), fd[2];
	port_event_t pe;
	new_pipe(fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(2)));
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	write_byte(fd[1]);
	in_alert(port, 1, NULL);
	EQ(queued(port), 1);
	OK(port_alert(port, 0, 0, NULL));
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(2));
}

static void *alert_from_thread(void *arg)
{
	OK(port_alert(*(int *)arg, PORT_ALERT_SET, 0, NULL));
	return NULL;
}

CASE("2.8.3", "another_thread_may_clear_it")
{
	int port = new_port();
	pthread_t thread;
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	EQ(pthread_create(&thread, NULL, alert_from_thread, &port), 0);
	EQ(pthread_join(thread, NULL), 0);
	EMPTY(port);
}

/* Every close clears what this process set (strict); the last one otherwise. */
static void close_of_a_dup(int *port)
{
	int copy;
	*port = new_port();
	copy = track_port(dup(*port));
	OK(port_alert(*port, PORT_ALERT_SET, 1, USER(1)));
	close_port(copy);
}

CASE("10.2 2.11.1 2.11.2", "closing_a_dup_ends_alert_mode_strict_profile")
{
	int port;
	use_profile("strict");
	close_of_a_dup(&port);
	EMPTY(port);
}

CASE("10.2 2.11.2", "closing_a_dup_keeps_alert_mode_default_profile")
{
	int port;
	use_profile("default");
	close_of_a_dup(&port);
	in_alert(port, 1, USER(1));
}

CASE("10.2 2.11.3", "the_last_close_ends_alert_mode")
{
	int port = new_port(), again;
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	close_port(port);
	again = new_port();
	EQ(again, port);
	EMPTY(again);
}

static int tag;

/* A reader blocked for good, woken by UPDATE; EBUSY counts as success. */
CASE("10.3 15.10 15.13", "netpoll_wakes_its_reader_by_alert")
{
	int port = new_port(), round;
	for (round = 0; round < 100; round++) {
		struct waiter w;
		waiter_start(&w, port, 1, NULL, 1);
		OK(port_alert(port, PORT_ALERT_UPDATE, POLLHUP, &tag));
		FAILS(port_alert(port, PORT_ALERT_UPDATE, POLLHUP, &tag), EBUSY);
		waiter_join(&w);
		OK(w.result);
		EQ(w.nget, 1);
		EVENT(&w.list[0], PORT_SOURCE_ALERT, 0, POLLHUP, &tag);
		OK(port_alert(port, PORT_ALERT_SET, 0, NULL));
		send_range(port, round, round);
		(void)take(port);
		EMPTY(port);
	}
}
