/* 3.1-3.9: order, one record per object, re-association of queued events. */
#include "harness.h"

static void watch(int port, int fd, void *user)
{
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd, POLLIN, user));
}

CASE("3.1 9.3", "first_in_first_out")
{
	int port = new_port(), i;
	send_range(port, 1, 1000);
	for (i = 1; i <= 1000; i++) {
		port_event_t pe = take(port);
		EVENT(&pe, PORT_SOURCE_USER, 0, i, USER(i));
	}
}

/* What is ready when associated is queued there and then. */
CASE("3.1 4.5 14.1.1", "a_ready_descriptor_keeps_its_place_among_sends")
{
	int port = new_port(), fd[2], other[2];
	port_event_t list[8];
	new_pipe(fd);
	new_pipe(other);
	write_byte(fd[1]);
	write_byte(other[1]);
	send_range(port, 1, 1);
	watch(port, fd[0], USER(10));
	send_range(port, 2, 2);
	watch(port, other[0], USER(11));
	send_range(port, 3, 3);
	EQ(take_all(port, list, 8), 5);
	EVENT(&list[0], PORT_SOURCE_USER, 0, 1, USER(1));
	EVENT(&list[1], PORT_SOURCE_FD, fd[0], POLLIN, USER(10));
	EVENT(&list[2], PORT_SOURCE_USER, 0, 2, USER(2));
	EVENT(&list[3], PORT_SOURCE_FD, other[0], POLLIN, USER(11));
	EVENT(&list[4], PORT_SOURCE_USER, 0, 3, USER(3));
}

CASE("3.1 4.16", "always_ready_descriptors_keep_their_place")
{
	int port = new_port(), a = new_file(), b = new_file();
	port_event_t list[8];
	watch(port, b, NULL);
	send_range(port, 1, 1);
	watch(port, a, NULL);
	EQ(take_all(port, list, 8), 3);
	EQ(list[0].portev_object, (uintptr_t)b);
	EQ(list[1].portev_source, PORT_SOURCE_USER);
	EQ(list[2].portev_object, (uintptr_t)a);
}

/* What was ready when associated is queued before anything that is ready without asking. */
CASE("3.1 4.5 4.16 4.18", "what_is_always_ready_does_not_overtake_what_was_ready")
{
	int port = new_port(), inner = new_port(), fd[2];
	file_obj_t stale;
	port_event_t list[8];
	int i;
	send_range(inner, 1, 1);
	new_pipe(fd);
	for (i = 0; i < 3; i++) {
		OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[1], POLLOUT, USER(1)));
		if (i == 0)
			watch(port, new_file(), USER(2));
		else if (i == 1)
			watch(port, inner, USER(2));
		else {
			memset(&stale, 0, sizeof(stale));
			stale.fo_name = (char *)"/";
			stale.fo_mtime.tv_sec = 5;
			OK(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&stale, FILE_MODIFIED, USER(2)));
		}
		EQ(take_all(port, list, 8), 2);
		EQ(list[0].portev_user, USER(1));
		EQ(list[1].portev_user, USER(2));
	}
}

CASE("3.1 14.1.2", "a_descriptor_becoming_ready_precedes_a_later_send")
{
	int port = new_port(), fd[2];
	port_event_t list[4];
	new_pipe(fd);
	watch(port, fd[0], NULL);
	EMPTY(port); /* the association has been collected */
	write_byte(fd[1]);
	send_range(port, 1, 1);
	EQ(take_all(port, list, 4), 2);
	EQ(list[0].portev_source, PORT_SOURCE_FD);
	EQ(list[1].portev_source, PORT_SOURCE_USER);
}

CASE("3.3", "what_a_batch_leaves_stays_in_front")
{
	int port = new_port(), i;
	port_event_t list[8];
	send_range(port, 1, 5);
	EQ(take_all(port, list, 2), 2);
	send_range(port, 6, 7);
	EQ(take_all(port, list, 8), 5);
	for (i = 0; i < 5; i++)
		EQ(list[i].portev_events, i + 3);
}

CASE("3.5 4.3 4.10", "an_associated_descriptor_is_never_queued_twice")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	watch(port, fd[0], USER(1));
	write_byte(fd[1]);
	EQ(queued(port), 1);
	write_byte(fd[1]);
	EQ(queued(port), 1);
	close_fd(fd[1]);
	EQ(queued(port), 1);
	{
		port_event_t pe = take(port);
		/* the bits of the first occurrence: hang-up came later */
		EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(1));
	}
	EMPTY(port);
}

CASE("3.6 9.3", "user_events_are_never_merged")
{
	int port = new_port(), i;
	for (i = 0; i < 10; i++)
		OK(port_send(port, 1, USER(1)));
	EQ(queued(port), 10);
	SLOTS(port, 10);
}

CASE("3.7 4.10 14.1.4", "a_queued_event_is_not_withdrawn_nor_altered")
{
	int port = new_port(), fd[2];
	port_event_t pe;
	new_pipe(fd);
	write_byte(fd[1]);
	watch(port, fd[0], USER(1));
	EQ(queued(port), 1);
	read_byte(fd[0]); /* no longer readable */
	EQ(queued(port), 1);
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(1));
}

CASE("3.8 4.11 3.7", "re_association_moves_a_queued_event_to_the_tail")
{
	int port = new_port(), fd[2];
	port_event_t list[4];
	new_pipe(fd);
	write_byte(fd[1]);
	watch(port, fd[0], USER(1));
	send_range(port, 2, 2);
	EQ(queued(port), 2);
	watch(port, fd[0], USER(3));
	EQ(queued(port), 2);
	SLOTS(port, 2);
	EQ(take_all(port, list, 4), 2);
	EVENT(&list[0], PORT_SOURCE_USER, 0, 2, USER(2));
	EVENT(&list[1], PORT_SOURCE_FD, fd[0], POLLIN, USER(3));
}

CASE("3.8 3.1 4.5", "re_association_of_what_is_ready_stands_behind_what_was")
{
	int port = new_port(), a[2], b[2];
	port_event_t list[4];
	new_pipe(a);
	new_pipe(b);
	write_byte(a[1]);
	write_byte(b[1]);
	watch(port, a[0], USER(1));
	watch(port, b[0], USER(2));
	watch(port, a[0], USER(3)); /* nobody has looked yet */
	EQ(take_all(port, list, 4), 2);
	EVENT(&list[0], PORT_SOURCE_FD, b[0], POLLIN, USER(2));
	EVENT(&list[1], PORT_SOURCE_FD, a[0], POLLIN, USER(3));
}

CASE("3.8 4.11", "re_association_drops_a_queued_event_that_no_longer_holds")
{
	int port = new_port(), fd[2];
	port_event_t pe;
	new_pipe(fd);
	write_byte(fd[1]);
	watch(port, fd[0], USER(1));
	EQ(queued(port), 1);
	read_byte(fd[0]);
	watch(port, fd[0], USER(2));
	EMPTY(port);
	SLOTS(port, 1);
	write_byte(fd[1]);
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(2));
}

CASE("3.8 4.11", "re_association_with_other_events_drops_the_queued_one")
{
	int port = new_port(), sv[2];
	port_event_t pe;
	new_socketpair(sv);
	write_byte(sv[1]);
	watch(port, sv[0], USER(1));
	EQ(queued(port), 1);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)sv[0], 0, USER(2)));
	EMPTY(port);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)sv[0], POLLOUT, USER(3)));
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, sv[0], POLLOUT, USER(3));
}

/* Design rule: kernel sources are collected at least once in 256 events. */
CASE("3.1", "a_flood_of_sends_does_not_starve_a_descriptor")
{
	int port = new_port(), fd[2], i, seen = -1;
	new_pipe(fd);
	send_range(port, 1, 100);
	watch(port, fd[0], USER(1));
	EQ(queued(port), 100);
	write_byte(fd[1]);
	for (i = 0; i < 1000 && seen < 0; i++) {
		port_event_t pe;
		OK(port_send(port, 1, NULL));
		pe = take(port);
		if (pe.portev_source == PORT_SOURCE_FD)
			seen = i;
	}
	TRUE(seen >= 0);
	TRUE(seen <= 100 + 256);
}
