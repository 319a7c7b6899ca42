/* Many threads at one port: exactly once, nothing lost, nobody asleep on it. */
#include "harness.h"

enum { PRODUCERS = 4, CONSUMERS = 4, EACH = 20000, ALL = PRODUCERS * EACH };

struct crowd {
	int port;
	unsigned int max;
	long timeout; /* nanoseconds, 0: none */
	int taken;
	unsigned char seen[ALL];
};

struct member {
	struct crowd *crowd;
	int id;
};

static struct crowd crowd;

static void *produce(void *arg)
{
	struct member *m = arg;
	int i;
	for (i = 0; i < EACH; i++) {
		int value = m->id * EACH + i;
		while (port_send(m->crowd->port, value, USER(value)) != 0) {
			EQ(errno, EAGAIN);
			tick();
		}
	}
	return NULL;
}

static void *consume(void *arg)
{
	struct member *m = arg;
	struct crowd *c = m->crowd;
	unsigned int turn = (unsigned int)m->id;
	for (;;) {
		port_event_t list[64];
		struct timespec timeout = { 0, c->timeout };
		unsigned int n = 1 + turn++ % (c->max < 4 ? 1 : 4), k;
		int result = port_getn(c->port, list, c->max, &n,
		    c->timeout != 0 ? &timeout : NULL);
		if (result != 0)
			EQ(errno, ETIME);
		for (k = 0; k < n; k++) {
			if (list[k].portev_source == PORT_SOURCE_ALERT)
				return NULL;
			EQ(list[k].portev_events, (intptr_t)list[k].portev_user);
			EQ(__atomic_fetch_add(&c->seen[list[k].portev_events], 1,
			    __ATOMIC_RELAXED), 0);
			__atomic_add_fetch(&c->taken, 1, __ATOMIC_ACQ_REL);
		}
	}
}

static void run_crowd(unsigned int limit, unsigned int max, long timeout)
{
	struct member m[PRODUCERS + CONSUMERS];
	pthread_t threads[PRODUCERS + CONSUMERS];
	int i;
	memset(&crowd, 0, sizeof(crowd));
	crowd.port = new_port_limit(limit);
	crowd.max = max;
	crowd.timeout = timeout;
	for (i = 0; i < PRODUCERS + CONSUMERS; i++) {
		m[i].crowd = &crowd;
		m[i].id = i < PRODUCERS ? i : i - PRODUCERS;
		EQ(pthread_create(&threads[i], NULL, i < PRODUCERS ? produce : consume,
		    &m[i]), 0);
	}
	for (i = 0; i < PRODUCERS; i++)
		EQ(pthread_join(threads[i], NULL), 0);
	/* Consumers that want more than is left give way to those that don't. */
	while (__atomic_load_n(&crowd.taken, __ATOMIC_ACQUIRE) < ALL) {
		port_event_t pe;
		unsigned int n = 1;
		OK(port_getn(crowd.port, &pe, 1, &n, NOWAIT));
		if (n == 1) {
			EQ(__atomic_fetch_add(&crowd.seen[pe.portev_events], 1,
			    __ATOMIC_RELAXED), 0);
			__atomic_add_fetch(&crowd.taken, 1, __ATOMIC_ACQ_REL);
		}
		tick();
	}
	OK(port_alert(crowd.port, PORT_ALERT_SET, 1, NULL));
	for (; i < PRODUCERS + CONSUMERS; i++)
		EQ(pthread_join(threads[i], NULL), 0);
	OK(port_alert(crowd.port, 0, 0, NULL));
	EQ(crowd.taken, ALL);
	EMPTY(crowd.port);
	SLOTS(crowd.port, 0);
}

CASE("3.14 3.10 2.0.4", "every_event_goes_to_one_thread_in_batches")
{
	run_crowd(65536, 64, 0);
}

CASE("3.14 12.5", "every_event_goes_to_one_thread_at_a_low_limit")
{
	run_crowd(16, 8, 0);
}

CASE("3.13 3.14", "every_event_goes_to_one_thread_with_tiny_timeouts")
{
	run_crowd(256, 8, 20000);
}

enum { PIPES = 32, ROUNDS = 200 };

struct fd_crowd {
	int port;
	int fd[PIPES][2];
	int taken[PIPES];
	int total;
};

static void *serve_fds(void *arg)
{
	struct fd_crowd *c = arg;
	for (;;) {
		port_event_t pe;
		uintptr_t i;
		OK(port_get(c->port, &pe, NULL));
		if (pe.portev_source == PORT_SOURCE_ALERT)
			return NULL;
		i = (uintptr_t)pe.portev_user;
		EQ(pe.portev_object, (uintptr_t)c->fd[i][0]);
		EQ(pe.portev_events, POLLIN);
		/* one shot: this thread alone has the descriptor now */
		read_byte(c->fd[i][0]);
		__atomic_add_fetch(&c->taken[i], 1, __ATOMIC_ACQ_REL);
		OK(port_associate(c->port, PORT_SOURCE_FD, (uintptr_t)c->fd[i][0], POLLIN,
		    USER(i)));
		__atomic_add_fetch(&c->total, 1, __ATOMIC_ACQ_REL);
	}
}

/* Every byte is read by exactly one thread: a pipe with nothing in it would
 * block the reader and hang the case. */
CASE("4.3 3.14 4.5", "descriptors_are_served_by_one_thread_at_a_time")
{
	static struct fd_crowd c;
	pthread_t threads[4];
	int i, round;
	c.port = new_port();
	for (i = 0; i < PIPES; i++) {
		new_pipe(c.fd[i]);
		OK(port_associate(c.port, PORT_SOURCE_FD, (uintptr_t)c.fd[i][0], POLLIN,
		    USER(i)));
	}
	for (i = 0; i < 4; i++)
		EQ(pthread_create(&threads[i], NULL, serve_fds, &c), 0);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < PIPES; i++)
			write_byte(c.fd[i][1]);
	}
	while (__atomic_load_n(&c.total, __ATOMIC_ACQUIRE) < PIPES * ROUNDS)
		tick();
	OK(port_alert(c.port, PORT_ALERT_SET, 1, NULL));
	for (i = 0; i < 4; i++)
		EQ(pthread_join(threads[i], NULL), 0);
	OK(port_alert(c.port, 0, 0, NULL));
	for (i = 0; i < PIPES; i++)
		EQ(c.taken[i], ROUNDS);
	EMPTY(c.port);
	SLOTS(c.port, PIPES);
}

static void *make_and_close(void *arg)
{
	int i;
	(void)arg;
	for (i = 0; i < 200; i++) {
		int port = port_create();
		port_event_t pe;
		TRUE(port >= 0);
		OK(port_send(port, i, NULL));
		OK(port_get(port, &pe, NULL));
		EQ(pe.portev_events, i);
#if defined(CONF_STATIC)
		OK(port_close(port));
#else
		OK(close(port));
#endif
	}
	return NULL;
}

CASE("2.0.4 2.1.1 2.11.3", "ports_made_and_closed_by_many_threads")
{
	pthread_t threads[4];
	int i;
	for (i = 0; i < 4; i++)
		EQ(pthread_create(&threads[i], NULL, make_and_close, NULL), 0);
	for (i = 0; i < 4; i++)
		EQ(pthread_join(threads[i], NULL), 0);
}
