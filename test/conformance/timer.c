/* Section 6: events of timers, what they count and where they go. */
#include "timer.h"

CASE("6.1", "timer_create_tests_in_order")
{
	port_notify_t notify;
	int port = new_port_limit(1);
	struct sigevent good = to_port(&notify, port, NULL);
	struct sigevent no_notify = good, unknown = good;
	timer_t timer, none;
	no_notify.sigev_value.sival_ptr = NULL;
	unknown.sigev_notify = 77;
	FAILS(timer_create(12345, &no_notify, &timer), EINVAL);
	FAILS(timer_create(CLOCK_REALTIME, &no_notify, &timer), EFAULT);
	FAILS(timer_create(CLOCK_REALTIME, &unknown, &timer), EINVAL);
	notify.portnfy_port = closed_fd();
	FAILS(timer_create(CLOCK_REALTIME, &good, NULL), EBADF);
	notify.portnfy_port = new_file();
	FAILS(timer_create(CLOCK_REALTIME, &good, NULL), EBADFD);
	notify.portnfy_port = -1;
	FAILS(timer_create(CLOCK_REALTIME, &good, NULL), EBADF);
	notify.portnfy_port = port;
	FAILS(timer_create(CLOCK_REALTIME, &good, NULL), EFAULT);
	SLOTS(port, 0);
	OK(timer_create(CLOCK_REALTIME, &good, &timer));
	FAILS(timer_create(CLOCK_REALTIME, &good, NULL), EAGAIN);
	FAILS(timer_create(CLOCK_REALTIME, &good, &none), EAGAIN);
	SLOTS(port, 1);
	OK(timer_delete(timer));
	OK(timer_create(CLOCK_REALTIME, &good, &timer));
	OK(timer_delete(timer));
}

CASE("6.2 12.2 12.3", "a_timer_holds_one_slot_from_create_to_delete")
{
	port_notify_t notify;
	int port = new_port();
	struct sigevent event = to_port(&notify, port, USER(7));
	timer_t timer;
	OK(timer_create(CLOCK_REALTIME, &event, &timer));
	notify.portnfy_port = -1; /* it was copied */
	notify.portnfy_user = USER(8);
	SLOTS(port, 1);
	arm_past(timer);
	await_queued(port, 1);
	SLOTS(port, 1);
	EVENT(&(port_event_t[]){ take(port) }[0], PORT_SOURCE_TIMER, timer, 1, USER(7));
	SLOTS(port, 1);
	OK(timer_settime(timer, 0, LATER, NULL));
	SLOTS(port, 1);
	OK(timer_delete(timer));
	SLOTS(port, 0);
}

CASE("6.3 6.4 3.5 14.3.2 15.25", "expirations_unread_are_one_event_that_counts_them")
{
	int port = new_port();
	timer_t timer = new_timer(port, USER(1));
	port_event_t pe;
	arm_expired(timer, 10);
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_TIMER, timer, 10, USER(1));
	EMPTY(port);
	arm_expired(timer, 1);
	EQ(take_wait(port).portev_events, 1); /* counted from the last retrieval */
	EMPTY(port);
	OK(timer_delete(timer));
}

CASE("6.4 3.7", "the_count_is_taken_at_the_moment_of_retrieval")
{
	int port = new_port();
	timer_t timer = new_timer(port, NULL);
	double first;
	OK(timer_settime(timer, 0, TIMES(((struct timespec){ 0, 1000000 }),
	    ((struct timespec){ 0, 1000000 })), NULL));
	await_queued(port, 1);
	first = monotonic(); /* one has expired; twenty more will have */
	while (monotonic() < first + 0.0205)
		tick();
	EQ(queued(port), 1);
	TRUE(take(port).portev_events >= 21);
	OK(timer_delete(timer));
}

CASE("6.4", "the_count_saturates")
{
	int port = new_port();
	timer_t timer = new_timer(port, NULL);
	double first = monotonic();
	OK(timer_settime(timer, 0, TIMES(((struct timespec){ 0, 1 }),
	    ((struct timespec){ 0, 1 })), NULL));
	while (monotonic() < first + 2.2) /* more nanoseconds than INT_MAX */
		tick();
	EQ(take_wait(port).portev_events, INT_MAX);
	OK(timer_delete(timer));
}

static int64_t nanoseconds(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){ (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
}

/* What a timer would have done long before it was armed is one expiration. */
CASE("6.4 6.13", "an_absolute_time_long_past_is_one_expiration_and_keeps_its_phase")
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };
	int port = new_port(), i;
	for (i = 0; i < 2; i++) {
		timer_t timer = new_timer_on(clocks[i], port, USER(i));
		struct itimerspec left;
		struct timespec now;
		int64_t interval;
		OK(clock_gettime(clocks[i], &now));
		interval = nanoseconds(now) / 7 * 2; /* three have passed, the next is half of one away */
		OK(timer_settime(timer, TIMER_ABSTIME,
		    TIMES(timespec_of(interval), timespec_of(interval)), NULL));
		OK(timer_gettime(timer, &left));
		TRUE(nanoseconds(left.it_value) <= interval / 2 + 7);
		EQ(nanoseconds(left.it_interval), interval);
		EQ(take_wait(port).portev_events, 1);
		EMPTY(port);
		OK(timer_delete(timer));
	}
}

/* The second time of two is less than a second ago, on whatever machine. */
CASE("6.13 14.3.2", "times_just_past_are_expirations_of_the_high_resolution_clock")
{
	static const clockid_t clocks[] = { CLOCK_HIGHRES, CLOCK_REALTIME };
	int port = new_port(), i;
	for (i = 0; i < 2; i++) {
		timer_t timer = new_timer_on(clocks[i], port, USER(i));
		struct timespec before, after;
		int count;
		do { /* again where that took as long as a second */
			int64_t half;
			OK(clock_gettime(clocks[i], &before));
			half = nanoseconds(before) / 2;
			OK(timer_settime(timer, TIMER_ABSTIME, TIMES(timespec_of(half), timespec_of(half)), NULL));
			OK(clock_gettime(clocks[i], &after));
			count = take_wait(port).portev_events;
		} while (nanoseconds(after) - nanoseconds(before) >= 900000000);
		EQ(count, clocks[i] == CLOCK_HIGHRES ? 2 : 1);
		OK(timer_delete(timer));
	}
}

CASE("6.5 13.20", "overrun_is_zero")
{
	int port = new_port();
	timer_t timer = new_timer(port, NULL);
	OK(timer_getoverrun(timer));
	arm_expired(timer, 10);
	await_queued(port, 1);
	OK(timer_getoverrun(timer));
	(void)take(port);
	OK(timer_getoverrun(timer));
	OK(timer_delete(timer));
	FAILS(timer_getoverrun(timer), EINVAL);
}

CASE("6.6 14.3.1 15.25", "settime_keeps_a_queued_event_and_its_count")
{
	int port = new_port();
	timer_t timer = new_timer(port, USER(1));
	arm_expired(timer, 10);
	await_queued(port, 1);
	OK(timer_settime(timer, 0, LATER, NULL));
	EQ(queued(port), 1);
	arm_past(timer); /* one more, of the new arming */
	OK(timer_settime(timer, 0, OFF, NULL));
	EQ(queued(port), 1);
	EQ(take(port).portev_events, 11);
	EMPTY(port);
	OK(timer_delete(timer));
}

CASE("6.6", "settime_keeps_expirations_that_nobody_looked_at")
{
	int port = new_port();
	timer_t timer = new_timer(port, NULL);
	arm_expired(timer, 4);
	OK(timer_settime(timer, 0, LATER, NULL)); /* over to another clock, besides */
	EQ(take_wait(port).portev_events, 4);
	EMPTY(port);
	arm_expired(timer, 3);
	OK(timer_settime(timer, 0, OFF, NULL));
	EQ(take_wait(port).portev_events, 3);
	EMPTY(port);
	arm_expired(timer, 2);
	arm_expired(timer, 5);
	EQ(take_wait(port).portev_events, 7);
	OK(timer_delete(timer));
}

CASE("6.7 12.3", "delete_removes_a_queued_event")
{
	int port = new_port();
	timer_t timer = new_timer(port, NULL), other = new_timer(port, USER(2));
	arm_past(timer);
	await_queued(port, 1);
	arm_past(other);
	await_queued(port, 2);
	OK(timer_delete(timer));
	EQ(queued(port), 1);
	SLOTS(port, 1);
	EQ(take(port).portev_user, USER(2));
	EMPTY(port);
	FAILS(timer_delete(timer), EINVAL);
	OK(timer_delete(other));
}

CASE("6.7", "delete_of_one_that_expired_unseen_leaves_nothing")
{
	int port = new_port();
	timer_t timer = new_timer(port, NULL);
	arm_past(timer);
	OK(timer_delete(timer));
	EMPTY(port);
	SLOTS(port, 0);
}

CASE("6.8", "a_periodic_timer_goes_on_by_itself")
{
	int port = new_port(), i;
	timer_t timer = new_timer(port, NULL);
	OK(timer_settime(timer, 0, TIMES(((struct timespec){ 0, 500000 }),
	    ((struct timespec){ 0, 500000 })), NULL));
	for (i = 0; i < 20; i++)
		TRUE(take_wait(port).portev_events >= 1);
	OK(timer_settime(timer, 0, OFF, NULL));
	while (queued(port) > 0) /* the last one may have come meanwhile */
		(void)take(port);
	EMPTY(port);
	OK(timer_delete(timer));
}

CASE("6.13 3.1", "timers_that_expired_come_in_the_order_of_their_times")
{
	enum { COUNT = 50 };
	int port = new_port(), i;
	timer_t timer[COUNT];
	port_event_t list[COUNT];
	for (i = 0; i < COUNT; i++) {
		timer[i] = new_timer(port, USER(i * 7 % COUNT));
		OK(timer_settime(timer[i], TIMER_ABSTIME,
		    TIMES(((struct timespec){ 1, i * 7 % COUNT }), SECONDS(0)), NULL));
	}
	while (queued(port) < COUNT)
		tick();
	EQ(take_all(port, list, COUNT), COUNT);
	for (i = 0; i < COUNT; i++)
		PTR_EQ(list[i].portev_user, USER(i));
	for (i = 0; i < COUNT; i++)
		OK(timer_delete(timer[i]));
}

/* A waiter is asleep, and knows of no timer, or of later ones only. */
CASE("6.3 3.10", "a_timer_armed_under_a_waiter_wakes_it")
{
	int port = new_port();
	timer_t timer = new_timer(port, USER(1)), later = new_timer(port, USER(2));
	struct waiter w;
	waiter_start(&w, port, 1, NULL, 1);
	arm_past(timer);
	waiter_join(&w);
	EVENT(&w.list[0], PORT_SOURCE_TIMER, timer, 1, USER(1));
	OK(timer_settime(later, 0, LATER, NULL));
	waiter_start(&w, port, 1, NULL, 1);
	OK(timer_settime(timer, 0, TIMES(((struct timespec){ 0, 1000 }), SECONDS(0)), NULL));
	waiter_join(&w);
	EVENT(&w.list[0], PORT_SOURCE_TIMER, timer, 1, USER(1));
	OK(timer_delete(timer));
	OK(timer_delete(later));
}

/* Whoever reads its own timer leaves nothing behind that keeps the port readable. */
CASE("2.10.1 2.10.3 6.3", "a_port_whose_timer_was_told_is_not_readable")
{
	int outer = new_port(), port = new_port(), round;
	timer_t timer = new_timer(port, NULL);
	for (round = 0; round < 10; round++) {
		arm_past(timer);
		(void)take_wait(port);
		EQ(poll_now(port, POLLIN), 0);
		EQ(queued(port), 0);
		EQ(poll_now(port, POLLIN), 0);
		OK(port_associate(outer, PORT_SOURCE_FD, (uintptr_t)port, POLLIN, NULL));
		EMPTY(outer);
	}
	OK(timer_delete(timer));
}

CASE("15.11 6.4", "a_periodic_timer_beside_descriptors")
{
	int port = new_port(), fd[2], ticks = 0, reads = 0;
	timer_t timer = new_timer(port, USER(1));
	new_pipe(fd);
	OK(timer_settime(timer, 0, TIMES(((struct timespec){ 0, 1000000 }),
	    ((struct timespec){ 0, 1000000 })), NULL));
	while (ticks < 10 || reads < 100) {
		port_event_t pe;
		OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(2)));
		if (reads < 100)
			write_byte(fd[1]);
		pe = take_wait(port);
		if (pe.portev_source == PORT_SOURCE_TIMER) {
			TRUE(pe.portev_events >= 1);
			ticks += pe.portev_events;
		} else {
			EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(2));
			read_byte(fd[0]);
			reads++;
			while (poll_now(fd[0], POLLIN)) /* written while the timer came first */
				read_byte(fd[0]);
		}
	}
	OK(timer_delete(timer));
}

CASE("2.5.6 2.5.8", "a_timer_comes_with_the_descriptor_that_the_same_call_finds")
{
	int port = new_port(), fd[2];
	port_event_t list[4];
	unsigned int n = 1;
	timer_t timer = new_timer(port, USER(1));
	new_pipe(fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(2)));
	EMPTY(port);
	write_byte(fd[1]);
	arm_past(timer);
	while (!poll_now(fd[0], POLLIN) || !poll_now(port, POLLIN))
		continue;
	OK(port_getn(port, list, 4, &n, NOWAIT));
	EQ(n, 2);
	OK(timer_delete(timer));
}
