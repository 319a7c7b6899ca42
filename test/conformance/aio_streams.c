/* Section 7: requests of pipes, terminals and sockets, which wait for a peer. */
#include "aio_support.h"

#include <sys/resource.h>
#if defined(__linux__)
#include <sys/eventfd.h>
#include <sys/inotify.h>
#endif

/* poll(2) tells of neither. */
CASE("7.3", "a_read_that_would_not_wait_has_its_event_at_once")
{
	char directory[] = "/tmp/conformance.XXXXXX", name[64];
	int port = new_port(), pipe[2], fifo;
	struct request r;
	TRUE(mkdtemp(directory) != NULL);
	snprintf(name, sizeof(name), "%s/fifo", directory);
	OK(mkfifo(name, 0600));
	fifo = track(open(name, O_RDONLY | O_NONBLOCK));
	OK(unlink(name));
	OK(rmdir(directory));
	request_init(&r, port, USER(1), fifo, 0, 1);
	OK(aio_read(&r.cb));
	expect_done(port, &r, AIOAREAD, USER(1), 0, 0); /* nobody writes */
	new_pipe(pipe);
	OK(fcntl(pipe[0], F_SETFL, O_NONBLOCK));
	request_init(&r, port, USER(2), pipe[0], 0, 0);
	OK(aio_read(&r.cb));
	expect_done(port, &r, AIOAREAD, USER(2), 0, 0);
#if defined(__linux__)
	request_init(&r, port, USER(3), track(eventfd(0, EFD_NONBLOCK)), 0, 4);
	OK(aio_read(&r.cb));
	expect_done(port, &r, AIOAREAD, USER(3), EINVAL, -1); /* too short */
#endif
}

/* More than poll(2) takes descriptors. */
CASE("7.3", "more_requests_may_wait_than_descriptors_may_be_open")
{
	enum { ALLOWED = 64, READS = 200 };
	static struct request r[READS];
	struct rlimit limit;
	int port = new_port(), pipe[2], i;
	OK(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = ALLOWED;
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	new_pipe(pipe);
	for (i = 0; i < READS; i++) {
		request_init(&r[i], port, USER(i), pipe[0], 0, 1);
		OK(aio_read(&r[i].cb));
	}
	for (i = 0; i < READS; i++)
		write_byte(pipe[1]);
	for (i = 0; i < READS; i++) {
		port_event_t pe = take_wait(port);
		EQ(aio_error((struct aiocb *)pe.portev_object), 0);
	}
	SLOTS(port, 0);
}

/* Each end is waited for anew: the limit is below how many are. */
CASE("7.3", "requests_end_on_more_streams_than_the_limit_was_lowered_to")
{
	enum { ALLOWED = 16, READS = 60 };
	static struct request r[READS];
	int pipes[READS][2], port = new_port(), i;
	struct rlimit limit;
	for (i = 0; i < READS; i++) {
		new_pipe(pipes[i]);
		request_init(&r[i], port, USER(i), pipes[i][0], 0, 1);
		OK(aio_read(&r[i].cb));
	}
	OK(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = ALLOWED;
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	for (i = 0; i < READS; i++) {
		write_byte(pipes[i][1]);
		expect_done(port, &r[i], AIOAREAD, USER(i), 0, 1);
	}
	SLOTS(port, 0);
}

/* A terminal can't be read without waiting: of requests that see the same line one may begin. */
CASE("7.9", "one_line_of_a_terminal_is_one_requests_and_the_others_can_be_cancelled")
{
	enum { ROUNDS = 100, READS = 6 };
	static struct request r[READS];
	int port = new_port(), round, i;
	for (round = 0; round < ROUNDS; round++) {
		struct aiocb *list[READS];
		int master = posix_openpt(O_RDWR | O_NOCTTY), line;
		TRUE(master >= 0);
		OK(grantpt(master));
		OK(unlockpt(master));
		line = open(ptsname(master), O_RDWR | O_NOCTTY);
		TRUE(line >= 0);
		EQ(write(master, "abc\n", 4), 4);
		for (i = 0; i < READS; i++) {
			request_init(&r[i], port, USER(i), line, 0, sizeof(r[i].buffer));
			r[i].cb.aio_lio_opcode = LIO_READ;
			list[i] = &r[i].cb;
		}
		OK(lio_listio(LIO_NOWAIT, list, READS, NULL));
		(void)take_wait(port);
		EQ(aio_cancel(line, NULL), AIO_CANCELED);
		for (i = 1; i < READS; i++)
			(void)take_wait(port);
		EMPTY(port);
		OK(close(line));
		OK(close(master));
	}
}

#if defined(__linux__)
/* Reads of inotify are interrupted by their cancellation, which says EINTR. */
CASE("7.9 14.4.2", "what_is_cancelled_within_its_call_is_cancelled_too")
{
	enum { ROUNDS = 60, READS = 6 };
	static struct request r[READS];
	int port = new_port(), round, i;
	for (round = 0; round < ROUNDS; round++) {
		char name[] = "/tmp/conformance.XXXXXX";
		int watcher = inotify_init1(IN_CLOEXEC), file = mkstemp(name), answer, read = 0;
		TRUE(watcher >= 0 && file >= 0);
		TRUE(inotify_add_watch(watcher, name, IN_MODIFY) > 0);
		write_byte(file);
		for (i = 0; i < READS; i++) {
			request_init(&r[i], port, USER(i), watcher, 0, sizeof(r[i].buffer));
			OK(aio_read(&r[i].cb));
		}
		(void)take_wait(port);
		tick();
		answer = aio_cancel(watcher, NULL);
		TRUE(answer == AIO_CANCELED || answer == AIO_NOTCANCELED);
		OK(close(watcher));
		for (i = 1; i < READS; i++)
			(void)take_wait(port);
		for (i = 0; i < READS; i++) {
			int error = aio_error(&r[i].cb);
			TRUE(error == 0 || error == ECANCELED);
			read += error == 0;
		}
		EQ(read, 1);
		OK(close(file));
		OK(unlink(name));
	}
}
#endif

CASE("7.10", "what_is_closed_with_requests_in_flight_is_closed_when_close_returns")
{
	enum { ROUNDS = 300 };
	int port = new_port(), round;
	signal(SIGPIPE, SIG_IGN);
	for (round = 0; round < ROUNDS; round++) {
		struct request r;
		int pipe[2];
		request_blocked(&r, port, NULL, pipe);
		(void)usleep(100);
		close_fd(pipe[0]);
		FAILS(write(pipe[1], "x", 1), EPIPE);
		expect_done(port, &r, AIOAREAD, NULL, ECANCELED, -1);
		close_fd(pipe[1]);
	}
}
