/* Section 7: requests of pipes, terminals and sockets, which wait for a peer. */
#include "aio_support.h"

#include <sys/resource.h>
#if defined(__linux__)
#include <sys/inotify.h>
#endif

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
