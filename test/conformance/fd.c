/* Section 4: identity, one shot, slots, re-association. */
#include "harness.h"

static void watch(int port, int fd, int events, void *user)
{
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd, events, user));
}

static void fd_event(int port, int fd, int events, void *user)
{
	port_event_t pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_FD, fd, events, user);
}

CASE("4.1 14.1.8", "a_dup_is_an_association_of_its_own")
{
	int port = new_port(), fd[2], copy;
	port_event_t list[4];
	new_pipe(fd);
	copy = track(dup(fd[0]));
	watch(port, fd[0], POLLIN, USER(1));
	watch(port, copy, POLLIN, USER(2));
	SLOTS(port, 2);
	write_byte(fd[1]);
	EQ(take_all(port, list, 4), 2);
	TRUE(list[0].portev_object != list[1].portev_object);
	TRUE(list[0].portev_user != list[1].portev_user);
	watch(port, copy, POLLIN, USER(3));
	fd_event(port, copy, POLLIN, USER(3));
	EMPTY(port);
	FAILS(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)copy), ENOENT);
	SLOTS(port, 1);
}

CASE("4.2", "many_ports_watch_one_descriptor_independently")
{
	int port[4], fd[2], i;
	new_pipe(fd);
	for (i = 0; i < 4; i++) {
		port[i] = new_port();
		watch(port[i], fd[0], POLLIN, USER(i));
	}
	OK(port_dissociate(port[1], PORT_SOURCE_FD, (uintptr_t)fd[0]));
	write_byte(fd[1]);
	fd_event(port[0], fd[0], POLLIN, USER(0));
	EMPTY(port[1]);
	fd_event(port[2], fd[0], POLLIN, USER(2));
	fd_event(port[3], fd[0], POLLIN, USER(3));
	close_fd(fd[0]);
	for (i = 0; i < 4; i++)
		SLOTS(port[i], 0);
}

CASE("4.3", "one_event_then_nothing_until_associated_again")
{
	int port = new_port(), fd[2], round;
	new_pipe(fd);
	for (round = 0; round < 50; round++) {
		watch(port, fd[0], POLLIN, USER(round));
		EMPTY(port);
		write_byte(fd[1]);
		fd_event(port, fd[0], POLLIN, USER(round));
		write_byte(fd[1]);
		EMPTY(port);
		read_byte(fd[0]);
		read_byte(fd[0]);
	}
}

CASE("4.3 4.8 13.8", "a_spent_association_is_silent_about_hang_up_too")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	write_byte(fd[1]);
	watch(port, fd[0], POLLIN, NULL);
	fd_event(port, fd[0], POLLIN, NULL);
	close_fd(fd[1]);
	EMPTY(port);
	watch(port, fd[0], 0, NULL);
	fd_event(port, fd[0], POLLHUP, NULL);
}

CASE("4.4 12.2 12.3 13.18 15.18", "spent_associations_keep_their_slots")
{
	int port = new_port_limit(3), fd[4][2], i;
	for (i = 0; i < 4; i++)
		new_pipe(fd[i]);
	for (i = 0; i < 3; i++) {
		write_byte(fd[i][1]);
		watch(port, fd[i][0], POLLIN, USER(i));
	}
	for (i = 0; i < 3; i++)
		(void)take(port);
	EMPTY(port);
	SLOTS(port, 3);
	FAILS(port_send(port, 1, NULL), EAGAIN);
	FAILS(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[3][0], POLLIN, NULL), EAGAIN);
	watch(port, fd[0][0], POLLIN, USER(9)); /* known: no slot needed */
	(void)take(port);
	close_fd(fd[0][0]);
	SLOTS(port, 2);
	OK(port_send(port, 1, NULL));
	FAILS(port_send(port, 2, NULL), EAGAIN);
	FAILS(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[1][0]), ENOENT);
	OK(port_send(port, 2, NULL));
	SLOTS(port, 3);
}

CASE("4.6 4.11", "the_event_carries_the_latest_cookie")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	watch(port, fd[0], POLLIN, USER(1));
	watch(port, fd[0], POLLIN, (void *)UINTPTR_MAX);
	write_byte(fd[1]);
	fd_event(port, fd[0], POLLIN, (void *)UINTPTR_MAX);
	watch(port, fd[0], POLLIN, NULL);
	fd_event(port, fd[0], POLLIN, NULL);
}

CASE("4.11", "re_association_replaces_events")
{
	int port = new_port(), sv[2];
	new_socketpair(sv);
	watch(port, sv[0], POLLIN, NULL);
	watch(port, sv[0], 0, USER(1)); /* not both */
	write_byte(sv[1]);
	EMPTY(port);
	watch(port, sv[0], POLLOUT, USER(2));
	fd_event(port, sv[0], POLLOUT, USER(2));
	watch(port, sv[0], POLLIN, USER(3));
	fd_event(port, sv[0], POLLIN, USER(3));
	SLOTS(port, 1);
}

CASE("4.4 4.3", "thousands_of_descriptors_each_fire_once")
{
	enum { PIPES = 1000 };
	static int fd[PIPES][2];
	static char seen[PIPES * 3];
	int port = new_port(), i;
	for (i = 0; i < PIPES; i++) {
		new_pipe(fd[i]);
		watch(port, fd[i][0], POLLIN, USER(i));
	}
	SLOTS(port, PIPES);
	for (i = 0; i < PIPES; i++)
		write_byte(fd[i][1]);
	for (i = 0; i < PIPES; i++) {
		port_event_t pe = take_wait(port);
		EQ(pe.portev_source, PORT_SOURCE_FD);
		EQ(pe.portev_object, fd[(uintptr_t)pe.portev_user][0]);
		EQ(seen[(uintptr_t)pe.portev_user]++, 0);
	}
	EMPTY(port);
}

struct contender {
	int port;
	int fd;
	int id;
	int *stop;
};

static void *associate_for_ever(void *arg)
{
	struct contender *c = arg;
	while (!__atomic_load_n(c->stop, __ATOMIC_ACQUIRE)) {
		OK(port_associate(c->port, PORT_SOURCE_FD, (uintptr_t)c->fd, POLLIN,
		    USER(c->id)));
	}
	return NULL;
}

static void *dissociate_for_ever(void *arg)
{
	struct contender *c = arg;
	while (!__atomic_load_n(c->stop, __ATOMIC_ACQUIRE)) {
		if (port_dissociate(c->port, PORT_SOURCE_FD, (uintptr_t)c->fd) != 0)
			EQ(errno, ENOENT);
	}
	return NULL;
}

static void contend(void *(*second)(void *))
{
	int port = new_port(), fd[2], stop = 0, i;
	struct contender c[2];
	pthread_t threads[2];
	new_pipe(fd);
	watch(port, fd[0], POLLIN, USER(1));
	for (i = 0; i < 2; i++) {
		c[i] = (struct contender){ port, fd[0], i + 1, &stop };
		EQ(pthread_create(&threads[i], NULL,
		    i == 0 ? associate_for_ever : second, &c[i]), 0);
	}
	for (i = 0; i < 2000; i++) {
		port_event_t list[4];
		unsigned int n;
		write_byte(fd[1]);
		n = take_all(port, list, 4);
		TRUE(n <= 1); /* one association, at most one event */
		if (n == 1) {
			EQ(list[0].portev_object, (uintptr_t)fd[0]);
			EQ(list[0].portev_events, POLLIN);
			TRUE(list[0].portev_user == USER(1) || list[0].portev_user == USER(2));
		}
		read_byte(fd[0]);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (i = 0; i < 2; i++)
		EQ(pthread_join(threads[i], NULL), 0);
	watch(port, fd[0], POLLIN, USER(7));
	SLOTS(port, 1);
	write_byte(fd[1]);
	fd_event(port, fd[0], POLLIN, USER(7));
	EMPTY(port);
}

CASE("4.19", "two_threads_associate_one_descriptor")
{
	contend(associate_for_ever);
}

CASE("4.19", "one_thread_associates_while_one_dissociates")
{
	contend(dissociate_for_ever);
}

#if defined(__linux__)
CASE("2.2.1 4.5", "a_list_of_descriptors_in_one_call")
{
	int port = new_port_limit(3), fd[4][2], i;
	port_assoc_t list[5];
	for (i = 0; i < 4; i++) {
		new_pipe(fd[i]);
		write_byte(fd[i][1]);
		list[i] = (port_assoc_t){ (uintptr_t)fd[i][0], USER(i), POLLIN, -1 };
	}
	list[3].pa_object = (uintptr_t)closed_fd();
	list[4] = (port_assoc_t){ (uintptr_t)fd[3][0], USER(4), POLLIN, -1 };
	EQ(port_associate_list(port, list, 4), 3);
	EQ(list[0].pa_error, 0);
	EQ(list[2].pa_error, 0);
	EQ(list[3].pa_error, EBADFD);
	EQ(port_associate_list(port, list + 4, 1), 0);
	EQ(list[4].pa_error, EAGAIN);
	EQ(queued(port), 3);
	FAILS(port_associate_list(port, NULL, 1), EFAULT);
	FAILS(port_associate_list(closed_fd(), list, 1), EBADF);
	EQ(port_associate_list(port, list, 0), 0);
	for (i = 0; i < 3; i++)
		(void)take(port);
	EMPTY(port);
	EQ(port_associate_list(port, list, 2), 2); /* re-association */
	EQ(queued(port), 2);
	SLOTS(port, 3);
}
#endif
