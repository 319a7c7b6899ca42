/* Section 6: whose a timer is, how long it lives, what its calls answer. */
#include "timer.h"

#include <sys/resource.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif
#include <sys/wait.h>

static void await_child(pid_t child)
{
	int status;
	EQ(waitpid(child, &status, 0), child);
	TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

CASE("6.9 14.3.5", "a_child_has_none_of_its_parents_timers")
{
	int port = new_port();
	timer_t timer = new_timer(port, USER(1));
	pid_t child;
	OK(timer_settime(timer, 0, LATER, NULL));
	child = fork();
	if (child == 0) {
		struct itimerspec left;
		timer_t own;
		FAILS(timer_gettime(timer, &left), EINVAL);
		FAILS(timer_delete(timer), EINVAL);
		own = new_timer(port, USER(2));
		arm_past(own);
		EQ(take_wait(port).portev_user, USER(2));
		OK(timer_delete(own));
		_exit(0);
	}
	await_child(child);
	arm_past(timer);
	EQ(take_wait(port).portev_user, USER(1));
	OK(timer_delete(timer));
}

CASE("6.9 3.2", "another_process_skips_the_event_of_a_timer")
{
	int port = new_port();
	timer_t timer = new_timer(port, USER(1));
	pid_t child;
	arm_past(timer);
	await_queued(port, 1);
	OK(port_send(port, 5, USER(2)));
	child = fork();
	if (child == 0) {
		port_event_t pe = take(port);
		EVENT(&pe, PORT_SOURCE_USER, 0, 5, USER(2));
		FAILS(port_get(port, &pe, TS(0, 1000)), ETIME);
		_exit(0);
	}
	await_child(child);
	EVENT(&(port_event_t[]){ take(port) }[0], PORT_SOURCE_TIMER, timer, 1, USER(1));
	OK(timer_delete(timer));
}

/* The child waits in the kernel for both: what it finds there of ours must come
 * to us, though it can't read it. */
CASE("6.9 11.2", "another_process_that_waits_takes_no_expiration_away")
{
	int port = new_port(), ready[2], i;
	timer_t timer = new_timer(port, USER(1));
	pid_t child;
	new_pipe(ready);
	child = fork();
	if (child == 0) {
		port_event_t pe;
		timer_t own = new_timer(port, NULL);
		OK(timer_settime(own, 0, LATER, NULL));
		write_byte(ready[1]);
		OK(port_get(port, &pe, NULL));
		EQ(pe.portev_events, 9);
		_exit(0);
	}
	read_byte(ready[0]);
	while (poll_now(port, POLLIN))
		tick();
	for (i = 0; i < 50; i++) {
		OK(timer_settime(timer, 0, TIMES(((struct timespec){ 0, 200000 }), SECONDS(0)), NULL));
		if (i % 2) { /* also when we come late, and when we poll for it */
			struct pollfd pfd = { port, POLLIN, 0 };
			EQ(poll(&pfd, 1, -1), 1);
		}
		EVENT(&(port_event_t[]){ take_wait(port) }[0], PORT_SOURCE_TIMER, timer, 1, USER(1));
	}
	OK(timer_delete(timer));
	OK(port_send(port, 9, NULL));
	await_child(child);
}

CASE("6.11", "a_timer_outlives_its_port_without_notification")
{
	int port = new_port(), again;
	timer_t timer = new_timer(port, NULL);
	struct itimerspec left;
	arm_expired(timer, 3);
	await_queued(port, 1);
	close_port(port);
	again = new_port();
	EQ(again, port);
	OK(timer_gettime(timer, &left));
	TRUE(left.it_value.tv_sec > 0 && left.it_value.tv_sec < 3600);
	EQ(left.it_interval.tv_sec, 3600);
	arm_past(timer);
	OK(timer_gettime(timer, &left));
	EQ(left.it_value.tv_sec, 0);
	EQ(left.it_value.tv_nsec, 0);
	OK(timer_settime(timer, 0, LATER, &left));
	OK(timer_settime(timer, 0, OFF, &left));
	TRUE(left.it_value.tv_sec >= 3590);
	OK(timer_getoverrun(timer));
	EMPTY(again);
	SLOTS(again, 0);
	OK(timer_delete(timer));
	FAILS(timer_delete(timer), EINVAL);
	timer = new_timer(again, USER(3));
	arm_past(timer);
	EQ(take_wait(again).portev_user, USER(3));
	OK(timer_delete(timer));
}

static timer_t timer_through_a_dup_that_is_closed(int *port)
{
	timer_t timer;
	int other = dup(*port = new_port());
	timer = new_timer(other, USER(1));
	close_fd(other);
	arm_past(timer);
	return timer;
}

CASE("6.12 6.11", "not_detached_with_a_descriptor_of_the_port_default_profile")
{
	int port;
	timer_t timer;
	use_profile("default");
	timer = timer_through_a_dup_that_is_closed(&port);
	EQ(take_wait(port).portev_user, USER(1));
	OK(timer_delete(timer));
}

CASE("6.12 6.11 2.11.2", "detached_with_any_descriptor_of_the_port_strict_profile")
{
	int port;
	timer_t timer, again;
	use_profile("strict");
	timer = timer_through_a_dup_that_is_closed(&port);
	SLOTS(port, 0);
	EMPTY(port);
	again = new_timer(port, USER(2)); /* the port itself goes on */
	arm_past(again);
	EQ(take_wait(port).portev_user, USER(2));
	OK(timer_delete(timer));
	OK(timer_delete(again));
}

CASE("6.13", "gettime_tells_what_is_left_and_zero_disarms")
{
	int port = new_port();
	timer_t timer = new_timer(port, NULL);
	struct itimerspec left;
	OK(timer_gettime(timer, &left));
	EQ(left.it_value.tv_sec + left.it_value.tv_nsec + left.it_interval.tv_sec, 0);
	OK(timer_settime(timer, 0, TIMES(SECONDS(1000), SECONDS(7)), &left));
	EQ(left.it_value.tv_sec + left.it_value.tv_nsec, 0);
	OK(timer_gettime(timer, &left));
	TRUE(left.it_value.tv_sec <= 1000 && left.it_value.tv_sec >= 990);
	EQ(left.it_interval.tv_sec, 7);
	OK(timer_settime(timer, 0, TIMES(SECONDS(0), SECONDS(7)), &left));
	TRUE(left.it_value.tv_sec >= 990);
	EQ(left.it_interval.tv_sec, 7);
	OK(timer_gettime(timer, &left));
	EQ(left.it_value.tv_sec + left.it_value.tv_nsec + left.it_interval.tv_sec, 0);
	EMPTY(port);
	arm_expired(timer, 5);
	OK(timer_gettime(timer, &left)); /* the next hour, half an hour on */
	TRUE(left.it_value.tv_sec <= 1800 && left.it_value.tv_sec >= 1790);
	EQ(left.it_interval.tv_sec, 3600);
	OK(timer_delete(timer));
}

CASE("6.13", "times_that_are_none_are_einval_and_change_nothing")
{
	int port = new_port();
	timer_t timer = new_timer(port, NULL);
	struct itimerspec left;
	OK(timer_settime(timer, 0, LATER, NULL));
	(void)memset(&left, 0, sizeof(left));
	FAILS(timer_settime(timer, 0, TIMES(SECONDS(-1), SECONDS(0)), &left), EINVAL);
	TRUE(left.it_value.tv_sec >= 3590); /* told all the same */
	FAILS(timer_settime(timer, 0, TIMES(((struct timespec){ 0, 1000000000 }), SECONDS(0)), NULL), EINVAL);
	FAILS(timer_settime(timer, 0, TIMES(((struct timespec){ 0, -1 }), SECONDS(0)), NULL), EINVAL);
	FAILS(timer_settime(timer, 0, TIMES(SECONDS(1), SECONDS(-1)), NULL), EINVAL);
	FAILS(timer_settime(timer, TIMER_ABSTIME, TIMES(SECONDS(1), ((struct timespec){ 0, 1000000000 })), NULL), EINVAL);
	OK(timer_gettime(timer, &left));
	TRUE(left.it_value.tv_sec >= 3590);
	OK(timer_settime(timer, 0, TIMES(SECONDS(0), SECONDS(-1)), NULL)); /* no interval of anything */
	OK(timer_gettime(timer, &left));
	EQ(left.it_value.tv_sec + left.it_interval.tv_sec, 0);
	EMPTY(port);
#if defined(__linux__)
	FAILS(timer_settime(timer, 0, NULL, NULL), EFAULT);
	FAILS(timer_gettime(timer, NULL), EFAULT);
#endif
	OK(timer_delete(timer));
}

CASE("6.13", "times_beyond_what_a_clock_can_show_never_come")
{
	int port = new_port();
	timer_t timer = new_timer(port, NULL);
	struct itimerspec left;
	time_t most = sizeof(time_t) == 8 ? (time_t)INT64_MAX : (time_t)INT32_MAX;
	OK(timer_settime(timer, 0, TIMES(SECONDS(most), SECONDS(most)), NULL));
	OK(timer_gettime(timer, &left));
	TRUE(left.it_value.tv_sec > 1000000000);
	OK(timer_settime(timer, TIMER_ABSTIME, TIMES(((struct timespec){ most, 999999999 }), SECONDS(0)), NULL));
	OK(timer_gettime(timer, &left));
	TRUE(left.it_value.tv_sec > 1000000000);
	EMPTY(port);
	OK(timer_settime(timer, TIMER_ABSTIME, TIMES(SECONDS(1), SECONDS(most)), NULL));
	EQ(take_wait(port).portev_events, 1);
	EMPTY(port);
	OK(timer_delete(timer));
}

/* Of the high-resolution clock; the wall clock is asked for nothing it can't show (above). */
CASE("6.13", "a_rhythm_beyond_what_a_clock_can_show_overflows")
{
	int port = new_port();
	timer_t timer = new_timer_on(CLOCK_MONOTONIC, port, NULL);
	struct itimerspec left;
	struct timespec most = { (time_t)(INT64_MAX / 1000000000), 0 }, now;
	if (sizeof(time_t) < 8)
		return;
	OK(timer_settime(timer, 0, LATER, NULL));
	FAILS(timer_settime(timer, TIMER_ABSTIME, TIMES(SECONDS(1), most), NULL), EOVERFLOW);
	FAILS(timer_settime(timer, 0, TIMES(SECONDS(1), most), NULL), EOVERFLOW);
	OK(clock_gettime(CLOCK_MONOTONIC, &now));
	most.tv_sec -= now.tv_sec;
	FAILS(timer_settime(timer, 0, TIMES(SECONDS(1), most), NULL), EOVERFLOW);
	OK(timer_gettime(timer, &left));
	TRUE(left.it_value.tv_sec >= 3590);
	OK(timer_settime(timer, TIMER_ABSTIME, TIMES(most, SECONDS(0)), NULL));
	OK(timer_settime(timer, TIMER_ABSTIME, TIMES(SECONDS(1), most), NULL));
	EQ(take_wait(port).portev_events, 1);
	OK(timer_delete(timer));
}

CASE("6.1 6.13 14.3.4", "clocks_by_absolute_and_relative_times")
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC,
#if defined(__linux__)
		CLOCK_BOOTTIME,
#endif
	};
	int port = new_port();
	unsigned int i;
	for (i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		struct timespec now;
		timer_t timer = new_timer_on(clocks[i], port, USER(i));
		OK(timer_settime(timer, 0, TIMES(((struct timespec){ 0, 1 }), SECONDS(0)), NULL));
		EQ(take_wait(port).portev_user, USER(i));
		OK(clock_gettime(clocks[i], &now));
		OK(timer_settime(timer, TIMER_ABSTIME, TIMES(now, SECONDS(0)), NULL));
		EQ(take_wait(port).portev_user, USER(i));
		now.tv_sec += 1000;
		OK(timer_settime(timer, TIMER_ABSTIME, TIMES(now, SECONDS(0)), NULL));
		EMPTY(port);
		OK(timer_delete(timer));
	}
}

#if defined(__linux__)
CASE("6.1", "clocks_that_no_timer_of_a_port_can_follow")
{
	port_notify_t notify;
	int port = new_port();
	struct sigevent event = to_port(&notify, port, NULL);
	timer_t timer;
	FAILS(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer), ENOTSUP);
	FAILS(timer_create(CLOCK_MONOTONIC_COARSE, &event, &timer), ENOTSUP);
	FAILS(timer_create(CLOCK_TAI, &event, &timer), ENOTSUP);
	FAILS(timer_create(-1, &event, &timer), EINVAL);
	if (geteuid() == 0)
		EQ(setuid(65534), 0);
	FAILS(timer_create(CLOCK_BOOTTIME_ALARM, &event, &timer), EPERM);
	SLOTS(port, 0);
}

CASE("6.1", "a_full_descriptor_table_is_emfile_and_leaves_nothing")
{
	port_notify_t notify;
	int port = new_port();
	struct sigevent event = to_port(&notify, port, USER(1));
	struct rlimit limit;
	timer_t timer;
	rlim_t before;
	OK(getrlimit(RLIMIT_NOFILE, &limit));
	before = limit.rlim_cur;
	limit.rlim_cur = (rlim_t)closed_fd();
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	FAILS(timer_create(CLOCK_MONOTONIC, &event, &timer), EMFILE);
	SLOTS(port, 0);
	limit.rlim_cur = before;
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
	arm_past(timer);
	EQ(take_wait(port).portev_user, USER(1));
	OK(timer_delete(timer));
}

/* What a port is told of its timers by is there when they are made, or they are not. */
CASE("6.1 12.4", "a_timer_that_the_kernel_will_not_tell_of_is_eagain")
{
	pid_t child = fork();
	if (child == 0) {
		port_notify_t notify;
		int port = port_create();
		struct sigevent event = to_port(&notify, port, NULL);
		timer_t timer;
		deny(SYS_epoll_ctl, ENOSPC); /* fs.epoll.max_user_watches is reached */
		FAILS(timer_create(CLOCK_MONOTONIC, &event, &timer), EAGAIN);
		SLOTS(port, 0);
		_exit(0);
	}
	await_child(child);
}
#endif

static volatile sig_atomic_t signalled;

static void note_signal(int signal)
{
	(void)signal;
	signalled++;
}

CASE("14.3.3", "timers_that_are_not_of_a_port_are_left_to_libc")
{
	struct sigevent event;
	struct itimerspec left;
	timer_t silent, loud, plain;
	struct sigaction action;
	(void)memset(&event, 0, sizeof(event));
	(void)memset(&action, 0, sizeof(action));
	action.sa_handler = note_signal;
	OK(sigaction(SIGUSR2, &action, NULL));
	OK(sigaction(SIGALRM, &action, NULL));
	event.sigev_notify = SIGEV_NONE;
	OK(timer_create(CLOCK_REALTIME, &event, &silent));
	OK(timer_settime(silent, 0, LATER, NULL));
	OK(timer_gettime(silent, &left));
	TRUE(left.it_value.tv_sec >= 3590);
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = SIGUSR2;
	OK(timer_create(CLOCK_REALTIME, &event, &loud));
	OK(timer_settime(loud, 0, TIMES(((struct timespec){ 0, 1000 }), SECONDS(0)), NULL));
	while (signalled < 1)
		tick();
	OK(timer_create(CLOCK_REALTIME, NULL, &plain)); /* SIGALRM */
	OK(timer_settime(plain, 0, TIMES(((struct timespec){ 0, 1000 }), SECONDS(0)), NULL));
	while (signalled < 2)
		tick();
	OK(timer_getoverrun(plain));
	OK(timer_delete(silent));
	OK(timer_delete(loud));
	OK(timer_delete(plain));
	TRUE(timer_delete(plain) != 0); /* musl: the kernel's own answer */
}

CASE("6.1 6.7 14.3.3", "an_id_names_one_timer_only")
{
	enum { COUNT = 100 };
	int port = new_port(), i, j;
	timer_t old[COUNT], fresh[COUNT];
	struct itimerspec left;
	for (i = 0; i < COUNT; i++)
		old[i] = new_timer(port, NULL);
	for (i = 0; i < COUNT; i++)
		OK(timer_delete(old[i]));
	for (i = 0; i < COUNT; i++)
		fresh[i] = new_timer(port, NULL);
	for (i = 0; i < COUNT; i++) {
		for (j = 0; j < COUNT; j++)
			TRUE(old[i] != fresh[j]);
		FAILS(timer_settime(old[i], 0, LATER, NULL), EINVAL);
		FAILS(timer_gettime(old[i], &left), EINVAL);
		OK(timer_gettime(fresh[i], &left));
		EQ(left.it_value.tv_sec, 0);
	}
	SLOTS(port, COUNT);
	for (i = 0; i < COUNT; i++)
		OK(timer_delete(fresh[i]));
}

CASE("6.10 2.0.3", "a_timer_is_no_object_to_associate")
{
	int port = new_port();
	timer_t timer = new_timer(port, NULL);
	FAILS(port_associate(port, PORT_SOURCE_TIMER, (uintptr_t)timer, 1, NULL), EINVAL);
	FAILS(port_dissociate(port, PORT_SOURCE_TIMER, (uintptr_t)timer), EINVAL);
	SLOTS(port, 1);
	OK(timer_delete(timer));
}
