/* 2.4 port_get. */
#include "harness.h"

#include <setjmp.h>

static port_event_t sentinel(void)
{
	port_event_t pe;
	memset(&pe, 0x5a, sizeof(pe));
	return pe;
}

static void untouched(const port_event_t *pe)
{
	port_event_t want = sentinel();
	EQ(memcmp(pe, &want, sizeof(want)), 0);
}

CASE("2.4.1 2.6.1 9.1", "retrieves_one_event_and_leaves_the_rest")
{
	int port = new_port();
	port_event_t pe;
	send_range(port, 1, 3);
	OK(port_get(port, &pe, NULL));
	EVENT(&pe, PORT_SOURCE_USER, 0, 1, USER(1));
	EQ(queued(port), 2);
	OK(port_get(port, &pe, NOWAIT));
	EVENT(&pe, PORT_SOURCE_USER, 0, 2, USER(2));
	OK(port_get(port, &pe, MS(5000)));
	EVENT(&pe, PORT_SOURCE_USER, 0, 3, USER(3));
	EMPTY(port);
}

CASE("2.4.1 2.12 13.3 14.6.10", "null_event_is_efault_before_alert_and_timeout")
{
	int port = new_port();
	FAILS(port_get(port, NULL, NULL), EFAULT);
	FAILS(port_get(port, NULL, NOWAIT), EFAULT);
	FAILS(port_get(port, NULL, BAD_TIMEOUT), EFAULT);
	send_range(port, 1, 1);
	FAILS(port_get(port, NULL, NULL), EFAULT);
	EQ(queued(port), 1);
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	FAILS(port_get(port, NULL, NULL), EFAULT);
}

CASE("2.4.1 2.5.7 2.12", "bad_timeouts_are_einval")
{
	static const struct timespec bad[] = { { -1, 0 }, { 0, -1 }, { 0, 1000000000L },
		{ 1, 1000000000L }, { -1, 500 }, { 5, -1 }, { 0, LONG_MAX } };
	int port = new_port();
	size_t i;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct timespec timeout = bad[i];
		port_event_t pe = sentinel();
		FAILS(port_get(port, &pe, &timeout), EINVAL);
		untouched(&pe);
	}
}

CASE("2.4.1 2.5.6 15.21", "with_an_event_there_the_timeout_is_not_looked_at")
{
	int port = new_port();
	port_event_t pe;
	send_range(port, 1, 1);
	OK(port_get(port, &pe, BAD_TIMEOUT));
	EVENT(&pe, PORT_SOURCE_USER, 0, 1, USER(1));
}

CASE("2.4.1 2.5.5 10.1", "alert_is_returned_alone_whatever_the_timeout")
{
	int port = new_port();
	port_event_t pe;
	send_range(port, 1, 1);
	OK(port_alert(port, PORT_ALERT_SET, 6, USER(7)));
	OK(port_get(port, &pe, BAD_TIMEOUT));
	EVENT(&pe, PORT_SOURCE_ALERT, 0, 6, USER(7));
	OK(port_get(port, &pe, NOWAIT));
	EVENT(&pe, PORT_SOURCE_ALERT, 0, 6, USER(7));
	OK(port_alert(port, 0, 0, NULL));
	OK(port_get(port, &pe, NOWAIT));
	EVENT(&pe, PORT_SOURCE_USER, 0, 1, USER(1));
}

static void zero_timeout_on_an_empty_port(void)
{
	int port = new_port(), i;
	for (i = 0; i < 2; i++) {
		port_event_t pe = sentinel();
		if (strict_profile())
			OK(port_get(port, &pe, NOWAIT));
		else
			FAILS(port_get(port, &pe, NOWAIT), ETIME);
		untouched(&pe);
		if (i == 0) { /* the same when something was there before */
			send_range(port, 1, 1);
			OK(port_get(port, &pe, NOWAIT));
			EVENT(&pe, PORT_SOURCE_USER, 0, 1, USER(1));
		}
	}
}

CASE("2.4.3 13.1 15.14", "zero_timeout_on_an_empty_port_default_profile")
{
	use_profile("default");
	zero_timeout_on_an_empty_port();
}

CASE("2.4.3 13.1 15.14", "zero_timeout_on_an_empty_port_strict_profile")
{
	use_profile("strict");
	zero_timeout_on_an_empty_port();
}

#if defined(__linux__)
CASE("2.4.3", "the_profile_is_read_at_port_create")
{
	int strict, relaxed;
	port_event_t pe;
	use_profile("strict");
	strict = new_port();
	use_profile("default");
	relaxed = new_port();
	OK(port_get(strict, &pe, NOWAIT));
	FAILS(port_get(relaxed, &pe, NOWAIT), ETIME);
	use_profile("strict");
	FAILS(port_get(relaxed, &pe, NOWAIT), ETIME);
}
#endif

CASE("2.4.4 2.5.16 14.6.11", "a_timeout_expires_with_etime_and_not_early")
{
	static const long nanoseconds[] = { 1, 1000, 999999, 1000001, 20000000, 30500000 };
	int port = new_port();
	size_t i;
	for (i = 0; i < sizeof(nanoseconds) / sizeof(nanoseconds[0]); i++) {
		port_event_t pe = sentinel();
		struct timespec timeout = { 0, nanoseconds[i] };
		double start = monotonic();
		FAILS(port_get(port, &pe, &timeout), ETIME);
		TRUE(monotonic() - start >= (double)nanoseconds[i] / 1e9 - 1e-9);
		untouched(&pe);
		EQ(timeout.tv_nsec, nanoseconds[i]);
	}
}

CASE("2.4.1 2.5.2 13.3", "timeout_of_a_huge_length_is_legal")
{
	int port = new_port();
	port_event_t pe;
	struct waiter w;
	send_range(port, 1, 1);
	OK(port_get(port, &pe, TS((time_t)(~(uint64_t)0 >> 1), 999999999L)));
	waiter_start(&w, port, 1, TS((time_t)(~(uint64_t)0 >> 1), 999999999L), 1);
	send_range(port, 2, 2);
	waiter_join(&w);
	OK(w.result);
	EVENT(&w.list[0], PORT_SOURCE_USER, 0, 2, USER(2));
}

static sigjmp_buf fault;

static void on_fault(int signal)
{
	siglongjmp(fault, signal);
}

CASE("2.4.2", "an_invalid_timeout_pointer_faults")
{
	int port = new_port();
	struct sigaction action = { .sa_handler = on_fault };
	struct timespec *volatile nowhere = (struct timespec *)16;
	OK(sigaction(SIGSEGV, &action, NULL));
	if (sigsetjmp(fault, 1) == 0) {
		port_event_t pe;
		int result = port_get(port, &pe, nowhere);
		EQ(result, -99); /* not reached */
	}
	send_range(port, 1, 1);
	(void)take(port);
}

#if defined(__linux__) /* EFAULT on illumos, and for its port_get the event is lost */
CASE("2.5.15", "who_jumps_out_of_the_fault_of_a_wild_pointer_goes_on")
{
	int port = new_port();
	volatile int i;
	file_obj_t file = { .fo_name = (char *)16 };
	struct sigaction action = { .sa_handler = on_fault };
	void *volatile nowhere = (void *)16;
	OK(sigaction(SIGSEGV, &action, NULL));
	send_range(port, 1, 2);
	for (i = 0; i < 100; i++) {
		uint_t n = 1;
		if (sigsetjmp(fault, 1) != 0)
			continue;
		if (i % 4 == 0)
			OK(port_get(port, nowhere, NULL));
		else if (i % 4 == 1)
			OK(port_getn(port, nowhere, 1, &n, NULL));
		else if (i % 4 == 2)
			OK(port_getn(port, NULL, 1, nowhere, NULL));
		else
			OK(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&file, FILE_MODIFIED, NULL));
		TRUE(0); /* not reached */
	}
	EQ(queued(port), 2);
	EQ(take(port).portev_events, 1);
	EQ(take(port).portev_events, 2);
	file.fo_name = "/";
	OK(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&file, FILE_MODIFIED, NULL));
}
#endif
