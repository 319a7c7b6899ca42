/* 4.13-4.15: closing an associated descriptor, as a program would. */
#include "harness.h"

#include <sys/resource.h>

static void watch(int port, int fd, void *user)
{
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd, POLLIN, user));
}

CASE("4.13 12.3 15.8", "close_removes_an_armed_association_silently")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	watch(port, fd[0], NULL);
	close_fd(fd[0]);
	SLOTS(port, 0);
	EMPTY(port);
}

CASE("4.13 12.3", "close_removes_a_queued_event")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	write_byte(fd[1]);
	watch(port, fd[0], NULL);
	send_range(port, 1, 1);
	EQ(queued(port), 2);
	close_fd(fd[0]);
	EQ(queued(port), 1);
	SLOTS(port, 1);
	EQ(take(port).portev_source, PORT_SOURCE_USER);
	EMPTY(port);
}

CASE("4.13", "close_removes_it_from_every_port")
{
	int port[3], fd[2], i;
	new_pipe(fd);
	write_byte(fd[1]);
	for (i = 0; i < 3; i++) {
		port[i] = new_port();
		watch(port[i], fd[0], NULL);
	}
	EQ(queued(port[1]), 1);
	close_fd(fd[0]);
	for (i = 0; i < 3; i++) {
		EMPTY(port[i]);
		SLOTS(port[i], 0);
	}
}

CASE("4.13 4.1 14.1.8", "close_removes_it_though_a_dup_stays_open")
{
	int port = new_port(), fd[2], copy;
	port_event_t pe;
	new_pipe(fd);
	copy = track(dup(fd[0]));
	watch(port, fd[0], USER(1));
	watch(port, copy, USER(2));
	close_fd(fd[0]);
	SLOTS(port, 1);
	write_byte(fd[1]);
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_FD, copy, POLLIN, USER(2));
	EMPTY(port);
	close_fd(copy);
	SLOTS(port, 0);
}

CASE("4.13 12.3", "close_frees_the_slot_of_always_ready_descriptors")
{
	int port = new_port_limit(1), file = new_file();
	watch(port, file, NULL);
	(void)take(port);
	FAILS(port_send(port, 1, NULL), EAGAIN);
	close_fd(file);
	SLOTS(port, 0);
	OK(port_send(port, 1, NULL));
}

CASE("4.14 14.1.9", "a_reused_number_has_no_tie_to_the_old_association")
{
	int port = new_port(), fd[2], again[2];
	port_event_t pe;
	new_pipe(fd);
	watch(port, fd[0], USER(1));
	close_fd(fd[0]);
	new_pipe(again);
	EQ(again[0], fd[0]);
	FAILS(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)again[0]), ENOENT);
	write_byte(again[1]);
	EMPTY(port);
	watch(port, again[0], USER(2));
	SLOTS(port, 1);
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, again[0], POLLIN, USER(2));
}

CASE("4.14 4.13 14.1.8", "a_reused_number_while_the_old_file_lives_in_a_dup")
{
	int port = new_port(), old[2], fresh[2], copy;
	port_event_t pe;
	new_pipe(old);
	copy = track(dup(old[0]));
	watch(port, old[0], USER(1));
	close_fd(old[0]);
	new_pipe(fresh);
	EQ(fresh[0], old[0]);
	watch(port, fresh[0], USER(2));
	write_byte(old[1]);
	EMPTY(port);
	write_byte(fresh[1]);
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_FD, fresh[0], POLLIN, USER(2));
	EMPTY(port);
	read_byte(copy);
}

CASE("4.15", "dup2_onto_it_is_a_close")
{
	int port = new_port(), fd[2], other[2];
	port_event_t pe;
	new_pipe(fd);
	new_pipe(other);
	watch(port, fd[0], USER(1));
	EQ(dup2(other[0], fd[0]), fd[0]);
	SLOTS(port, 0);
	FAILS(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[0]), ENOENT);
	write_byte(other[1]);
	EMPTY(port);
	watch(port, fd[0], USER(2));
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(2));
}

CASE("4.15", "dup2_onto_itself_is_no_close")
{
	int port = new_port(), fd[2];
	port_event_t pe;
	new_pipe(fd);
	watch(port, fd[0], USER(1));
	EQ(dup2(fd[0], fd[0]), fd[0]);
	write_byte(fd[1]);
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(1));
}

/* Moving a file away and back: the association does not come back with it. */
CASE("4.15 14.1.9", "the_same_file_back_under_its_number_is_not_associated")
{
	int port = new_port(), fd[2], copy;
	new_pipe(fd);
	copy = track(dup(fd[0]));
	watch(port, fd[0], USER(1));
	close_fd(fd[0]);
	EQ(dup2(copy, fd[0]), fd[0]);
	(void)track(fd[0]);
	FAILS(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[0]), ENOENT);
	write_byte(fd[1]);
	EMPTY(port);
}

CASE("4.13 2.10.6", "closing_the_other_end_is_not_closing_it")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	watch(port, fd[0], NULL);
	close_fd(fd[1]);
	SLOTS(port, 1);
	EQ(take_wait(port).portev_events, POLLHUP);
}

/* The peer must see the end of file: the port keeps no file open. */
CASE("4.13", "an_association_does_not_keep_the_file_open")
{
	int port = new_port(), sv[2];
	char byte;
	new_socketpair(sv);
	watch(port, sv[0], NULL);
	EMPTY(port);
	close_fd(sv[0]);
	EQ(read(sv[1], &byte, 1), 0);
}

#if defined(__linux__)
CASE("4.15 4.13", "dup3_close_range_and_closefrom_are_closes")
{
	int port = new_port(), fd[4][2], i;
	for (i = 0; i < 4; i++) {
		new_pipe(fd[i]);
		watch(port, fd[i][0], USER(i));
	}
	SLOTS(port, 4);
	EQ(dup3(STDERR_FILENO, fd[0][0], O_CLOEXEC), fd[0][0]);
	SLOTS(port, 3);
	untrack(fd[1][0]);
	OK(close_range((unsigned int)fd[1][0], (unsigned int)fd[1][0], 0));
	SLOTS(port, 2);
	for (i = 2; i < 4; i++) {
		untrack(fd[i][0]);
		untrack(fd[i][1]);
	}
	closefrom(fd[2][0]);
	SLOTS(port, 0);
	EMPTY(port);
}

CASE("4.13", "close_range_that_only_sets_close_on_exec_closes_nothing")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	watch(port, fd[0], USER(1));
	OK(close_range((unsigned int)fd[0], (unsigned int)fd[0], CLOSE_RANGE_CLOEXEC));
	SLOTS(port, 1);
	write_byte(fd[1]);
	EQ(take_wait(port).portev_user, USER(1));
}

CASE("4.13", "a_close_range_or_dup_that_fails_closes_nothing")
{
	int port = new_port(), fd[2];
	unsigned int number;
	struct rlimit limit, tight;
	new_pipe(fd);
	number = (unsigned int)fd[0];
	watch(port, fd[0], USER(1));
	FAILS(close_range(number, number, 0x40), EINVAL);
	FAILS(close_range(number, number - 1, 0), EINVAL);
#if defined(__GLIBC__) /* musl takes no notice of flags it doesn't know */
	FAILS(dup3(fd[1], fd[0], 0x40), EINVAL);
#endif
	FAILS(dup2(-1, fd[0]), EBADF);
	OK(getrlimit(RLIMIT_NOFILE, &limit));
	tight = limit;
	tight.rlim_cur = number; /* since it was opened */
	OK(setrlimit(RLIMIT_NOFILE, &tight));
	FAILS(dup2(fd[1], fd[0]), EBADF);
	FAILS(dup3(fd[1], fd[0], 0), EBADF);
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	SLOTS(port, 1);
	write_byte(fd[1]);
	EQ(take_wait(port).portev_user, USER(1));
}
#endif

static void *retrieve(void *arg)
{
	for (;;) {
		port_event_t pe;
		OK(port_get(*(int *)arg, &pe, NULL));
		if (pe.portev_source == PORT_SOURCE_USER)
			return NULL;
		EQ(pe.portev_source, PORT_SOURCE_FD);
	}
}

CASE("4.13 4.19", "close_while_a_thread_retrieves")
{
	int port = new_port(), round;
	pthread_t thread;
	EQ(pthread_create(&thread, NULL, retrieve, &port), 0);
	for (round = 0; round < 2000; round++) {
		int fd[2];
		new_pipe(fd);
		watch(port, fd[0], USER(round));
		write_byte(fd[1]);
		close_fd(fd[0]);
		close_fd(fd[1]);
	}
	SLOTS(port, 0);
	send_range(port, 1, 1);
	EQ(pthread_join(thread, NULL), 0);
	EMPTY(port);
}
