/* Timers from many threads at once, and from signal handlers. */
#include "timer.h"

#include <sys/time.h>

enum { ARMERS = 3, TAKERS = 2, TIMERS = 20, ROUNDS = 200 };

struct crowd {
	int port;
	int stop;
	long taken; /* expirations */
};

/* Arms each of its timers for a past time again and again: every arming is one
 * expiration that must be counted once. */
static void *arm_often(void *arg)
{
	struct crowd *crowd = arg;
	timer_t timer[TIMERS];
	int i, round;
	for (i = 0; i < TIMERS; i++)
		timer[i] = new_timer(crowd->port, NULL);
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < TIMERS; i++)
			arm_past(timer[i]);
	for (i = 0; i < TIMERS; i++) /* the last one is counted before it is let be */
		OK(timer_settime(timer[i], 0, LATER, NULL));
	return NULL;
}

static void *take_often(void *arg)
{
	struct crowd *crowd = arg;
	for (;;) {
		port_event_t list[16];
		unsigned int n = 1, i;
		OK(port_getn(crowd->port, list, 16, &n, NULL));
		for (i = 0; i < n; i++) {
			if (list[i].portev_source == PORT_SOURCE_ALERT)
				return NULL;
			EQ(list[i].portev_source, PORT_SOURCE_TIMER);
			TRUE(list[i].portev_events >= 1);
			__atomic_add_fetch(&crowd->taken, list[i].portev_events, __ATOMIC_ACQ_REL);
		}
	}
}

static void end_takers(int port, pthread_t *takers)
{
	int i;
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	for (i = 0; i < TAKERS; i++)
		EQ(pthread_join(takers[i], NULL), 0);
	OK(port_alert(port, PORT_ALERT_SET, 0, NULL));
}

CASE("2.0.4 6.3 6.4 6.6", "threads_arm_and_take_and_no_expiration_is_lost")
{
	struct crowd crowd = { new_port(), 0, 0 };
	pthread_t armers[ARMERS], takers[TAKERS];
	int i;
	for (i = 0; i < TAKERS; i++)
		EQ(pthread_create(&takers[i], NULL, take_often, &crowd), 0);
	for (i = 0; i < ARMERS; i++)
		EQ(pthread_create(&armers[i], NULL, arm_often, &crowd), 0);
	for (i = 0; i < ARMERS; i++)
		EQ(pthread_join(armers[i], NULL), 0);
	while (__atomic_load_n(&crowd.taken, __ATOMIC_ACQUIRE) < (long)ARMERS * TIMERS * ROUNDS)
		tick();
	EMPTY(crowd.port);
	end_takers(crowd.port, takers);
	EQ(crowd.taken, (long)ARMERS * TIMERS * ROUNDS);
	SLOTS(crowd.port, ARMERS * TIMERS);
}

/* Timers made, armed and deleted while others take: none speaks after its end. */
static void *come_and_go(void *arg)
{
	struct crowd *crowd = arg;
	int round;
	for (round = 0; round < 2000; round++) {
		timer_t timer = new_timer(crowd->port, NULL);
		arm_past(timer);
		OK(timer_delete(timer));
		FAILS(timer_settime(timer, 0, LATER, NULL), EINVAL);
	}
	return NULL;
}

CASE("2.0.4 6.7", "threads_make_and_delete_timers_that_others_wait_for")
{
	struct crowd crowd = { new_port(), 0, 0 };
	pthread_t comers[ARMERS], takers[TAKERS];
	int i;
	for (i = 0; i < TAKERS; i++)
		EQ(pthread_create(&takers[i], NULL, take_often, &crowd), 0);
	for (i = 0; i < ARMERS; i++)
		EQ(pthread_create(&comers[i], NULL, come_and_go, &crowd), 0);
	for (i = 0; i < ARMERS; i++)
		EQ(pthread_join(comers[i], NULL), 0);
	end_takers(crowd.port, takers);
	EMPTY(crowd.port);
	SLOTS(crowd.port, 0);
}

static void *arm_until_stopped(void *arg)
{
	struct crowd *crowd = arg;
	while (!__atomic_load_n(&crowd->stop, __ATOMIC_ACQUIRE)) {
		port_notify_t notify;
		struct sigevent event = to_port(&notify, crowd->port, NULL);
		timer_t timer;
		if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) {
			TRUE(errno == EBADF || errno == EBADFD);
			continue;
		}
		arm_past(timer);
		OK(timer_settime(timer, 0, LATER, NULL));
		OK(timer_delete(timer));
	}
	return NULL;
}

CASE("2.0.4 6.11", "ports_closed_under_threads_that_use_their_timers")
{
	struct crowd crowd = { new_port(), 0, 0 };
	pthread_t armers[ARMERS];
	int i, round, port;
	for (i = 0; i < ARMERS; i++)
		EQ(pthread_create(&armers[i], NULL, arm_until_stopped, &crowd), 0);
	for (round = 0; round < 200; round++) {
		close_port(crowd.port);
		/* The same number, for the threads to go on with: one of them may just be using it to
		   look whether the former is a port that came through exec. */
		while ((port = new_port()) != crowd.port)
			close_port(port);
		tick();
	}
	__atomic_store_n(&crowd.stop, 1, __ATOMIC_RELEASE);
	for (i = 0; i < ARMERS; i++)
		EQ(pthread_join(armers[i], NULL), 0);
	EMPTY(crowd.port);
	SLOTS(crowd.port, 0);
}

static timer_t handled_timer;
static int handler_runs, handler_refused;

static void arm_in_handler(int signal)
{
	int saved = errno;
	(void)signal;
	if (timer_settime(handled_timer, 0, LATER, NULL) != 0) {
		EQ(errno, EAGAIN);
		handler_refused++;
	}
	(void)timer_getoverrun(handled_timer);
	__atomic_add_fetch(&handler_runs, 1, __ATOMIC_ACQ_REL);
	errno = saved;
}

/* A handler that interrupts the library is told so; never a deadlock. */
CASE("6.6", "timer_calls_from_a_handler_amid_timer_calls")
{
	int port = new_port();
	timer_t timer = new_timer(port, NULL);
	struct itimerval every = { { 0, 100 }, { 0, 100 } }, off = { { 0, 0 }, { 0, 0 } };
	struct sigaction action;
	handled_timer = new_timer(port, NULL);
	(void)memset(&action, 0, sizeof(action));
	action.sa_handler = arm_in_handler;
	action.sa_flags = SA_RESTART;
	OK(sigaction(SIGALRM, &action, NULL));
	OK(setitimer(ITIMER_REAL, &every, NULL));
	while (__atomic_load_n(&handler_runs, __ATOMIC_ACQUIRE) < 1000) {
		arm_past(timer);
		(void)take_wait(port);
		OK(timer_settime(timer, 0, LATER, NULL));
	}
	OK(setitimer(ITIMER_REAL, &off, NULL));
	TRUE(handler_refused < 1000);
	EMPTY(port);
	OK(timer_delete(timer));
	OK(timer_delete(handled_timer));
}
