/* 2.6 port_send. */
#include "harness.h"

CASE("2.6.1 9.1 9.3 13.17", "any_events_value_and_cookie_come_back_verbatim")
{
	static const int values[] = { 0, 1, -1, INT_MAX, INT_MIN, 0x5a5a5a5a };
	int port = new_port();
	size_t i;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		port_event_t pe;
		OK(port_send(port, values[i], (void *)(UINTPTR_MAX - i)));
		pe = take(port);
		EVENT(&pe, PORT_SOURCE_USER, 0, values[i], (void *)(UINTPTR_MAX - i));
	}
	OK(port_send(port, 0, NULL));
	EQ(take(port).portev_user, NULL);
}

CASE("2.6.1 12.2 12.3 12.5 15.18", "the_slot_limit_is_eagain_and_retrieval_frees_one")
{
	int port = new_port_limit(3);
	port_event_t pe;
	send_range(port, 1, 3);
	FAILS(port_send(port, 4, NULL), EAGAIN);
	FAILS(port_send(port, 4, NULL), EAGAIN);
	SLOTS(port, 3);
	EQ(queued(port), 3);
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_USER, 0, 1, USER(1));
	SLOTS(port, 2);
	send_range(port, 5, 5);
	FAILS(port_send(port, 6, NULL), EAGAIN);
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_USER, 0, 2, USER(2));
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_USER, 0, 3, USER(3));
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_USER, 0, 5, USER(5));
	SLOTS(port, 0);
	EMPTY(port);
}

CASE("2.6.2 3.16", "sending_works_in_alert_mode")
{
	int port = new_port();
	port_event_t list[4];
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	send_range(port, 1, 2);
	EQ(queued(port), 2);
	EQ(take(port).portev_source, PORT_SOURCE_ALERT);
	OK(port_alert(port, PORT_ALERT_SET, 0, NULL));
	EQ(take_all(port, list, 4), 2);
	EVENT(&list[0], PORT_SOURCE_USER, 0, 1, USER(1));
	EVENT(&list[1], PORT_SOURCE_USER, 0, 2, USER(2));
}

CASE("2.6.1 3.18", "sending_never_waits_for_a_waiter")
{
	int port = new_port();
	struct waiter w;
	waiter_start(&w, port, 50, NULL, 1);
	send_range(port, 1, 49);
	EQ(queued(port), 49);
	EQ(waiter_done(&w), 0);
	send_range(port, 50, 50);
	waiter_join(&w);
	OK(w.result);
	EQ(w.nget, 50);
}

CASE("2.6.1 12.3 12.5", "slots_are_reused_for_ever")
{
	int port = new_port_limit(2), round;
	for (round = 1; round <= 100000; round++) {
		port_event_t list[2];
		OK(port_send(port, round, NULL));
		OK(port_send(port, -round, NULL));
		EQ(take_all(port, list, 2), 2);
		EQ(list[0].portev_events, round);
		EQ(list[1].portev_events, -round);
	}
	SLOTS(port, 0);
}
