/* Section 9: user events. */
#include "harness.h"

CASE("9.1 13.17", "user_event_is_source_user_object_zero")
{
	int port = new_port();
	port_event_t pe;
	OK(port_send(port, -5, &port));
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_USER, 0, -5, &port);
}

static void *send_one(void *arg)
{
	OK(port_send(*(int *)arg, 8, USER(9)));
	return NULL;
}

CASE("9.2", "it_survives_its_sender_and_the_descriptor_it_came_by")
{
	int port = new_port(), copy = track_port(dup(port));
	pthread_t thread;
	port_event_t pe;
	EQ(pthread_create(&thread, NULL, send_one, &copy), 0);
	EQ(pthread_join(thread, NULL), 0);
	close_port(copy);
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_USER, 0, 8, USER(9));
}

CASE("9.3", "it_can_not_be_dissociated")
{
	int port = new_port();
	send_range(port, 1, 1);
	FAILS(port_dissociate(port, PORT_SOURCE_USER, 0), EINVAL);
	EQ(queued(port), 1);
}

enum { SENDERS = 4, EACH = 5000 };

static void *send_many(void *arg)
{
	int *id = arg, i;
	for (i = 0; i < EACH; i++)
		OK(port_send(id[1], i, USER(id[0])));
	return NULL;
}

CASE("9.3 3.1 3.6", "the_sends_of_one_thread_keep_their_order")
{
	int port = new_port(), id[SENDERS][2], next[SENDERS] = { 0 }, i;
	pthread_t threads[SENDERS];
	for (i = 0; i < SENDERS; i++) {
		id[i][0] = i;
		id[i][1] = port;
		EQ(pthread_create(&threads[i], NULL, send_many, id[i]), 0);
	}
	for (i = 0; i < SENDERS * EACH; i++) {
		port_event_t pe = take_wait(port);
		uintptr_t sender = (uintptr_t)pe.portev_user;
		TRUE(sender < SENDERS);
		EQ(pe.portev_events, next[sender]++);
	}
	for (i = 0; i < SENDERS; i++)
		EQ(pthread_join(threads[i], NULL), 0);
	EMPTY(port);
}
