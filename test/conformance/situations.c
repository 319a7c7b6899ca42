/*
 * Section 15: patterns of real programs, for the sources FD, USER and ALERT.
 * Those that are one clause and no more are tagged on that clause's case.
 */
#include "harness.h"

static void watch(int port, int fd, int events, void *user)
{
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd, events, user));
}

enum { FDS = 6 };

static void many_pipes(int fd[FDS][2])
{
	int i;
	for (i = 0; i < FDS; i++)
		new_pipe(fd[i]);
}

/* libevent: before each getn everything of the last batch is associated again. */
CASE("15.7 15.17 2.5.6 4.3", "batch_loop_that_re_associates_what_it_processed")
{
	int port = new_port(), fd[FDS][2], served[FDS] = { 0 }, round, i;
	port_event_t list[4];
	unsigned int n = 0, k;
	many_pipes(fd);
	for (i = 0; i < FDS; i++)
		watch(port, fd[i][0], POLLIN, USER(i));
	for (i = 0; i < FDS; i++) {
		for (round = 0; round < 10; round++)
			write_byte(fd[i][1]);
	}
	for (round = 0; round < FDS * 10;) {
		for (k = 0; k < n; k++)
			watch(port, (int)list[k].portev_object, POLLIN, list[k].portev_user);
		n = 1;
		OK(port_getn(port, list, 4, &n, NULL));
		TRUE(n >= 1 && n <= 4);
		for (k = 0; k < n; k++, round++) {
			read_byte((int)list[k].portev_object);
			served[(uintptr_t)list[k].portev_user]++;
		}
	}
	for (k = 0; k < n; k++)
		watch(port, (int)list[k].portev_object, POLLIN, list[k].portev_user);
	EMPTY(port);
	for (i = 0; i < FDS; i++)
		EQ(served[i], 10);
}

/* libev: a sentinel in the first event tells whether anything was stored. */
CASE("15.8 15.9 2.5.11", "sentinel_in_the_list_survives_every_empty_return")
{
	int port = new_port();
	port_event_t list[4];
	unsigned int n = 1;
	memset(list, 0, sizeof(list));
	FAILS(port_getn(port, list, 4, &n, MS(1)), ETIME);
	EQ(list[0].portev_source, 0);
	n = 1;
	OK(port_getn(port, list, 4, &n, NOWAIT));
	EQ(list[0].portev_source, 0);
	n = 1;
	FAILS(port_getn(port, list, 4, &n, BAD_TIMEOUT), EINVAL);
	EQ(list[0].portev_source, 0);
	EQ(n, 1);
}

/* libev: a close is silent, so the reused number must be associated anew. */
CASE("15.8 4.13 4.14", "always_associate_after_a_number_came_back")
{
	int port = new_port(), round;
	for (round = 0; round < 100; round++) {
		int fd[2];
		port_event_t pe;
		new_pipe(fd);
		watch(port, fd[0], POLLIN, USER(round));
		write_byte(fd[1]);
		if (round % 2 == 0) {
			pe = take_wait(port);
			EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(round));
		}
		close_fd(fd[0]);
		close_fd(fd[1]);
		EMPTY(port);
	}
	SLOTS(port, 0);
}

/* libuv: the three kinds of timeout on one loop. */
CASE("15.9 2.5.8 2.5.9 2.5.7", "getn_with_zero_finite_and_no_timeout")
{
	int port = new_port(), fd[2];
	port_event_t list[8];
	unsigned int n = 1;
	new_pipe(fd);
	watch(port, fd[0], POLLIN, USER(1));
	OK(port_getn(port, list, 8, &n, NOWAIT));
	EQ(n, 0);
	n = 1;
	FAILS(port_getn(port, list, 8, &n, MS(2)), ETIME);
	EQ(n, 0);
	write_byte(fd[1]);
	n = 1;
	OK(port_getn(port, list, 8, &n, NULL));
	EQ(n, 1);
	EVENT(&list[0], PORT_SOURCE_FD, fd[0], POLLIN, USER(1));
}

/* Go: associate nothing at open, then arm with the cookie unchanged; close is
 * dissociate with the answer ignored. */
CASE("15.10 2.3.2 2.2.6", "netpoll_arms_and_disarms")
{
	int port = new_port(), sv[2], round, descriptor;
	new_socketpair(sv);
	watch(port, sv[0], 0, &descriptor);
	EMPTY(port);
	for (round = 0; round < 20; round++) {
		port_event_t pe;
		watch(port, sv[0], POLLIN, &descriptor);
		EMPTY(port);
		write_byte(sv[1]);
		pe = take_wait(port);
		EVENT(&pe, PORT_SOURCE_FD, sv[0], POLLIN, &descriptor);
		watch(port, sv[0], POLLOUT, &descriptor);
		pe = take_wait(port);
		EVENT(&pe, PORT_SOURCE_FD, sv[0], POLLOUT, &descriptor);
		read_byte(sv[0]);
	}
	(void)port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)sv[0]);
	SLOTS(port, 0);
	close_fd(sv[0]);
	EMPTY(port);
}

CASE("15.10 2.5.9", "netpoll_takes_events_that_come_with_etime")
{
	int port = new_port(), fd[FDS][2], i;
	port_event_t list[128];
	unsigned int n = 128;
	many_pipes(fd);
	for (i = 0; i < FDS; i++) {
		watch(port, fd[i][0], POLLIN, USER(i));
		write_byte(fd[i][1]);
	}
	FAILS(port_getn(port, list, 128, &n, TS(0, 1000)), ETIME);
	EQ(n, FDS);
	EMPTY(port);
}

/* qpid: an alert interrupts all workers, and clearing it lets them go on. */
struct worker {
	int port;
	int alerts;
	int jobs;
	int stop;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	for (;;) {
		port_event_t pe;
		OK(port_get(w->port, &pe, NULL));
		if (pe.portev_source == PORT_SOURCE_USER && pe.portev_events == 0)
			return NULL;
		if (pe.portev_source == PORT_SOURCE_ALERT)
			__atomic_add_fetch(&w->alerts, 1, __ATOMIC_ACQ_REL);
		else
			__atomic_add_fetch(&w->jobs, 1, __ATOMIC_ACQ_REL);
	}
}

CASE("15.12 3.15 3.16", "an_alert_interrupts_all_workers")
{
	enum { WORKERS = 4 };
	struct worker w = { .port = new_port() };
	pthread_t threads[WORKERS];
	int i;
	for (i = 0; i < WORKERS; i++)
		EQ(pthread_create(&threads[i], NULL, work, &w), 0);
	await_waiters(w.port, WORKERS);
	OK(port_alert(w.port, PORT_ALERT_SET, 1, NULL));
	OK(port_alert(w.port, PORT_ALERT_SET, 0, NULL));
	while (__atomic_load_n(&w.alerts, __ATOMIC_ACQUIRE) < WORKERS)
		tick();
	await_waiters(w.port, WORKERS);
	TRUE(__atomic_load_n(&w.alerts, __ATOMIC_ACQUIRE) >= WORKERS); /* more while it was set: 3.16 */
	send_range(w.port, 1, 100);
	while (__atomic_load_n(&w.jobs, __ATOMIC_ACQUIRE) < 100)
		tick();
	for (i = 0; i < WORKERS; i++)
		OK(port_send(w.port, 0, NULL));
	for (i = 0; i < WORKERS; i++)
		EQ(pthread_join(threads[i], NULL), 0);
	EMPTY(w.port);
}

/* A consumer told to go by an alert that stays set, whatever is queued. */
static void *consume_until_alert(void *arg)
{
	port_event_t list[16];
	int port = *(int *)arg, taken = 0;
	for (;;) {
		unsigned int n = 16;
		OK(port_getn(port, list, 16, &n, NULL));
		if (list[0].portev_source == PORT_SOURCE_ALERT)
			return USER(taken);
		taken += (int)n;
	}
}

CASE("15.13 3.15", "an_alert_ends_consumers_at_teardown")
{
	int port = new_port(), i, taken = 0;
	pthread_t threads[3];
	for (i = 0; i < 3; i++)
		EQ(pthread_create(&threads[i], NULL, consume_until_alert, &port), 0);
	send_range(port, 1, 40);
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	for (i = 0; i < 3; i++) {
		void *count;
		EQ(pthread_join(threads[i], &count), 0);
		taken += (int)(uintptr_t)count;
	}
	OK(port_alert(port, 0, 0, NULL));
	EQ(queued(port), 40 - taken); /* each exactly once: taken or still there */
}

CASE("15.23 2.3.2 12.3", "retrieve_then_dissociate_frees_the_slot")
{
	int port = new_port_limit(1), fd[2];
	new_pipe(fd);
	write_byte(fd[1]);
	watch(port, fd[0], POLLIN, NULL);
	(void)take(port);
	FAILS(port_send(port, 1, NULL), EAGAIN);
	FAILS(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[0]), ENOENT);
	OK(port_send(port, 1, NULL));
}
