/* 2.10: the port as a descriptor (nesting: nested.c). */
#include "harness.h"

#include <sys/resource.h>
#include <sys/select.h>
#if defined(__linux__)
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#endif

CASE("2.10.1", "poll_says_readable_iff_something_is_queued")
{
	int port = new_port(), fd[2], i;
	EQ(poll_now(port, POLLIN), 0);
	send_range(port, 1, 2);
	for (i = 0; i < 3; i++)
		EQ(poll_now(port, POLLIN), POLLIN); /* a level, not an edge */
	(void)take(port);
	EQ(poll_now(port, POLLIN), POLLIN);
	(void)take(port);
	EQ(poll_now(port, POLLIN), 0);
	new_pipe(fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL));
	EQ(poll_now(port, POLLIN), 0);
	write_byte(fd[1]);
	EQ(poll_now(port, POLLIN), POLLIN);
	(void)take(port);
	EQ(poll_now(port, POLLIN), 0); /* disarmed, though a byte still waits */
}

CASE("2.10.1 2.3.5", "poll_follows_removal_of_queued_events")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	write_byte(fd[1]);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL));
	EQ(poll_now(port, POLLIN), POLLIN);
	OK(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[0]));
	EQ(poll_now(port, POLLIN), 0);
}

CASE("2.10.1", "poll_is_never_hup_nor_err")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], 0, NULL));
	EQ(poll_now(port, POLLIN | POLLPRI) & ~POLLIN, 0);
	close_fd(fd[1]);
	EQ(poll_now(port, POLLIN | POLLPRI) & ~POLLIN, 0);
}

/* The queue is shorter than what the waiter wants: still something is queued. */
CASE("2.10.1 3.10", "poll_says_readable_beside_a_waiter_that_wants_more")
{
	int port = new_port();
	struct waiter w;
	waiter_start(&w, port, 5, NULL, 1);
	EQ(poll_now(port, POLLIN), 0);
	send_range(port, 1, 2);
	EQ(poll_now(port, POLLIN), POLLIN);
	EQ(waiter_done(&w), 0);
	send_range(port, 3, 5);
	waiter_join(&w);
	EQ(w.nget, 5);
	EQ(poll_now(port, POLLIN), 0);
}

struct poller {
	int port;
	int revents;
};

static void *poll_for_ever(void *arg)
{
	struct poller *p = arg;
	struct pollfd pfd = { .fd = p->port, .events = POLLIN };
	EQ(poll(&pfd, 1, -1), 1);
	p->revents = pfd.revents;
	return NULL;
}

CASE("2.10.1 3.14", "a_post_wakes_every_poller")
{
	struct poller pollers[3];
	pthread_t threads[3];
	int port = new_port(), i;
	for (i = 0; i < 3; i++) {
		pollers[i].port = port;
		EQ(pthread_create(&threads[i], NULL, poll_for_ever, &pollers[i]), 0);
	}
	send_range(port, 1, 1);
	for (i = 0; i < 3; i++) {
		EQ(pthread_join(threads[i], NULL), 0);
		EQ(pollers[i].revents, POLLIN);
	}
	EQ(queued(port), 1);
}

CASE("2.10.1", "select_says_the_same")
{
	int port = new_port();
	fd_set set;
	FD_ZERO(&set);
	FD_SET(port, &set);
	EQ(select(port + 1, &set, NULL, NULL, &(struct timeval){ 0, 0 }), 0);
	send_range(port, 1, 1);
	FD_ZERO(&set);
	FD_SET(port, &set);
	EQ(select(port + 1, &set, NULL, NULL, NULL), 1);
	TRUE(FD_ISSET(port, &set));
}

CASE("2.10.1", "poll_says_writable_while_slots_are_left")
{
	int port = new_port_limit(2);
	EQ(poll_now(port, POLLOUT), POLLOUT);
	send_range(port, 1, 2);
	EQ(poll_now(port, POLLIN | POLLOUT), POLLIN);
	(void)take(port);
	EQ(poll_now(port, POLLIN | POLLOUT), POLLIN | POLLOUT);
}

CASE("2.10.2", "alert_mode_alone_is_not_readable")
{
	int port = new_port();
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	EQ(poll_now(port, POLLIN), 0);
	(void)take(port);
	EQ(poll_now(port, POLLIN), 0);
	send_range(port, 1, 1);
	EQ(poll_now(port, POLLIN), POLLIN);
}

CASE("2.10.4", "fstat_describes_the_port")
{
	int port = new_port(), copy;
	struct stat st;
	send_range(port, 1, 3);
	copy = track_port(dup(port));
	OK(fstat(copy, &st));
#if defined(S_ISPORT)
	TRUE(S_ISPORT(st.st_mode));
#endif
	EQ(st.st_mode & 07777, 0);
	EQ(st.st_uid, geteuid());
	EQ(st.st_gid, getegid());
	EQ(st.st_size, 3);
	EQ(st.st_ino, 0);
	EQ(st.st_mtime, st.st_ctime);
	TRUE(fchmod(port, 0600) != 0);
}

CASE("2.10.5", "read_and_write_are_ebadf")
{
	char byte = 0;
	int port = new_port();
	FAILS(read(port, &byte, 1), EBADF);
	FAILS(write(port, &byte, 1), EBADF);
}

CASE("2.10.5", "read_and_write_fail_and_change_nothing")
{
	char bytes[8] = { 0 };
	int port = new_port();
	send_range(port, 1, 2);
	EQ(read(port, bytes, sizeof(bytes)), -1);
	EQ(write(port, bytes, sizeof(bytes)), -1);
	EQ(queued(port), 2);
	EQ(poll_now(port, POLLIN), POLLIN);
	EQ(take(port).portev_events, 1);
	EQ(take(port).portev_events, 2);
	EMPTY(port);
}

static void same_port(int port, int copy)
{
	int fd[2];
	port_event_t pe;
	TRUE(copy != port);
	OK(port_send(port, 1, USER(1)));
	OK(port_send(copy, 2, USER(2)));
	EQ(queued(port), 2);
	EQ(queued(copy), 2);
	pe = take(copy);
	EVENT(&pe, PORT_SOURCE_USER, 0, 1, USER(1));
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_USER, 0, 2, USER(2));
	new_pipe(fd);
	OK(port_associate(copy, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL));
	OK(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[0]));
	OK(port_alert(copy, PORT_ALERT_SET, 3, USER(3)));
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_ALERT, 0, 3, USER(3));
	OK(port_alert(port, 0, 0, NULL));
	EMPTY(copy);
}

CASE("2.10.6", "every_kind_of_dup_is_the_same_port")
{
	int port = new_port(), target = track(open("/dev/null", O_RDONLY));
	same_port(port, track_port(dup(port)));
	same_port(port, track_port(fcntl(port, F_DUPFD, 50)));
	same_port(port, track_port(fcntl(port, F_DUPFD_CLOEXEC, 60)));
	untrack(target);
	same_port(port, track_port(dup2(port, target)));
	EQ(dup2(port, port), port);
	EQ(queued(port), 0);
#if defined(__linux__)
	same_port(port, track_port(dup3(port, 90, O_CLOEXEC)));
#endif
}

CASE("2.10.6 2.11.3", "a_dup_outlives_its_original")
{
	int port = new_port(), copy = track_port(dup(port)), third;
	send_range(port, 1, 1);
	third = track_port(dup(copy));
	close_port(port);
	EQ(take(copy).portev_events, 1);
	send_range(third, 2, 2);
	close_port(third);
	EQ(take(copy).portev_events, 2);
}

/* The library looks for it with none to spare. */
CASE("2.10.6 2.11.3", "a_dup_outlives_its_original_where_no_descriptor_is_left")
{
	enum { LIMIT = 512 };
	struct rlimit before, low;
	int port, copy, others[LIMIT], count = 0;
	OK(getrlimit(RLIMIT_NOFILE, &before));
	low = before;
	low.rlim_cur = LIMIT;
	OK(setrlimit(RLIMIT_NOFILE, &low));
	port = new_port();
	send_range(port, 1, 1);
	copy = track_port(dup(port));
	while ((others[count] = dup(STDERR_FILENO)) >= 0)
		count++;
	EQ(errno, EMFILE);
	close_port(port);
	EQ(take(copy).portev_events, 1);
	while (count > 0)
		OK(close(others[--count]));
	OK(setrlimit(RLIMIT_NOFILE, &before));
}

CASE("2.10.6 2.1.1", "close_on_exec_is_a_matter_of_the_descriptor")
{
	int port = new_port(), copy;
	OK(fcntl(port, F_SETFD, FD_CLOEXEC));
	copy = track_port(dup(port));
	EQ(fcntl(copy, F_GETFD) & FD_CLOEXEC, 0);
	EQ(fcntl(port, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

#if defined(__linux__)
CASE("2.10.6 14.6.4", "a_dup_made_behind_the_library_is_the_same_port")
{
	int port = new_port();
	same_port(port, track_port((int)syscall(SYS_dup, port)));
	same_port(port, track_port((int)syscall(SYS_dup3, port, 70, 0)));
}

/* The numbers that are open, and of them those that exec leaves open. */
static int kept_over_exec(unsigned char *open, int room)
{
	int fd, kept = 0;
	for (fd = 0; fd < room; fd++) {
		long flags = syscall(SYS_fcntl, fd, F_GETFD);
		if (flags >= 0 && !(flags & FD_CLOEXEC) && !open[fd])
			kept++;
	}
	return kept;
}

CASE("2.10.7 2.10.6", "close_on_exec_goes_for_what_is_behind_a_port")
{
	enum { ROOM = 4096 };
	unsigned char open[ROOM];
	int fd, port, copy;
	for (fd = 0; fd < ROOM; fd++)
		open[fd] = syscall(SYS_fcntl, fd, F_GETFD) >= 0;
	port = new_port();
	TRUE(kept_over_exec(open, ROOM) > 1);
	OK(fcntl(port, F_SETFD, FD_CLOEXEC));
	EQ(kept_over_exec(open, ROOM), 0);
	OK(fcntl(port, F_SETFD, 0));
	TRUE(kept_over_exec(open, ROOM) > 1);
	copy = track_port(dup(port));
	OK(port_send(copy, 1, NULL)); /* known to be the same port */
	OK(fcntl(port, F_SETFD, FD_CLOEXEC));
	TRUE(kept_over_exec(open, ROOM) > 1);
	OK(fcntl(copy, F_SETFD, FD_CLOEXEC));
	EQ(kept_over_exec(open, ROOM), 0);
	EQ(fcntl(port, F_GETFD), FD_CLOEXEC); /* the rest is libc's */
	FAILS(fcntl(closed_fd(), F_SETFD, FD_CLOEXEC), EBADF);
}

CASE("2.10.7 2.10.6", "what_is_behind_a_port_goes_over_exec_while_a_number_does")
{
	enum { ROOM = 4096, ALL = 5 };
	unsigned char open[ROOM];
	int fd, port, copy, status;
	pid_t child;
	for (fd = 0; fd < ROOM; fd++)
		open[fd] = syscall(SYS_fcntl, fd, F_GETFD) >= 0;
	port = new_port();
	EQ(kept_over_exec(open, ROOM), ALL);
	copy = track_port(fcntl(port, F_DUPFD_CLOEXEC, 60));
	EQ(kept_over_exec(open, ROOM), ALL);
	close_port(port); /* moved out of the way, as libraries do */
	EQ(kept_over_exec(open, ROOM), 0);
	port = track_port(dup2(copy, 61)); /* and back, for a program to be executed */
	EQ(kept_over_exec(open, ROOM), ALL);
	close_port(port);
	EQ(kept_over_exec(open, ROOM), 0);
	port = track_port(dup(copy));
	EQ(kept_over_exec(open, ROOM), ALL);
	OK(port_send(port, 1, NULL));
	close_port(port);
	EQ(kept_over_exec(open, ROOM), 0);
	child = vfork();
	if (child == 0) {
		(void)dup2(copy, 62);
		_exit(kept_over_exec(open, ROOM));
	}
	EQ(waitpid(child, &status, 0), child);
	EQ(WEXITSTATUS(status), ALL);
	EQ(kept_over_exec(open, ROOM), 0);
	(void)take(copy);
	EMPTY(copy);
}

CASE("2.10.1 14.6.1", "epoll_says_the_same_by_level_and_by_edge")
{
	int port = new_port(), level = track(epoll_create1(0)), i;
	int edge = track(epoll_create1(0));
	struct epoll_event ev = { .events = EPOLLIN }, got;
	OK(epoll_ctl(level, EPOLL_CTL_ADD, port, &ev));
	ev.events = EPOLLIN | EPOLLET;
	OK(epoll_ctl(edge, EPOLL_CTL_ADD, port, &ev));
	for (i = 0; i < 3; i++) {
		EQ(epoll_wait(level, &got, 1, 0), 0);
		EQ(epoll_wait(edge, &got, 1, 0), 0);
		send_range(port, 1, 1);
		EQ(epoll_wait(level, &got, 1, 0), 1);
		EQ(epoll_wait(level, &got, 1, 0), 1);
		EQ(epoll_wait(edge, &got, 1, 0), 1);
		(void)take(port);
	}
}

CASE("2.10.4", "getinfo_and_isport_on_other_descriptors")
{
	port_info_t info = { .pi_size = sizeof(info) };
	int port = new_port();
	FAILS(port_getinfo(closed_fd(), &info), EBADF);
	FAILS(port_getinfo(new_file(), &info), EBADFD);
	EQ(port_isport(port), 1);
	EQ(port_isport(new_file()), 0);
	EQ(port_isport(closed_fd()), 0);
	EQ(port_isport(-1), 0);
}
#endif
