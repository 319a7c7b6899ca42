/* 3.10-3.18: who is woken, by what, in which order. */
#include "harness.h"

static void got(struct waiter *w, unsigned int n, int first)
{
	unsigned int i;
	waiter_join(w);
	OK(w->result);
	EQ(w->nget, n);
	for (i = 0; i < n; i++) {
		int value = first + (int)i;
		EVENT(&w->list[i], PORT_SOURCE_USER, 0, value, USER(value));
	}
}

static void still_waiting(struct waiter *w, int port, int n)
{
	await_waiters(port, n);
	EQ(waiter_done(w), 0);
}

CASE("3.10 3.12 3.11 15.22", "fewest_wanted_first_though_it_came_later")
{
	int port = new_port();
	struct waiter five, one;
	waiter_start(&five, port, 5, NULL, 1);
	waiter_start(&one, port, 1, NULL, 2);
	send_range(port, 1, 1);
	got(&one, 1, 1);
	still_waiting(&five, port, 1);
	send_range(port, 2, 6);
	got(&five, 5, 2);
	EMPTY(port);
}

/* [1]+5 is [1,5]; strict: [5,1], and five starves one. */
CASE("3.12 3.10", "where_a_larger_want_goes_beside_the_only_waiter")
{
	IN_EACH_PROFILE(strict)
	{
		int port = new_port();
		struct waiter one, five;
		waiter_start(&one, port, 1, NULL, 1);
		waiter_start(&five, port, 5, NULL, 2);
		send_range(port, 1, 1);
		if (strict) {
			send_range(port, 2, 5);
			got(&five, 5, 1);
			still_waiting(&one, port, 1);
			send_range(port, 6, 6);
			got(&one, 1, 6);
		} else {
			got(&one, 1, 1);
			still_waiting(&five, port, 1);
			send_range(port, 2, 6);
			got(&five, 5, 2);
		}
	}
}

/* [1,3]+5 is [1,3,5]; strict: [1,5,3]. */
CASE("3.12 3.10", "where_a_larger_want_goes_among_three_waiters")
{
	IN_EACH_PROFILE(strict)
	{
		int port = new_port();
		struct waiter one, three, five;
		waiter_start(&three, port, 3, NULL, 1);
		waiter_start(&one, port, 1, NULL, 2);
		waiter_start(&five, port, 5, NULL, 3);
		send_range(port, 1, 1);
		got(&one, 1, 1);
		await_waiters(port, 2);
		send_range(port, 2, 4);
		if (strict) {
			send_range(port, 5, 6);
			got(&five, 5, 2);
			still_waiting(&three, port, 1);
			send_range(port, 7, 9);
			got(&three, 3, 7);
		} else {
			got(&three, 3, 2);
			still_waiting(&five, port, 1);
			send_range(port, 5, 9);
			got(&five, 5, 5);
		}
	}
}

static int get_port, get_result, get_done;
static port_event_t get_event;

static void *get_until_late(void *arg)
{
	(void)arg;
	get_result = port_get(get_port, &get_event, MS(200)) == 0 ? 0 : errno;
	__atomic_store_n(&get_done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Strict, five stands before it, and its time passes with the event there. */
CASE("2.4.1 2.4.4 3.12", "a_starved_get_that_is_late_loses_no_event")
{
	IN_EACH_PROFILE(strict)
	{
		int port = get_port = new_port();
		struct waiter five;
		pthread_t thread;
		get_done = 0;
		EQ(pthread_create(&thread, NULL, get_until_late, NULL), 0);
		await_waiters_unless(port, 1, &get_done);
		memset(&five, 0, sizeof(five));
		five.port = port;
		five.want = 5;
		five.timeout.tv_sec = -1;
		waiter_spawn(&five);
		await_waiters_unless(port, 2, &get_done);
		send_range(port, 1, 1);
		EQ(pthread_join(thread, NULL), 0);
		if (get_result == 0) {
			EVENT(&get_event, PORT_SOURCE_USER, 0, 1, USER(1));
			EQ(queued(port), 0);
		} else {
			EQ(get_result, ETIME);
			EQ(queued(port), 1);
		}
		send_range(port, 2, 6 - (get_result != 0));
		waiter_join(&five);
		EQ(five.nget, 5);
	}
}

CASE("3.10", "of_equal_wants_the_newest_comes_first")
{
	int port = new_port();
	struct waiter w[3];
	int i;
	for (i = 0; i < 3; i++)
		waiter_start(&w[i], port, 1, NULL, i + 1);
	for (i = 2; i >= 0; i--) {
		send_range(port, i, i);
		got(&w[i], 1, i);
		await_waiters(port, i);
	}
}

/* The next in line is looked at again when a retrieval has ended. */
CASE("3.10 3.14", "one_batch_serves_waiters_in_turn")
{
	int port = new_port(), i, total = 0;
	struct waiter w[4];
	for (i = 0; i < 4; i++)
		waiter_start(&w[i], port, 1, NULL, i + 1);
	for (i = 0; i < 4; i++)
		send_range(port, i, i);
	/* one may take several, then others go on waiting: feed until all left */
	for (i = 0; i < 4; i++) {
		while (!waiter_done(&w[i])) {
			if (queued(port) == 0)
				OK(port_send(port, 100, NULL));
			tick();
		}
		waiter_join(&w[i]);
		OK(w[i].result);
		TRUE(w[i].nget >= 1);
		total += (int)w[i].nget;
	}
	TRUE(total >= 4);
}

CASE("3.10 2.5.6", "a_waiter_may_take_more_than_it_asked_for")
{
	int port = new_port();
	struct waiter w;
	waiter_start(&w, port, 2, NULL, 1);
	send_range(port, 1, 1);
	EQ(waiter_done(&w), 0);
	EQ(port_sendn((int[]){ port, port, port }, NULL, 3, 2, NULL), 3);
	waiter_join(&w);
	OK(w.result);
	TRUE(w.nget >= 2 && w.nget <= 4);
	EQ(queued(port), 4 - (int)w.nget);
}

CASE("3.10 4.5 2.5.7", "a_descriptor_wakes_a_waiter")
{
	int port = new_port(), fd[2];
	struct waiter w;
	new_pipe(fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(1)));
	waiter_start(&w, port, 1, NULL, 1);
	write_byte(fd[1]);
	waiter_join(&w);
	OK(w.result);
	EVENT(&w.list[0], PORT_SOURCE_FD, fd[0], POLLIN, USER(1));
}

CASE("3.10 4.5", "an_association_made_later_wakes_a_waiter")
{
	int port = new_port(), fd[2], file = new_file();
	struct waiter w;
	new_pipe(fd);
	waiter_start(&w, port, 1, NULL, 1);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(1)));
	EQ(waiter_done(&w), 0);
	write_byte(fd[1]);
	waiter_join(&w);
	EVENT(&w.list[0], PORT_SOURCE_FD, fd[0], POLLIN, USER(1));
	waiter_start(&w, port, 1, NULL, 1);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)file, POLLIN, USER(2)));
	waiter_join(&w);
	EVENT(&w.list[0], PORT_SOURCE_FD, file, POLLIN, USER(2));
}

/* Mixed sources add up to what the waiter wants, and a waiter that sleeps for
 * users alone (a follower) is reached by descriptors. */
CASE("3.10 3.1", "sources_add_up_for_every_waiter")
{
	int port = new_port(), fd[2];
	struct waiter three, two;
	new_pipe(fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(1)));
	waiter_start(&three, port, 3, NULL, 1);
	waiter_start(&two, port, 2, NULL, 2);
	write_byte(fd[1]);
	send_range(port, 2, 2);
	waiter_join(&two);
	OK(two.result);
	EQ(two.nget, 2);
	still_waiting(&three, port, 1);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(1)));
	send_range(port, 3, 4);
	waiter_join(&three);
	OK(three.result);
	EQ(three.nget, 3);
	EMPTY(port);
}

/* The newest waiter is the first to be signalled, and its time is up at about
 * the moment of the send: whoever has the event, nobody sleeps on it. */
CASE("3.13", "a_waiter_that_times_out_hands_the_wake_up_on")
{
	int port = new_port(), round;
	for (round = 0; round < 300; round++) {
		struct waiter stays, leaves;
		waiter_start(&stays, port, 1, NULL, 1);
		leaves = (struct waiter){ .port = port, .want = 1,
			.timeout = { 0, 20000 + round * 500 } };
		waiter_spawn(&leaves);
		send_range(port, 1, 1);
		waiter_join(&leaves);
		if (leaves.result != 0)
			EQ(leaves.error, ETIME);
		TRUE(leaves.nget <= 1);
		if (leaves.nget == 1)
			send_range(port, 2, 2);
		waiter_join(&stays);
		OK(stays.result);
		EQ(stays.nget, 1);
		EMPTY(port);
	}
}

CASE("3.15", "an_alert_wakes_all_with_their_own_copy")
{
	int port = new_port(), round;
	for (round = 0; round < 100; round++) {
		static const unsigned int wants[] = { 1, 5, 1, 64 };
		struct waiter w[4];
		int i;
		for (i = 0; i < 4; i++)
			waiter_start(&w[i], port, wants[i], i == 2 ? TS(100000, 0) : NULL, i + 1);
		OK(port_alert(port, PORT_ALERT_SET, 7, USER(7)));
		OK(port_alert(port, PORT_ALERT_SET, 9, USER(9)));
		OK(port_alert(port, PORT_ALERT_SET, 0, NULL));
		for (i = 0; i < 4; i++) {
			waiter_join(&w[i]);
			OK(w[i].result);
			EQ(w[i].nget, 1);
			EVENT(&w[i].list[0], PORT_SOURCE_ALERT, 0, 7, USER(7));
		}
		EMPTY(port);
	}
}

CASE("3.15 15.12", "the_alert_wins_over_events_that_are_there")
{
	int port = new_port();
	struct waiter w;
	waiter_start(&w, port, 3, NULL, 1);
	send_range(port, 1, 2);
	OK(port_alert(port, PORT_ALERT_SET, 7, USER(7)));
	waiter_join(&w);
	OK(w.result);
	EQ(w.nget, 1);
	EVENT(&w.list[0], PORT_SOURCE_ALERT, 0, 7, USER(7));
	EQ(queued(port), 2);
	OK(port_alert(port, 0, 0, NULL));
	EQ(take(port).portev_events, 1);
	EQ(take(port).portev_events, 2);
}

CASE("2.8.1 3.15", "leaving_alert_mode_touches_no_waiter")
{
	int port = new_port();
	struct waiter w;
	waiter_start(&w, port, 1, NULL, 1);
	OK(port_alert(port, PORT_ALERT_SET, 0, NULL));
	OK(port_alert(port, PORT_ALERT_UPDATE, 0, NULL));
	FAILS(port_alert(port, PORT_ALERT_INVALID, 1, NULL), EINVAL);
	still_waiting(&w, port, 1);
	send_range(port, 1, 1);
	got(&w, 1, 1);
}

CASE("3.15 3.16 4.5", "an_alert_wakes_the_waiter_that_watches_descriptors")
{
	int port = new_port(), fd[2], i;
	struct waiter w[2];
	new_pipe(fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(1)));
	waiter_start(&w[0], port, 1, NULL, 1);
	waiter_start(&w[1], port, 1, NULL, 2);
	OK(port_alert(port, PORT_ALERT_UPDATE, 2, USER(2)));
	for (i = 0; i < 2; i++) {
		waiter_join(&w[i]);
		EVENT(&w[i].list[0], PORT_SOURCE_ALERT, 0, 2, USER(2));
	}
	OK(port_alert(port, 0, 0, NULL));
	write_byte(fd[1]);
	EQ(take_wait(port).portev_object, (uintptr_t)fd[0]);
}

CASE("3.14", "of_many_waiters_one_event_wakes_one")
{
	enum { WAITERS = 8 };
	int port = new_port(), i, woken = 0;
	struct waiter w[WAITERS];
	for (i = 0; i < WAITERS; i++)
		waiter_start(&w[i], port, 1, NULL, i + 1);
	send_range(port, 5, 5);
	await_waiters(port, WAITERS - 1);
	while (woken == 0) {
		for (i = 0; i < WAITERS; i++)
			woken += waiter_done(&w[i]);
		tick();
	}
	EQ(woken, 1);
	EQ(queued(port), 0);
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	for (i = 0; i < WAITERS; i++) {
		waiter_join(&w[i]);
		OK(w[i].result);
		if (w[i].list[0].portev_source == PORT_SOURCE_USER)
			woken--;
		EQ(w[i].nget, 1);
	}
	EQ(woken, 0);
}

CASE("3.17 3.15", "at_expiry_a_waiter_reports_the_alert_or_etime")
{
	int port = new_port(), round;
	for (round = 0; round < 100; round++) {
		struct waiter w;
		port_event_t pe;
		w = (struct waiter){ .port = port, .want = 1, .timeout = { 0, 50000 } };
		waiter_spawn(&w);
		OK(port_alert(port, PORT_ALERT_SET, 4, USER(4)));
		waiter_join(&w);
		if (w.result == 0)
			EVENT(&w.list[0], PORT_SOURCE_ALERT, 0, 4, USER(4));
		else
			EQ(w.error, ETIME);
		pe = take(port); /* still set: the next call sees it */
		EVENT(&pe, PORT_SOURCE_ALERT, 0, 4, USER(4));
		OK(port_alert(port, 0, 0, NULL));
	}
}

CASE("3.18", "a_poster_never_waits_for_waiters")
{
	int port = new_port(), i;
	struct waiter w[3];
	for (i = 0; i < 3; i++)
		waiter_start(&w[i], port, 64, NULL, i + 1);
	send_range(port, 1, 63);
	EQ(queued(port), 63);
	for (i = 0; i < 3; i++)
		EQ(waiter_done(&w[i]), 0);
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	for (i = 0; i < 3; i++)
		waiter_join(&w[i]);
	EQ(queued(port), 63);
}
