/* 2.10.3, 2.2.8, 4.18: ports associated with ports. */
#include "harness.h"

static void watch(int outer, int inner, void *user)
{
	OK(port_associate(outer, PORT_SOURCE_FD, (uintptr_t)inner, POLLIN, user));
}

CASE("2.10.3 4.18 2.2.8 14.1.12", "a_post_to_the_inner_is_an_event_of_the_outer")
{
	int outer = new_port(), inner = new_port(), round;
	port_event_t pe;
	for (round = 1; round < 5; round++) {
		watch(outer, inner, USER(round));
		EMPTY(outer);
		send_range(inner, round, round);
		pe = take_wait(outer);
		EVENT(&pe, PORT_SOURCE_FD, inner, POLLIN, USER(round));
		EQ(take(inner).portev_events, round);
		EMPTY(outer);
	}
}

CASE("2.10.3 4.5 4.18", "an_inner_that_has_events_is_ready_at_once")
{
	int outer = new_port(), inner = new_port();
	send_range(inner, 1, 1);
	watch(outer, inner, NULL);
	EQ(queued(outer), 1);
	EQ(take(outer).portev_events, POLLIN);
	EMPTY(outer); /* one shot */
	watch(outer, inner, NULL);
	EQ(take(outer).portev_events, POLLIN);
}

CASE("2.10.3 4.18", "a_blocked_reader_of_the_outer_wakes")
{
	int outer = new_port(), inner = new_port(), fd[2];
	struct waiter w;
	new_pipe(fd);
	watch(outer, inner, USER(1));
	OK(port_associate(inner, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(2)));
	waiter_start(&w, outer, 1, NULL, 1);
	write_byte(fd[1]); /* nobody reads the inner port */
	waiter_join(&w);
	OK(w.result);
	EVENT(&w.list[0], PORT_SOURCE_FD, inner, POLLIN, USER(1));
	EQ(take(inner).portev_object, (uintptr_t)fd[0]);
}

/* POLLRDNORM says the same as POLLIN, and is told as soon. */
CASE("2.10.3 4.6", "the_other_name_of_readable_is_told_alike")
{
	int outer = new_port(), inner = new_port(), source, fd[2];
	port_event_t pe;
	new_pipe(fd);
	for (source = 0; source < 2; source++) {
		struct waiter w;
		OK(port_associate(outer, PORT_SOURCE_FD, (uintptr_t)inner, POLLRDNORM, USER(1)));
		OK(port_associate(inner, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLRDNORM, USER(2)));
		waiter_start(&w, outer, 1, NULL, 1);
		if (source == 0)
			send_range(inner, 1, 1);
		else
			write_byte(fd[1]);
		waiter_join(&w);
		EVENT(&w.list[0], PORT_SOURCE_FD, inner, POLLRDNORM, USER(1));
		pe = take_wait(inner);
		if (source != 0)
			EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLRDNORM, USER(2));
	}
}

/* An outer port is readable for an event, and no longer than it is queued. */
CASE("2.10.1 2.10.3", "an_outer_whose_event_was_taken_is_not_readable")
{
	int outer = new_port(), inner = new_port();
	struct waiter w;
	send_range(inner, 1, 1);
	watch(outer, inner, NULL);
	EQ(poll_now(outer, POLLIN), POLLIN);
	(void)take(outer);
	EQ(poll_now(outer, POLLIN), 0);
	EQ(queued(outer), 0);
	EQ(poll_now(outer, POLLIN), 0);
	(void)take(inner);
	watch(outer, inner, NULL);
	waiter_start(&w, outer, 1, NULL, 1);
	send_range(inner, 2, 2);
	waiter_join(&w);
	EQ(poll_now(outer, POLLIN), 0);
	EMPTY(outer);
	EQ(poll_now(outer, POLLIN), 0);
}

/* The waiter may learn of the event from the kernel or from who sent it, whichever is sooner. */
CASE("2.10.1 2.10.3", "an_outer_is_not_readable_for_an_event_that_came_two_ways")
{
	int outer = new_port(), inner = new_port(), i;
	for (i = 0; i < 500; i++) {
		struct waiter w;
		watch(outer, inner, NULL);
		waiter_start(&w, outer, 1, NULL, 1);
		send_range(inner, i, i);
		waiter_join(&w);
		EQ(poll_now(outer, POLLIN), 0);
		(void)take(inner);
	}
}

CASE("2.10.2 2.10.3", "alert_mode_of_the_inner_is_no_event")
{
	int outer = new_port(), inner = new_port();
	watch(outer, inner, NULL);
	OK(port_alert(inner, PORT_ALERT_SET, 1, NULL));
	EMPTY(outer);
}

static void chain(int depth)
{
	int port[16], i;
	port[0] = new_port();
	for (i = 1; i < depth; i++) {
		port[i] = new_port();
		watch(port[i], port[i - 1], USER(i));
	}
	send_range(port[0], 1, 1);
	for (i = depth - 1; i > 0; i--) {
		port_event_t pe = take_wait(port[i]);
		EVENT(&pe, PORT_SOURCE_FD, port[i - 1], POLLIN, USER(i));
	}
	EQ(take(port[0]).portev_events, 1);
}

CASE("2.10.3 2.2.8", "three_levels_of_ports")
{
	chain(3);
}

CASE("2.10.3", "readiness_climbs_three_ports")
{
	int port[3], fd[2], i;
	struct waiter w;
	new_pipe(fd);
	for (i = 0; i < 3; i++) {
		port[i] = new_port();
		if (i != 0)
			watch(port[i], port[i - 1], USER(i));
	}
	OK(port_associate(port[0], PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL));
	waiter_start(&w, port[2], 1, NULL, 1);
	write_byte(fd[1]);
	waiter_join(&w);
	EVENT(&w.list[0], PORT_SOURCE_FD, port[1], POLLIN, USER(2));
}

CASE("2.10.3 2.2.8 14.1.12", "ten_levels_of_ports")
{
	chain(10);
}

CASE("2.2.8 4.18 14.1.12", "a_port_may_watch_itself")
{
	int port = new_port();
	port_event_t list[4];
	watch(port, port, USER(5));
	EMPTY(port);
	send_range(port, 1, 1);
	EQ(take_all(port, list, 4), 2);
	EVENT(&list[0], PORT_SOURCE_USER, 0, 1, USER(1));
	EVENT(&list[1], PORT_SOURCE_FD, port, POLLIN, USER(5));
	send_range(port, 2, 2);
	EQ(take_all(port, list, 4), 1); /* disarmed */
	watch(port, port, USER(6));
	OK(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)port));
	EMPTY(port);
}

CASE("2.2.8 2.3.2 14.1.12", "a_port_may_watch_itself_again_and_again")
{
	enum { TIMES = 64 };
	int port = new_port(), i;
	port_event_t list[TIMES];
	send_range(port, 1, TIMES); /* as many slots, to be used in turn */
	EQ(take_all(port, list, TIMES), TIMES);
	for (i = 0; i < TIMES; i++) {
		watch(port, port, USER(i));
		OK(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)port));
	}
	watch(port, port, USER(i));
	EMPTY(port); /* nothing was told of what is not so */
	send_range(port, 1, 1);
	EQ(take_all(port, list, TIMES), 2);
	EVENT(&list[1], PORT_SOURCE_FD, port, POLLIN, USER(i));
}

CASE("2.2.8 4.5 4.18 14.1.12", "a_port_with_events_that_watches_itself_is_ready")
{
	int port = new_port();
	port_event_t list[4];
	send_range(port, 1, 1);
	watch(port, port, USER(5));
	EQ(queued(port), 2);
	EQ(take_all(port, list, 4), 2);
	EVENT(&list[1], PORT_SOURCE_FD, port, POLLIN, USER(5));
}

CASE("2.2.8 14.1.12", "two_ports_may_watch_each_other")
{
	int a = new_port(), b = new_port();
	port_event_t list[4];
	watch(a, b, USER(1));
	watch(b, a, USER(2));
	send_range(a, 7, 7);
	/* b became readable by that, and so it is an event of a */
	EQ(queued(b), 1);
	EQ(queued(a), 2);
	EQ(take_all(a, list, 4), 2);
	EVENT(&list[0], PORT_SOURCE_USER, 0, 7, USER(7));
	EVENT(&list[1], PORT_SOURCE_FD, b, POLLIN, USER(1));
	EQ(take_all(b, list, 4), 1);
	EVENT(&list[0], PORT_SOURCE_FD, a, POLLIN, USER(2));
}

CASE("2.10.3 4.13 2.11.3", "closing_the_inner_ends_its_association")
{
	int outer = new_port(), inner = new_port(), again;
	watch(outer, inner, NULL);
	send_range(inner, 1, 1);
	EQ(queued(outer), 1);
	close_port(inner);
	EMPTY(outer);
	SLOTS(outer, 0);
	again = new_port();
	EQ(again, inner);
	send_range(again, 1, 1);
	EMPTY(outer);
}

CASE("2.10.3 2.11.3", "closing_the_outer_leaves_the_inner_alone")
{
	int outer = new_port(), inner = new_port();
	watch(outer, inner, NULL);
	close_port(outer);
	send_range(inner, 1, 2);
	EQ(take(inner).portev_events, 1);
	EQ(take(inner).portev_events, 2);
}
