/*
 * Signals: EINTR whatever SA_RESTART says (2.5.10), and calls made from a
 * handler while the same thread is inside another call.
 */
#include "harness.h"

#include <sys/time.h>

static volatile sig_atomic_t handled;

static void note_signal(int signal)
{
	(void)signal;
	handled++;
}

static void handle(int signal, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	OK(sigaction(signal, &action, NULL));
}

/* Signals a thread until its call has returned: the signal may also come while
 * the thread is not blocked yet, and then it is only a handler that ran. */
static void interrupt(struct waiter *w)
{
	while (!waiter_done(w)) {
		EQ(pthread_kill(w->thread, SIGUSR1), 0);
		tick();
	}
	waiter_join(w);
	EQ(w->result, -1);
	EQ(w->error, EINTR);
	EQ(w->nget, w->want);
	EQ(w->list[0].portev_source, 0);
	TRUE(handled > 0);
}

static void interrupted_alone(int flags, const struct timespec *timeout)
{
	int port = new_port(), fd[2];
	struct waiter w;
	handle(SIGUSR1, note_signal, flags);
	/* user events alone */
	waiter_start(&w, port, 1, timeout, 1);
	interrupt(&w);
	await_waiters(port, 0);
	/* with a descriptor: the thread sleeps in the kernel's own wait */
	new_pipe(fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(1)));
	waiter_start(&w, port, 1, timeout, 1);
	interrupt(&w);
	write_byte(fd[1]);
	EQ(take_wait(port).portev_user, USER(1));
}

CASE("2.5.10 15.8", "eintr_without_restart")
{
	interrupted_alone(0, NULL);
	interrupted_alone(0, TS(100000, 0));
}

CASE("2.5.10 14.6.7", "eintr_though_the_handler_says_restart")
{
	interrupted_alone(SA_RESTART, NULL);
	interrupted_alone(SA_RESTART, TS(100000, 0));
}

static void interrupted_in_company(int flags)
{
	int port = new_port(), fd[2], round;
	handle(SIGUSR1, note_signal, flags);
	new_pipe(fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(1)));
	for (round = 0; round < 2; round++) {
		struct waiter w[2];
		waiter_start(&w[0], port, 1, NULL, 1);
		waiter_start(&w[1], port, 1, NULL, 2);
		interrupt(&w[round]); /* once the leader, once a follower */
		await_waiters(port, 1);
		EQ(waiter_done(&w[!round]), 0);
		write_byte(fd[1]); /* who is left watches the descriptor now */
		waiter_join(&w[!round]);
		OK(w[!round].result);
		EVENT(&w[!round].list[0], PORT_SOURCE_FD, fd[0], POLLIN, USER(1));
		read_byte(fd[0]);
		OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(1)));
	}
}

CASE("2.5.10 3.13", "eintr_of_leader_and_follower")
{
	interrupted_in_company(0);
}

CASE("2.5.10 3.13 14.6.7", "eintr_of_leader_and_follower_with_restart")
{
	interrupted_in_company(SA_RESTART);
}

CASE("2.5.10 2.5.11", "eintr_consumes_nothing")
{
	int port = new_port();
	struct waiter w;
	handle(SIGUSR1, note_signal, SA_RESTART);
	send_range(port, 1, 2);
	waiter_start(&w, port, 3, NULL, 1);
	interrupt(&w);
	EQ(queued(port), 2);
	EQ(take(port).portev_events, 1);
	EQ(take(port).portev_events, 2);
}

CASE("3.13 2.5.10 3.14", "a_waiter_that_leaves_by_signal_hands_the_wake_up_on")
{
	int port = new_port(), round;
	handle(SIGUSR1, note_signal, 0);
	for (round = 0; round < 500; round++) {
		struct waiter stays, leaves;
		waiter_start(&stays, port, 1, NULL, 1);
		waiter_start(&leaves, port, 1, NULL, 2); /* newest: signalled first */
		if (round % 2 == 0)
			EQ(pthread_kill(leaves.thread, SIGUSR1), 0);
		send_range(port, 1, 1);
		if (round % 2 != 0)
			EQ(pthread_kill(leaves.thread, SIGUSR1), 0);
		while (!waiter_done(&leaves)) {
			EQ(pthread_kill(leaves.thread, SIGUSR1), 0);
			tick();
		}
		waiter_join(&leaves);
		if (leaves.result == 0)
			send_range(port, 2, 2);
		else
			EQ(leaves.error, EINTR);
		waiter_join(&stays);
		OK(stays.result);
		EMPTY(port);
	}
}

/* A storm: the handler calls while the thread it interrupts is in any call. */
static int storm_port;
static int storm_sent;

static int storm_count(void)
{
	return __atomic_load_n(&storm_sent, __ATOMIC_ACQUIRE);
}

static void send_in_handler(int signal)
{
	int saved = errno;
	(void)signal;
	if (port_send(storm_port, 2, USER(storm_count())) == 0)
		__atomic_add_fetch(&storm_sent, 1, __ATOMIC_ACQ_REL);
	errno = saved;
}

static void alert_in_handler(int signal)
{
	int saved = errno;
	(void)signal;
	if (port_alert(storm_port, PORT_ALERT_SET, 1, USER(7)) == 0)
		__atomic_add_fetch(&storm_sent, 1, __ATOMIC_ACQ_REL);
	errno = saved;
}

static void set_alarm(long microseconds)
{
	struct itimerval every = { { 0, microseconds }, { 0, microseconds } };
	OK(setitimer(ITIMER_REAL, &every, NULL));
}

enum { FIRINGS = 1000 };

static int count_handler_events(const port_event_t *list, unsigned int n, int next,
    int *own)
{
	unsigned int i;
	for (i = 0; i < n; i++) {
		if (list[i].portev_events == 2)
			PTR_EQ(list[i].portev_user, USER(next++)); /* in order, none twice */
		else
			(*own)++;
	}
	return next;
}

CASE("2.6.1 3.14 9.3", "sends_from_a_handler_amid_sends_and_gets")
{
	int port = new_port(), sent = 0, received = 0, next = 0;
	port_event_t list[16];
	unsigned int n;
	storm_port = port;
	handle(SIGALRM, send_in_handler, SA_RESTART);
	set_alarm(150);
	while (storm_count() < FIRINGS) {
		OK(port_send(port, 1, NULL));
		sent++;
		n = take_all(port, list, 16);
		next = count_handler_events(list, n, next, &received);
	}
	set_alarm(0);
	while ((n = take_all(port, list, 16)) > 0)
		next = count_handler_events(list, n, next, &received);
	EQ(received, sent);
	EQ(next, storm_count());
	SLOTS(port, 0);
}

CASE("2.6.1 2.5.10 3.14", "sends_from_a_handler_amid_blocking_gets")
{
	int port = new_port(), fd[2], own = 0, next = 0;
	storm_port = port;
	new_pipe(fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL));
	handle(SIGALRM, send_in_handler, 0);
	set_alarm(200);
	while (next < FIRINGS) {
		port_event_t list[4];
		unsigned int n = 1;
		if (port_getn(port, list, 4, &n, NULL) != 0)
			EQ(errno, EINTR);
		else
			next = count_handler_events(list, n, next, &own);
	}
	set_alarm(0);
	while (queued(port) > 0) {
		port_event_t pe = take(port);
		next = count_handler_events(&pe, 1, next, &own);
	}
	EQ(next, storm_count());
	EQ(own, 0);
}

CASE("2.8.2 3.15 10.2", "alerts_from_a_handler_amid_sends_and_gets")
{
	int port = new_port(), sent = 0, received = 0, alerts = 0;
	storm_port = port;
	handle(SIGALRM, alert_in_handler, SA_RESTART);
	set_alarm(150);
	while (alerts < FIRINGS) {
		port_event_t pe;
		unsigned int n = 1;
		OK(port_send(port, 1, NULL));
		sent++;
		OK(port_getn(port, &pe, 1, &n, NOWAIT));
		EQ(n, 1);
		if (pe.portev_source == PORT_SOURCE_ALERT) {
			EVENT(&pe, PORT_SOURCE_ALERT, 0, 1, USER(7));
			alerts++;
			OK(port_alert(port, PORT_ALERT_SET, 0, NULL));
			/* keep the queue short */
			OK(port_getn(port, &pe, 1, &n, NOWAIT));
		}
		if (n == 1 && pe.portev_source == PORT_SOURCE_USER)
			received++;
	}
	set_alarm(0);
	OK(port_alert(port, PORT_ALERT_SET, 0, NULL));
	while (queued(port) > 0) {
		EQ(take(port).portev_source, PORT_SOURCE_USER);
		received++;
	}
	EQ(received, sent);
	TRUE(storm_count() >= alerts);
	SLOTS(port, 0);
}

CASE("3.15 2.8.2", "alerts_from_a_handler_amid_blocking_gets")
{
	int port = new_port(), alerts = 0;
	storm_port = port;
	handle(SIGALRM, alert_in_handler, SA_RESTART);
	set_alarm(200);
	while (alerts < FIRINGS) {
		port_event_t pe;
		if (port_get(port, &pe, NULL) != 0) {
			EQ(errno, EINTR);
			continue;
		}
		EVENT(&pe, PORT_SOURCE_ALERT, 0, 1, USER(7));
		alerts++;
		OK(port_alert(port, 0, 0, NULL));
	}
	set_alarm(0);
	OK(port_alert(port, 0, 0, NULL));
	EMPTY(port);
}

CASE("2.6.1 2.2.1 2.3.2", "sends_from_a_handler_amid_associations")
{
	int port = new_port(), fd[2], next = 0, fds = 0, expected = 0;
	storm_port = port;
	new_pipe(fd);
	write_byte(fd[1]);
	handle(SIGALRM, send_in_handler, SA_RESTART);
	set_alarm(150);
	while (storm_count() < FIRINGS) {
		port_event_t list[8];
		unsigned int n, i;
		OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL));
		OK(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[0]));
		OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL));
		expected++;
		n = take_all(port, list, 8);
		for (i = 0; i < n; i++) {
			if (list[i].portev_source == PORT_SOURCE_FD)
				fds++;
			else
				next = count_handler_events(&list[i], 1, next, &fds);
		}
	}
	set_alarm(0);
	while (queued(port) > 0) {
		port_event_t pe = take(port);
		if (pe.portev_source == PORT_SOURCE_FD)
			fds++;
		else
			next = count_handler_events(&pe, 1, next, &fds);
	}
	EQ(next, storm_count());
	TRUE(fds >= 1 && fds <= expected);
}

static void *storm_consumer(void *arg)
{
	int *counts = arg;
	for (;;) {
		port_event_t pe;
		if (port_get(storm_port, &pe, NULL) != 0) {
			EQ(errno, EINTR);
			continue;
		}
		if (pe.portev_source == PORT_SOURCE_ALERT)
			return NULL;
		counts[pe.portev_events]++;
	}
}

/* A POSIX timer's signals hit any of the threads, in any call. */
CASE("3.14 2.6.1 2.5.10", "sends_from_a_timer_signal_amid_threads")
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	struct itimerspec every = { { 0, 200000 }, { 0, 200000 } };
	int counts[3][3] = { { 0 } }, i, sent = 0;
	pthread_t threads[3];
	timer_t timer;
	storm_port = new_port();
	handle(SIGUSR2, send_in_handler, 0);
	OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
	for (i = 0; i < 3; i++)
		EQ(pthread_create(&threads[i], NULL, storm_consumer, counts[i]), 0);
	OK(timer_settime(timer, 0, &every, NULL));
	while (storm_count() < FIRINGS) {
		if (port_send(storm_port, 1, NULL) != 0) {
			EQ(errno, EAGAIN); /* ahead of the consumers */
			tick();
			continue;
		}
		sent++;
		if (sent % 64 == 0)
			(void)pthread_kill(threads[sent % 3], SIGUSR2);
		if (sent % 256 == 0)
			tick();
	}
	OK(timer_delete(timer));
	handle(SIGUSR2, SIG_IGN, 0);
	while (queued(storm_port) > 0)
		tick();
	OK(port_alert(storm_port, PORT_ALERT_SET, 1, NULL));
	for (i = 0; i < 3; i++)
		EQ(pthread_join(threads[i], NULL), 0);
	OK(port_alert(storm_port, 0, 0, NULL));
	while (queued(storm_port) > 0) /* of handlers that ended late, in threads that the alert ended */
		counts[0][take(storm_port).portev_events]++;
	EQ(counts[0][1] + counts[1][1] + counts[2][1], sent);
	EQ(counts[0][2] + counts[1][2] + counts[2][2], storm_count());
	SLOTS(storm_port, 0);
}

static volatile sig_atomic_t closed_in_handler[2]; /* descriptors */

static void close_in_handler(int signal)
{
	int saved = errno;
	(void)signal;
	(void)close(closed_in_handler[0]);
	(void)close(closed_in_handler[1]);
	closed_in_handler[0] = closed_in_handler[1] = -1;
	errno = saved;
}

/* close(2) may be called in a handler: it does not wait for the call that it came over. */
static void closed_under_its_own_waiter(int want, int company)
{
	int port = new_port(), fd[2], i;
	struct waiter w[3];
	handle(SIGUSR1, close_in_handler, 0);
	new_pipe(fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(1)));
	closed_in_handler[0] = port;
	closed_in_handler[1] = fd[0];
	for (i = 0; i <= company; i++)
		waiter_start(&w[i], port, want, NULL, i + 1);
	EQ(pthread_kill(w[company].thread, SIGUSR1), 0); /* alone it leads, else it follows */
	for (i = 0; i <= company; i++) {
		waiter_join(&w[i]);
		EQ(w[i].result, -1);
		EQ(w[i].error, EBADF);
	}
	FAILS(port_send(port, 1, NULL), EBADF);
	untrack(port);
	untrack(fd[0]);
	EMPTY(new_port()); /* and frees the other */
}

CASE("2.11.4 2.11.3 4.13", "a_handler_closes_the_port_that_its_thread_waits_at")
{
	closed_under_its_own_waiter(1, 0);
	closed_under_its_own_waiter(4, 0);
	closed_under_its_own_waiter(1, 1);
	closed_under_its_own_waiter(2, 2);
}

static int port_of[2];
static pthread_t waiter_at[2];
static int in_handler;

static void close_the_others_port(int signal)
{
	int saved = errno;
	(void)signal;
	__atomic_fetch_add(&in_handler, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&in_handler, __ATOMIC_SEQ_CST) != 2)
		;
	(void)close(port_of[pthread_equal(pthread_self(), waiter_at[0])]);
	errno = saved;
}

/* On illumos a handler runs when the call that it interrupted has left. */
CASE("2.11.4 2.11.3", "two_handlers_close_the_port_that_the_other_ones_thread_waits_at")
{
	struct waiter w[2];
	int i;
	handle(SIGUSR1, close_the_others_port, 0);
	for (i = 0; i < 2; i++) {
		port_of[i] = new_port();
		waiter_start(&w[i], port_of[i], 1, NULL, 1);
		waiter_at[i] = w[i].thread;
	}
	for (i = 0; i < 2; i++)
		EQ(pthread_kill(w[i].thread, SIGUSR1), 0);
	for (i = 0; i < 2; i++) {
		waiter_join(&w[i]);
		EQ(w[i].result, -1);
		TRUE(w[i].error == EBADF || w[i].error == EINTR); /* before the other one's close */
	}
	for (i = 0; i < 2; i++) {
		FAILS(port_send(port_of[i], 1, NULL), EBADF);
		untrack(port_of[i]);
	}
	EMPTY(new_port()); /* and frees the others */
}

/* Whatever its thread is at when the handler runs, others that wait on the number leave. */
CASE("2.11.4 2.11.3", "a_handler_closes_a_port_amid_calls_on_it")
{
	sigset_t alarms;
	int round;
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	handle(SIGALRM, close_in_handler, SA_RESTART);
	closed_in_handler[0] = closed_in_handler[1] = -1;
	set_alarm(200);
	for (round = 0; round < 500; round++) {
		int port = new_port();
		struct waiter w;
		EQ(pthread_sigmask(SIG_BLOCK, &alarms, NULL), 0);
		waiter_start(&w, port, 2, NULL, 1);
		EQ(pthread_sigmask(SIG_UNBLOCK, &alarms, NULL), 0);
		closed_in_handler[0] = port;
		while (port_alert(port, PORT_ALERT_SET, 0, NULL) == 0)
			;
		EQ(errno, EBADF);
		untrack(port);
		waiter_join(&w);
		EQ(w.result, -1);
		EQ(w.error, EBADF);
	}
	set_alarm(0);
	EMPTY(new_port());
}
