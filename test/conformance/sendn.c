/* 2.7 port_sendn. */
#include "harness.h"

CASE("2.7.1 2.7.6 2.12", "no_ports_at_all_is_einval")
{
	int port = new_port(), error = 5;
	FAILS(port_sendn(&port, &error, 0, 1, NULL), EINVAL);
	FAILS(port_sendn(NULL, NULL, 0, 1, NULL), EINVAL);
	EQ(error, 5);
	EMPTY(port);
}

CASE("2.7.1 2.12 14.6.10", "null_ports_is_efault")
{
	int errors[2] = { 5, 5 };
	FAILS(port_sendn(NULL, errors, 2, 1, NULL), EFAULT);
	EQ(errors[0], 5);
	EQ(errors[1], 5);
}

CASE("2.7.2 2.7.3 15.19", "each_entry_fares_on_its_own")
{
	int good = new_port(), other = new_port();
	int ports[] = { good, closed_fd(), new_file(), other };
	int errors[] = { 9, 9, 9, 9 };
	port_event_t pe;
	ports[1] = closed_fd();
	EQ(port_sendn(ports, errors, 4, 6, USER(7)), 2);
	EQ(errors[0], 0);
	EQ(errors[1], EBADF);
	EQ(errors[2], EBADFD);
	EQ(errors[3], 0);
	pe = take(good);
	EVENT(&pe, PORT_SOURCE_USER, 0, 6, USER(7));
	pe = take(other);
	EVENT(&pe, PORT_SOURCE_USER, 0, 6, USER(7));
	EMPTY(good);
}

CASE("2.7.2 2.7.3", "ports_and_errors_may_be_one_array")
{
	int a = new_port(), b = new_port();
	int both[] = { a, closed_fd(), b };
	EQ(port_sendn(both, both, 3, 1, NULL), 2);
	EQ(both[0], 0);
	EQ(both[1], EBADF);
	EQ(both[2], 0);
	EQ(queued(a), 1);
	EQ(queued(b), 1);
}

CASE("2.7.3 15.19", "with_no_failure_errors_is_not_touched")
{
	int a = new_port(), ports[] = { a, a, a }, errors[] = { 9, 9, 9 };
	EQ(port_sendn(ports, errors, 3, 1, NULL), 3);
	EQ(errors[0], 9);
	EQ(errors[1], 9);
	EQ(errors[2], 9);
	EQ(port_sendn(ports, NULL, 3, 1, NULL), 3);
	EQ(queued(a), 6);
}

CASE("2.7.2", "a_port_named_twice_gets_two_events")
{
	int a = new_port(), b = new_port(), ports[] = { a, b, a };
	EQ(port_sendn(ports, NULL, 3, 1, NULL), 3);
	EQ(queued(a), 2);
	EQ(queued(b), 1);
}

CASE("2.7.2 2.7.3 12.4", "a_full_port_is_eagain_in_its_entry")
{
	int full = new_port_limit(2), roomy = new_port();
	int ports[] = { full, full, full, roomy }, errors[] = { 9, 9, 9, 9 };
	EQ(port_sendn(ports, errors, 4, 1, NULL), 3);
	EQ(errors[0], 0);
	EQ(errors[1], 0);
	EQ(errors[2], EAGAIN);
	EQ(errors[3], 0);
	EQ(queued(full), 2);
	EQ(queued(roomy), 1);
}

CASE("2.7.4 13.6", "all_failing_returns_zero_not_minus_one")
{
	int ports[] = { closed_fd(), -1, INT_MAX }, errors[] = { 9, 9, 9 };
	errno = EXDEV;
	EQ(port_sendn(ports, errors, 3, 1, NULL), 0);
	TRUE(errno != EIO);
	EQ(errors[0], EBADF);
	EQ(errors[1], EBADF);
	EQ(errors[2], EBADF);
}

CASE("2.7.5 2.12 14.6.10", "a_failure_with_no_errors_array_is_efault")
{
	int a = new_port(), ports[] = { a, closed_fd(), a };
	FAILS(port_sendn(ports, NULL, 3, 1, NULL), EFAULT);
	EQ(queued(a), 2); /* what was sent stays sent */
}

enum { CHUNK = 8192, MANY = 2 * CHUNK + 10 };
static int ports[MANY], errors[MANY];

static void all_to(int port)
{
	int i;
	for (i = 0; i < MANY; i++) {
		ports[i] = port;
		errors[i] = 9;
	}
}

CASE("2.7.6 1.13", "there_is_no_upper_bound")
{
	int a = new_port();
	all_to(a);
	EQ(port_sendn(ports, errors, MANY, 1, NULL), MANY);
	EQ(queued(a), MANY);
	EQ(errors[0], 9);
	EQ(errors[MANY - 1], 9);
}

CASE("2.7.6 1.13", "errors_are_written_per_failing_chunk_of_8192")
{
	int a = new_port(), i;
	all_to(a);
	ports[CHUNK + 5] = closed_fd();
	EQ(port_sendn(ports, errors, MANY, 1, NULL), MANY - 1);
	EQ(queued(a), MANY - 1);
	for (i = 0; i < CHUNK; i++)
		EQ(errors[i], 9);
	for (i = CHUNK; i < 2 * CHUNK; i++)
		EQ(errors[i], i == CHUNK + 5 ? EBADF : 0);
	for (i = 2 * CHUNK; i < MANY; i++)
		EQ(errors[i], 9);
}

CASE("2.7.6 14.6.10", "a_hard_error_in_a_later_chunk_returns_the_count_so_far")
{
	int a = new_port();
	all_to(a);
	ports[CHUNK] = closed_fd();
	EQ(port_sendn(ports, NULL, CHUNK + 1, 1, NULL), CHUNK);
	EQ(queued(a), CHUNK);
	/* Of the chunk that fails what was sent stays sent, and isn't counted. */
	EQ(port_sendn(ports, NULL, CHUNK + 3, 1, NULL), CHUNK);
	EQ(queued(a), 2 * CHUNK + 2);
	all_to(a);
	ports[0] = closed_fd();
	FAILS(port_sendn(ports, NULL, CHUNK + 1, 1, NULL), EFAULT);
}

CASE("2.7.2 2.6.2", "sendn_wakes_and_works_in_alert_mode")
{
	int a = new_port(), b = new_port(), two[2];
	struct waiter w;
	two[0] = a;
	two[1] = b;
	OK(port_alert(b, PORT_ALERT_SET, 1, NULL));
	waiter_start(&w, a, 1, NULL, 1);
	EQ(port_sendn(two, NULL, 2, 3, USER(4)), 2);
	waiter_join(&w);
	OK(w.result);
	EVENT(&w.list[0], PORT_SOURCE_USER, 0, 3, USER(4));
	EQ(queued(b), 1);
}
