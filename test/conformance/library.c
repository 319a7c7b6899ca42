/* port_linux.h: sources of other libraries. */
#include "harness.h"

#if defined(__linux__)
#include <sys/wait.h>

enum { NUMBER = 700 };

static int refused, delivered, closed_times;

/* The slot's argument says what to do. */
static int on_deliver(void *arg, port_event_t *pe)
{
	intptr_t what = (intptr_t)arg;
	delivered++;
	if (what < 0) {
		refused++;
		return 0;
	}
	pe->portev_events += (int)what;
	pe->portev_source = PORT_SOURCE_USER; /* not its to say */
	return 1;
}

static void on_close(void *arg)
{
	closed_times += (int)(intptr_t)arg;
}

static port_source_t open_source(int port)
{
	port_source_ops_t ops = { sizeof(ops), NUMBER, on_deliver, on_close };
	port_source_t source = 0;
	OK(port_source_open(port, &ops, USER(1), &source));
	memset(&ops, 0x5a, sizeof(ops)); /* it was copied */
	return source;
}

static port_slot_t reserve(port_source_t source, int flags, int n)
{
	port_slot_t slot = 0;
	OK(port_slot_reserve(source, flags, 100 + (uintptr_t)n, USER(n), NULL, &slot));
	return slot;
}

CASE("12.3", "a_librarys_event_is_reserved_posted_and_delivered_once")
{
	int port = new_port();
	port_slot_t slot = reserve(open_source(port), 0, 1);
	port_event_t pe;
	SLOTS(port, 1);
	EMPTY(port);
	OK(port_slot_post(slot, 4));
	SLOTS(port, 1);
	pe = take(port);
	EVENT(&pe, NUMBER, 101, 4, USER(1));
	EQ(delivered, 1);
	SLOTS(port, 0);
	FAILS(port_slot_post(slot, 4), ENOENT);
	FAILS(port_slot_release(slot), ENOENT);
	EMPTY(port);
}

CASE("3.1 4.5 2.9.1", "what_is_posted_or_dispatched_comes_after_what_was_ready_before_it")
{
	int port = new_port(), fd[3][2], i;
	port_source_t source = open_source(port);
	port_slot_t slots[] = { reserve(source, 0, 1), reserve(source, PORT_SHARE_EVENT, 3) };
	port_event_t list[8];
	for (i = 0; i < 3; i++) {
		new_pipe(fd[i]);
		write_byte(fd[i][1]);
		OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[i][0], POLLIN, USER(2 * i)));
		if (i < 2)
			OK(port_slot_post(slots[i], 4));
		else
			OK(port_dispatch(port, 0, PORT_SOURCE_AIO, 1, 2, USER(5)));
	}
	EQ(take_all(port, list, 8), 6);
	for (i = 0; i < 6; i++)
		EQ(list[i].portev_user, USER(i));
}

CASE("3.1", "posting_what_is_queued_joins_the_bits_and_keeps_its_place")
{
	int port = new_port();
	port_source_t source = open_source(port);
	port_slot_t a = reserve(source, 0, 1), b = reserve(source, 0, 2);
	port_event_t pe;
	OK(port_slot_post(a, 1));
	OK(port_slot_post(b, 1));
	OK(port_slot_post(a, 6));
	EQ(queued(port), 2);
	pe = take(port);
	EVENT(&pe, NUMBER, 101, 7, USER(1));
	pe = take(port);
	EVENT(&pe, NUMBER, 102, 1, USER(2));
	EMPTY(port);
}

CASE("12.2 12.3", "a_kept_slot_is_posted_again_until_it_is_released")
{
	int port = new_port_limit(1), i;
	port_slot_t slot = reserve(open_source(port), PORT_SLOT_KEEP, 1);
	port_event_t pe;
	for (i = 1; i < 4; i++) {
		OK(port_slot_post(slot, i));
		pe = take(port);
		EVENT(&pe, NUMBER, 101, i, USER(1));
		SLOTS(port, 1);
	}
	FAILS(port_send(port, 1, NULL), EAGAIN);
	OK(port_slot_post(slot, 1));
	OK(port_slot_release(slot)); /* with its event */
	EMPTY(port);
	SLOTS(port, 0);
	FAILS(port_slot_post(slot, 1), ENOENT);
	OK(port_send(port, 1, NULL));
}

CASE("12.4", "the_limit_is_told_at_the_reservation")
{
	int port = new_port_limit(2);
	port_source_t source = open_source(port);
	port_slot_t a = reserve(source, 0, 1), b = reserve(source, 0, 2), c = 77;
	FAILS(port_slot_reserve(source, 0, 0, NULL, NULL, &c), EAGAIN);
	EQ(c, 77);
	OK(port_slot_post(a, 1)); /* what is reserved can't fail for want of a slot */
	OK(port_slot_post(b, 1));
	(void)take(port);
	c = reserve(source, 0, 3);
	OK(port_slot_release(c));
	SLOTS(port, 1);
}

CASE("12.3", "deliver_has_the_last_word")
{
	int port = new_port(), i;
	port_source_t source = open_source(port);
	port_slot_t slot[4];
	port_event_t pe;
	unsigned int n = 1;
	for (i = 0; i < 4; i++) {
		void *what = i % 2 ? (void *)(intptr_t)10 : (void *)(intptr_t)-1;
		int flags = i < 2 ? 0 : PORT_SLOT_KEEP;
		OK(port_slot_reserve(source, flags, 0, USER(i), what, &slot[i]));
		OK(port_slot_post(slot[i], 1));
	}
	EQ(queued(port), 4);
	pe = take(port);
	EVENT(&pe, NUMBER, 0, 11, USER(1));
	pe = take(port);
	EVENT(&pe, NUMBER, 0, 11, USER(3));
	EQ(refused, 2);
	SLOTS(port, 2); /* the kept ones */
	FAILS(port_slot_post(slot[0], 1), ENOENT);
	OK(port_slot_post(slot[2], 1));
	OK(port_getn(port, &pe, 1, &n, NOWAIT));
	EQ(n, 0);
	EQ(refused, 3);
}

static int self_port;
static port_slot_t self_slot;

/* Calls back into the library, which is inside the port's critical section. */
static int calls_back(void *arg, port_event_t *pe)
{
	port_event_t other;
	(void)arg;
	FAILS(port_slot_post(self_slot, 1), EAGAIN);
	FAILS(port_slot_release(self_slot), EAGAIN);
	FAILS(port_get(self_port, &other, NOWAIT), EINTR);
	FAILS(port_associate(self_port, PORT_SOURCE_FD, 0, POLLIN, NULL), EAGAIN);
	OK(port_send(self_port, 9, USER(9)));
	pe->portev_events = 5;
	return 1;
}

CASE("2.6.1", "deliver_may_call_back_without_a_deadlock")
{
	port_source_ops_t ops = { sizeof(ops), NUMBER, calls_back, NULL };
	port_source_t source;
	port_event_t pe;
	self_port = new_port();
	OK(port_source_open(self_port, &ops, NULL, &source));
	self_slot = reserve(source, 0, 1);
	OK(port_slot_post(self_slot, 1));
	pe = take(self_port);
	EVENT(&pe, NUMBER, 101, 5, USER(1));
	pe = take(self_port);
	EVENT(&pe, PORT_SOURCE_USER, 0, 9, USER(9));
}

CASE("11.1", "who_may_retrieve_is_told_at_the_reservation")
{
	int port = new_port(), status;
	port_source_t source = open_source(port);
	port_slot_t mine = reserve(source, 0, 1), any = reserve(source, PORT_SHARE_EVENT, 2), none;
	port_event_t pe;
	pid_t child;
	FAILS(port_slot_reserve(source, PORT_SHARE_EVENT | PORT_SLOT_KEEP, 0, NULL, NULL, &none), EINVAL);
	OK(port_slot_post(mine, 1));
	OK(port_slot_post(any, 2));
	FAILS(port_slot_post(any, 2), ENOENT); /* the port's from now on */
	child = fork();
	TRUE(child >= 0);
	if (child == 0) {
		if (port_get(port, &pe, NULL) != 0)
			_exit(1);
		EVENT(&pe, NUMBER, 102, 2, USER(2));
		_exit(port_get(port, &pe, MS(1)) == -1 && errno == ETIME ? 0 : 2);
	}
	EQ(waitpid(child, &status, 0), child);
	EQ(status, 0);
	EQ(delivered, 0);
	pe = take(port);
	EVENT(&pe, NUMBER, 101, 1, USER(1));
	SLOTS(port, 0);
}

CASE("11.4", "a_child_has_no_source_of_its_parents")
{
	int port = new_port(), status;
	port_source_t source = open_source(port);
	port_slot_t slot = reserve(source, 0, 1);
	pid_t child = fork();
	TRUE(child >= 0);
	if (child == 0) {
		port_slot_t none;
		FAILS(port_slot_post(slot, 1), ENOENT);
		FAILS(port_slot_reserve(source, 0, 0, NULL, NULL, &none), ENOENT);
		/* Nor are its own mistaken for them. */
		OK(port_slot_post(reserve(open_source(port), 0, 5), 3));
		FAILS(port_slot_post(slot, 1), ENOENT);
		FAILS(port_source_close(source), ENOENT);
		EQ(take(port).portev_events, 3);
		close_port(port);
		_exit(closed_times == 1 ? 0 : 1); /* its own */
	}
	EQ(waitpid(child, &status, 0), child);
	EQ(status, 0);
	EQ(closed_times, 0);
	OK(port_slot_post(slot, 7));
	EQ(take(port).portev_events, 7);
	SLOTS(port, 0);
}

CASE("2.11.6", "slots_go_with_the_process_that_reserved_them")
{
	int port = new_port(), status;
	pid_t child = fork();
	TRUE(child >= 0);
	if (child == 0) {
		port_source_t source = open_source(port);
		(void)reserve(source, PORT_SLOT_KEEP, 1);
		(void)reserve(source, PORT_SHARE_EVENT, 2); /* never posted */
		OK(port_slot_post(reserve(source, 0, 3), 1));
		OK(port_slot_post(reserve(source, PORT_SHARE_EVENT, 4), 4));
		(void)raise(SIGKILL);
	}
	EQ(waitpid(child, &status, 0), child);
	TRUE(WIFSIGNALED(status));
	SLOTS(port, 1); /* what is shared and posted stays */
	EQ(take_wait(port).portev_events, 4);
	EMPTY(port);
	SLOTS(port, 0);
}

CASE("2.11.1 2.11.3", "closing_the_port_tells_the_source_and_ends_its_slots")
{
	int port = new_port(), other = new_port();
	port_source_t source = open_source(port), stays = open_source(other);
	port_slot_t a = reserve(source, 0, 1), b = reserve(source, PORT_SLOT_KEEP, 2), none;
	port_slot_t elsewhere = reserve(stays, 0, 3);
	OK(port_slot_post(a, 1));
	close_port(port);
	EQ(closed_times, 1);
	EQ(delivered, 0);
	FAILS(port_slot_post(b, 1), ENOENT);
	FAILS(port_slot_reserve(source, 0, 0, NULL, NULL, &none), ENOENT);
	FAILS(port_source_close(source), ENOENT);
	OK(port_slot_post(elsewhere, 1));
	EQ(take(other).portev_object, 103);
	OK(port_source_close(stays));
	close_port(other);
	EQ(closed_times, 1);
}

CASE("2.11.1", "closing_a_source_takes_its_slots_and_no_others")
{
	int port = new_port();
	port_source_t source = open_source(port), stays = open_source(port);
	port_slot_t a = reserve(source, 0, 1), b = reserve(source, PORT_SLOT_KEEP, 2);
	port_slot_t c = reserve(stays, 0, 3);
	OK(port_slot_post(a, 1));
	OK(port_slot_post(c, 1));
	OK(port_source_close(source));
	FAILS(port_source_close(source), ENOENT);
	FAILS(port_slot_post(b, 1), ENOENT);
	EQ(take(port).portev_object, 103);
	EMPTY(port);
	SLOTS(port, 0);
	EQ(closed_times, 0);
	EQ(delivered, 1);
}

CASE("2.0.2", "what_a_source_is_opened_with_is_tested")
{
	port_source_ops_t ops = { sizeof(ops), NUMBER, NULL, NULL };
	int port = new_port();
	port_source_t source;
	port_slot_t slot;
	FAILS(port_source_open(closed_fd(), &ops, NULL, &source), EBADF);
	FAILS(port_source_open(new_file(), &ops, NULL, &source), EBADFD);
	FAILS(port_source_open(port, NULL, NULL, &source), EFAULT);
	FAILS(port_source_open(port, &ops, NULL, NULL), EFAULT);
	ops.po_size = 8;
	FAILS(port_source_open(port, &ops, NULL, &source), EINVAL);
	ops.po_size = sizeof(ops);
	ops.po_source = PORT_SOURCE_USER;
	FAILS(port_source_open(port, &ops, NULL, &source), EINVAL);
	ops.po_source = 0x10000;
	FAILS(port_source_open(port, &ops, NULL, &source), EINVAL);
	ops.po_source = PORT_SOURCE_LIBRARY; /* and neither callback */
	OK(port_source_open(port, &ops, NULL, &source));
	FAILS(port_slot_reserve(source, 0x100, 0, NULL, NULL, &slot), EINVAL);
	FAILS(port_slot_reserve(source, 0, 0, NULL, NULL, NULL), EFAULT);
	FAILS(port_slot_reserve(0, 0, 0, NULL, NULL, &slot), ENOENT);
	FAILS(port_slot_reserve(~(port_source_t)0, 0, 0, NULL, NULL, &slot), ENOENT);
	FAILS(port_slot_post(0, 1), ENOENT);
	FAILS(port_slot_post(source, 1), ENOENT);
	FAILS(port_slot_release(~(port_slot_t)0), ENOENT);
	OK(port_slot_post(reserve(source, 0, 1), 3));
	EQ(take(port).portev_source, PORT_SOURCE_LIBRARY);
}

enum { POSTERS = 4, EACH = 2000 };

struct poster {
	pthread_t thread;
	port_source_t source;
	int posted;
};

/* Until its source is gone: a slot that was reserved is posted or was taken along. */
static void *post_many(void *arg)
{
	struct poster *p = arg;
	for (;;) {
		port_slot_t slot;
		if (port_slot_reserve(p->source, 0, 0, p, NULL, &slot) != 0) {
			if (errno == EAGAIN)
				continue; /* full: whoever retrieves makes room */
			EQ(errno, ENOENT);
			return NULL;
		}
		if (port_slot_post(slot, 1) == 0)
			p->posted++;
		else
			EQ(errno, ENOENT);
	}
}

CASE("2.11.3 12.4", "sources_posted_by_threads_close_under_them")
{
	static struct poster p[POSTERS];
	int port = new_port_limit(64), other = new_port(), i, taken = 0;
	for (i = 0; i < POSTERS; i++) {
		p[i].source = open_source(port);
		EQ(pthread_create(&p[i].thread, NULL, post_many, &p[i]), 0);
	}
	while (taken < EACH) {
		port_event_t pe = take_wait(port);
		EQ(pe.portev_source, NUMBER);
		taken++;
	}
	EQ(delivered, EACH); /* under the port's lock: the count is right */
	OK(port_source_close(p[0].source));
	close_port(port);
	for (i = 0; i < POSTERS; i++) {
		EQ(pthread_join(p[i].thread, NULL), 0);
		TRUE(p[i].posted >= 0);
	}
	EQ(closed_times, POSTERS - 1);
	EMPTY(other);
}
#endif
