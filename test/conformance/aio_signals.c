/* Section 7: requests are no signals, to whoever makes them or waits. */
#include "aio_support.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static volatile sig_atomic_t broken_pipes;

static void on_broken_pipe(int sig)
{
	(void)sig;
	broken_pipes++;
}

/* Divergence aio-sigpipe: io_uring before Linux 6.18, or which could not be asked. */
static int writes_raise_sigpipe(void)
{
	struct utsname system;
	port_capabilities_t can;
	int major = 0, minor = 0;
	can.pc_size = sizeof can;
	OK(port_capabilities(&can));
	OK(uname(&system));
	EQ(sscanf(system.release, "%d.%d", &major, &minor), 2);
	return can.pc_aio_engine == PORT_ENGINE_IO_URING &&
	    (major < 6 || (major == 6 && minor < 18) || getenv("CONFORMANCE_UNASKED") != NULL);
}

CASE("7.3", "a_write_that_nobody_reads_fails_without_a_signal")
{
	int port = new_port(), pipe[2], ends[2];
	struct request w;
	TRUE(signal(SIGPIPE, on_broken_pipe) != SIG_ERR);
	new_pipe(pipe);
	close_fd(pipe[0]);
	request_init(&w, port, USER(1), pipe[1], 0, 1);
	OK(aio_write(&w.cb));
	expect_done(port, &w, AIOAWRITE, USER(1), EPIPE, -1);
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	OK(close(ends[0]));
	request_init(&w, port, USER(2), ends[1], 0, 1);
	OK(aio_write(&w.cb));
	expect_done(port, &w, AIOAWRITE, USER(2), EPIPE, -1);
	OK(close(ends[1]));
	/* One that waits for room when the reader goes. */
	new_pipe(pipe);
	fill(pipe[1]);
	request_init(&w, port, USER(3), pipe[1], 0, 1);
	OK(aio_write(&w.cb));
	close_fd(pipe[0]);
	expect_done(port, &w, AIOAWRITE, USER(3), EPIPE, -1);
	EQ(broken_pipes, writes_raise_sigpipe() ? 3 : 0);
}

CASE("7.3 2.5.10", "a_completion_is_no_signal_to_who_waits")
{
	int port = new_port(), pipe[2], i;
	struct request r;
	new_pipe(pipe);
	for (i = 0; i < 100; i++) {
		pid_t child;
		request_init(&r, port, USER(i), pipe[0], 0, 1);
		OK(aio_read(&r.cb));
		child = fork(); /* writes while the parent sleeps, or before */
		TRUE(child >= 0);
		if (child == 0)
			_exit(write(pipe[1], "x", 1) == 1 ? 0 : 1);
		expect_done(port, &r, AIOAREAD, USER(i), 0, 1);
		EQ(waitpid(child, NULL, 0), child);
	}
}

/* The kernel starts threads for them, and does so in the thread that asked. */
CASE("7.3 2.5.10", "requests_for_which_the_kernel_starts_threads_are_no_signal")
{
	enum { PROCESSES = 50, AT_ONCE = 8, ROUNDS = 32, LENGTH = 16384 };
	static char data[LENGTH];
	static struct request r[AT_ONCE];
	int i, status;
	for (i = 0; i < PROCESSES; i++) {
		pid_t child = fork(); /* one that has none of them yet */
		TRUE(child >= 0);
		if (child == 0) {
			int port = new_port(), fd = new_file(), k;
			for (k = 0; k < ROUNDS * AT_ONCE; k++) {
				port_event_t pe;
				if (k >= AT_ONCE)
					OK(port_get(port, &pe, NULL));
				request_init(&r[k % AT_ONCE], port, NULL, fd, k * LENGTH, LENGTH);
				r[k % AT_ONCE].cb.aio_buf = data;
				OK(aio_write(&r[k % AT_ONCE].cb));
			}
			_exit(0);
		}
		EQ(waitpid(child, &status, 0), child);
		EQ(status, 0);
	}
}

static struct request waiting;
static int handler_runs;

static void calls_in_handler(int sig)
{
	static const struct itimerval soon = { { 0, 0 }, { 0, 100 } };
	static const struct timespec now = { 0, 0 };
	const struct aiocb *list[1] = { &waiting.cb };
	int saved = errno;
	(void)sig;
	FAILS(aio_suspend(list, 1, &now), EAGAIN);
	EQ(aio_error(&waiting.cb), EINPROGRESS);
	if (aio_read(&waiting.cb) == 0 || errno != EAGAIN)
		EQ(errno, EBUSY);
	__atomic_add_fetch(&handler_runs, 1, __ATOMIC_ACQ_REL);
	OK(setitimer(ITIMER_REAL, &soon, NULL)); /* not before this one has ended */
	errno = saved;
}

/* A handler that interrupts the library is told so, and finds nothing half done. */
CASE("7.1 7.5", "aio_calls_from_a_handler_amid_requests")
{
	int port = new_port(), fd = new_filled_file(64), pipe[2];
	struct request r;
	struct sigaction action;
	request_blocked(&waiting, port, USER(1), pipe);
	(void)memset(&action, 0, sizeof(action));
	action.sa_handler = calls_in_handler;
	action.sa_flags = SA_RESTART;
	OK(sigaction(SIGALRM, &action, NULL));
	OK(raise(SIGALRM));
	while (__atomic_load_n(&handler_runs, __ATOMIC_ACQUIRE) < 2000) {
		port_event_t pe;
		request_init(&r, port, USER(2), fd, 0, 64);
		OK(aio_read(&r.cb));
		while (port_get(port, &pe, NULL) != 0)
			EQ(errno, EINTR);
		EVENT(&pe, PORT_SOURCE_AIO, &r.cb, AIOAREAD, USER(2));
	}
	action.sa_handler = SIG_IGN;
	OK(sigaction(SIGALRM, &action, NULL));
	write_byte(pipe[1]);
	expect_done(port, &waiting, AIOAREAD, USER(1), 0, 1);
	EMPTY(port);
	SLOTS(port, 0);
}
