/* Section 7: requests of pipes, terminals and sockets, which wait for a peer. */
#include "aio_support.h"

#if defined(__linux__)
#include <sys/inotify.h>
#endif

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
