/* 2.2 port_associate: arguments, order of errors, re-association. FD only. */
#include "harness.h"

static int fd_associate(int port, uintptr_t object, int events, void *user)
{
	return port_associate(port, PORT_SOURCE_FD, object, events, user);
}

CASE("2.2.1 2.12 4.17", "object_that_is_no_open_descriptor_is_ebadfd")
{
	int port = new_port();
	FAILS(fd_associate(port, (uintptr_t)closed_fd(), POLLIN, NULL), EBADFD);
	FAILS(fd_associate(port, (uintptr_t)INT_MAX, POLLIN, NULL), EBADFD);
	FAILS(fd_associate(port, (uintptr_t)INT_MAX + 1, POLLIN, NULL), EBADFD);
	FAILS(fd_associate(port, UINTPTR_MAX, POLLIN, NULL), EBADFD);
	FAILS(fd_associate(port, (uintptr_t)-2, 0, NULL), EBADFD);
#if UINTPTR_MAX > 0xffffffffU
	/* an open descriptor plus 2^32 is not that descriptor */
	FAILS(fd_associate(port, ((uintptr_t)1 << 32) + STDERR_FILENO, POLLIN, NULL),
	    EBADFD);
#endif
	SLOTS(port, 0);
	EMPTY(port);
}

CASE("2.2.1 2.12 12.5", "bad_object_is_reported_before_the_slot_limit")
{
	int port = new_port_limit(1);
	send_range(port, 1, 1);
	FAILS(fd_associate(port, (uintptr_t)closed_fd(), POLLIN, NULL), EBADFD);
	FAILS(fd_associate(port, UINTPTR_MAX, POLLIN, NULL), EBADFD);
}

CASE("2.2.1 12.4", "a_new_entry_at_the_limit_is_eagain_and_changes_nothing")
{
	int port = new_port_limit(1), fd[2], file = new_file();
	port_event_t pe;
	new_pipe(fd);
	write_byte(fd[1]);
	send_range(port, 7, 7);
	FAILS(fd_associate(port, (uintptr_t)fd[0], POLLIN, NULL), EAGAIN);
	FAILS(fd_associate(port, (uintptr_t)file, POLLIN, NULL), EAGAIN);
	SLOTS(port, 1);
	EQ(queued(port), 1);
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_USER, 0, 7, USER(7));
	/* refused, so not watched: nothing comes of the byte that waits */
	EMPTY(port);
	FAILS(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[0]), ENOENT);
	OK(fd_associate(port, (uintptr_t)fd[0], POLLIN, USER(1)));
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(1));
}

CASE("2.2.3", "a_dup_whose_original_is_gone_takes_its_first_association")
{
	int port = new_port(), copy, fd[2];
	port_event_t pe;
	copy = track_port(dup(port));
	close_port(port);
	new_pipe(fd); /* one of them has the number the port was created with */
	TRUE(fd[0] == port || fd[1] == port);
	write_byte(fd[1]);
	OK(fd_associate(copy, (uintptr_t)fd[0], POLLIN, USER(1)));
	pe = take(copy);
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(1));
}

CASE("2.2.5 3.8", "re_association_takes_no_slot")
{
	int port = new_port_limit(1), fd[2], i;
	port_event_t pe;
	new_pipe(fd);
	for (i = 0; i < 5; i++) {
		OK(fd_associate(port, (uintptr_t)fd[0], POLLIN, USER(i)));
		SLOTS(port, 1);
	}
	write_byte(fd[1]);
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(4));
	OK(fd_associate(port, (uintptr_t)fd[0], POLLIN, USER(5)));
	OK(fd_associate(port, (uintptr_t)fd[0], POLLIN, USER(6)));
	SLOTS(port, 1);
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(6));
}

CASE("2.2.6 4.8", "no_events_at_all_are_legal")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	write_byte(fd[1]);
	OK(fd_associate(port, (uintptr_t)fd[0], 0, USER(1)));
	EMPTY(port);
	close_fd(fd[1]);
	{
		port_event_t pe = take_wait(port);
		EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLHUP, USER(1));
	}
}

CASE("2.2.7", "only_the_low_sixteen_bits_of_events_count")
{
	/* among them Linux's epoll modifiers: none may get through */
	static const unsigned int high[] = { 0x10000, 1U << 28, 1U << 29, 1U << 30,
		1U << 31, 0xffff0000 };
	int port = new_port(), fd[2];
	size_t i;
	new_pipe(fd);
	for (i = 0; i < sizeof(high) / sizeof(high[0]); i++) {
		port_event_t pe;
		OK(fd_associate(port, (uintptr_t)fd[0], (int)(high[i] | POLLIN), NULL));
		EMPTY(port);
		write_byte(fd[1]);
		pe = take_wait(port);
		EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, NULL);
		write_byte(fd[1]);
		EMPTY(port); /* one shot, whatever the high bits say */
		read_byte(fd[0]);
		read_byte(fd[0]);
		OK(fd_associate(port, (uintptr_t)fd[0], (int)high[i], NULL));
		write_byte(fd[1]);
		EMPTY(port); /* nothing was asked for */
		read_byte(fd[0]);
	}
}

CASE("2.2.1 2.3.1", "refused_associations_leave_the_port_as_it_was")
{
	int port = new_port(), fd[2], before;
	new_pipe(fd);
	OK(fd_associate(port, (uintptr_t)fd[0], POLLIN, USER(1)));
	before = open_fds();
	FAILS(fd_associate(port, (uintptr_t)closed_fd(), POLLIN, NULL), EBADFD);
	FAILS(port_associate(port, 77, (uintptr_t)fd[0], POLLIN, USER(2)), EINVAL);
	EQ(open_fds(), before);
	SLOTS(port, 1);
	write_byte(fd[1]);
	{
		port_event_t pe = take_wait(port);
		EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(1));
	}
}
