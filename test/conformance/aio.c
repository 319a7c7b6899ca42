/* Section 7: requests, their events and results. */
#include "aio_support.h"

#include <sys/wait.h>

CASE("7.1 1.12", "aio_read_write_fsync_report_what_they_were")
{
	int port = new_port(), fd = new_file();
	struct request w, s, d, r;
	request_init(&w, port, USER(1), fd, 3, 5);
	memcpy(w.buffer, "hello", 5);
	OK(aio_write(&w.cb));
	expect_done(port, &w, AIOAWRITE, USER(1), 0, 5);
	request_init(&s, port, USER(2), fd, 0, 0);
	OK(aio_fsync(O_SYNC, &s.cb));
	expect_done(port, &s, AIOFSYNC, USER(2), 0, 0);
	request_init(&d, port, USER(3), fd, 0, 0);
	OK(aio_fsync(O_DSYNC, &d.cb));
	expect_done(port, &d, AIOFSYNC, USER(3), 0, 0);
	request_init(&r, port, USER(4), fd, 3, 64);
	OK(aio_read(&r.cb));
	expect_done(port, &r, AIOAREAD, USER(4), 0, 5);
	EQ(memcmp(r.buffer, "hello", 5), 0);
	EMPTY(port);
	SLOTS(port, 0);
}

CASE("7.1 7.2", "aio_arguments_are_tested_at_submit")
{
	int port = new_port(), fd = new_file();
	struct request r;
	/* By pointers: the headers say that null is never passed. */
	int (*volatile read_call)(struct aiocb *) = aio_read;
	int (*volatile write_call)(struct aiocb *) = aio_write;
	int (*volatile fsync_call)(int, struct aiocb *) = aio_fsync;
	FAILS(read_call(NULL), EINVAL);
	FAILS(write_call(NULL), EINVAL);
	FAILS(fsync_call(O_SYNC, NULL), EINVAL);
	request_init(&r, port, NULL, fd, 0, 1);
	r.cb.aio_reqprio = 1;
	FAILS(aio_read(&r.cb), EINVAL);
	request_init(&r, port, NULL, fd, -1, 1);
	FAILS(aio_read(&r.cb), EINVAL);
	FAILS(aio_write(&r.cb), EINVAL);
	request_init(&r, port, NULL, fd, 0, (size_t)SSIZE_MAX + 1);
	FAILS(aio_read(&r.cb), EINVAL);
	request_init(&r, port, NULL, -1, 0, 1);
	FAILS(aio_read(&r.cb), EBADF);
	request_init(&r, port, NULL, fd, 0, 1);
	FAILS(aio_fsync(77, &r.cb), EINVAL);
	request_init(&r, closed_fd(), NULL, fd, 0, 1);
	FAILS(aio_read(&r.cb), EINVAL); /* no such descriptor */
	request_init(&r, fd, NULL, fd, 0, 1);
	FAILS(aio_read(&r.cb), EINVAL); /* no port */
	request_init(&r, port, NULL, fd, 0, 1);
	r.cb.aio_sigevent.sigev_value.sival_ptr = NULL;
	FAILS(aio_read(&r.cb), EFAULT);
	EMPTY(port); /* 7.3: nothing for what was refused */
	SLOTS(port, 0);
}

CASE("7.2 12.2 12.3 12.4", "an_aio_request_holds_a_slot_from_submit_to_retrieval")
{
	int port = new_port_limit(2), pipe[2], other[2];
	struct request a, b, c;
	request_blocked(&a, port, USER(1), pipe);
	request_blocked(&b, port, USER(2), other);
	SLOTS(port, 2);
	request_init(&c, port, USER(3), pipe[0], 0, 1);
	FAILS(aio_read(&c.cb), EAGAIN);
	FAILS(port_send(port, 1, NULL), EAGAIN);
	EQ(aio_error(&c.cb), EAGAIN);
	write_byte(pipe[1]);
	while (queued(port) == 0)
		tick();
	SLOTS(port, 2); /* done, and not retrieved */
	expect_done(port, &a, AIOAREAD, USER(1), 0, 1);
	SLOTS(port, 1);
	write_byte(other[1]);
	expect_done(port, &b, AIOAREAD, USER(2), 0, 1);
	SLOTS(port, 0);
}

CASE("7.3 7.4", "requests_that_fail_have_their_event")
{
	int port = new_port(), fd[2];
	struct request r;
	request_init(&r, port, USER(1), closed_fd(), 0, 1);
	OK(aio_read(&r.cb));
	expect_done(port, &r, AIOAREAD, USER(1), EBADF, -1);
	request_init(&r, port, USER(2), new_directory(), 0, 1);
	OK(aio_read(&r.cb));
	expect_done(port, &r, AIOAREAD, USER(2), EISDIR, -1);
	new_pipe(fd);
	request_init(&r, port, USER(3), fd[0], 0, 1);
	OK(aio_write(&r.cb)); /* not open for it */
	expect_done(port, &r, AIOAWRITE, USER(3), EBADF, -1);
	request_init(&r, port, USER(4), fd[0], 0, 1);
	OK(aio_fsync(O_SYNC, &r.cb));
	expect_done(port, &r, AIOFSYNC, USER(4), EINVAL, -1);
	request_init(&r, port, USER(5), new_file(), 0, 1);
	r.cb.aio_buf = (void *)8;
	OK(aio_write(&r.cb));
	expect_done(port, &r, AIOAWRITE, USER(5), EFAULT, -1);
	EMPTY(port);
}

CASE("7.3", "the_end_of_a_file_and_nothing_asked_for_are_zero_bytes")
{
	int port = new_port(), fd = new_filled_file(100);
	struct request r;
	request_init(&r, port, NULL, fd, 100, 8);
	OK(aio_read(&r.cb));
	expect_done(port, &r, AIOAREAD, NULL, 0, 0);
	request_init(&r, port, NULL, fd, 90, 20);
	OK(aio_read(&r.cb));
	expect_done(port, &r, AIOAREAD, NULL, 0, 10);
	request_init(&r, port, NULL, fd, 0, 0);
	OK(aio_read(&r.cb));
	expect_done(port, &r, AIOAREAD, NULL, 0, 0);
	OK(aio_write(&r.cb));
	expect_done(port, &r, AIOAWRITE, NULL, 0, 0);
}

/* As write(2) does; io_uring and threads alike begin with what there is room for. */
CASE("7.3", "a_write_to_a_stream_that_blocks_is_whole")
{
	enum { SIZE = 1 << 20 };
	static unsigned char out[SIZE], in[4096];
	int way;
	for (way = 0; way < 2; way++) {
		int port = new_port(), fd[2], i;
		struct request r;
		size_t seen = 0;
		OK(way == 0 ? pipe(fd) : socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
		for (i = 0; i < SIZE; i++)
			out[i] = (unsigned char)(i * 31 + i / 4096);
		request_init(&r, port, USER(1), fd[1], 0, SIZE);
		r.cb.aio_buf = out;
		OK(aio_write(&r.cb));
		while (seen < SIZE) {
			struct timespec now = { 0, 0 };
			struct pollfd ready = { .fd = fd[0], .events = POLLIN };
			unsigned int n = 0;
			ssize_t got;
			/* It goes on while somebody asks its port. */
			while (poll(&ready, 1, 1) == 0)
				OK(port_getn(port, NULL, 0, &n, &now));
			got = read(fd[0], in, sizeof(in));
			TRUE(got > 0);
			EQ(memcmp(in, out + seen, (size_t)got), 0);
			seen += (size_t)got;
		}
		expect_done(port, &r, AIOAWRITE, USER(1), 0, SIZE);
		EMPTY(port);
		/* Where the peer has gone it has written what it had. */
		OK(aio_write(&r.cb));
		EQ(read(fd[0], in, sizeof(in)), sizeof(in));
		OK(close(fd[0]));
		(void)take_wait(port);
		TRUE(aio_return(&r.cb) < SIZE);
		OK(close(fd[1]));
		/* With O_NONBLOCK a part is all. */
		new_pipe(fd);
		OK(fcntl(fd[1], F_SETFL, O_NONBLOCK));
		r.cb.aio_fildes = fd[1];
		OK(aio_write(&r.cb));
		(void)take_wait(port);
		EQ(aio_return(&r.cb), 65536);
	}
}

CASE("7.3", "the_longest_length_moves_what_there_is")
{
	int port = new_port();
	static struct request r; /* on the stack it may reach beyond the end of addresses: EFAULT */
	request_init(&r, port, NULL, new_filled_file(10), 2, SSIZE_MAX);
	OK(aio_read(&r.cb));
	expect_done(port, &r, AIOAREAD, NULL, 0, 8);
	EQ(r.buffer[7], 9);
}

CASE("7.5 14.4.1", "the_result_is_there_before_the_event_is_seen")
{
	enum { ROUNDS = 200, AT_ONCE = 16 };
	static struct request r[AT_ONCE];
	int port = new_port(), fd = new_filled_file(4096), round, i;
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < AT_ONCE; i++) {
			request_init(&r[i], port, USER(i), fd, i * 64, 64);
			OK(aio_read(&r[i].cb));
		}
		for (i = 0; i < AT_ONCE; i++) {
			port_event_t pe = take_wait(port);
			struct request *done = &r[(uintptr_t)pe.portev_user];
			EVENT(&pe, PORT_SOURCE_AIO, &done->cb, AIOAREAD, pe.portev_user);
			EQ(aio_error(&done->cb), 0);
			EQ(aio_return(&done->cb), 64);
			EQ(done->buffer[1], (char)((uintptr_t)pe.portev_user * 64 + 1));
		}
		EMPTY(port);
	}
}

CASE("7.5", "results_can_be_had_before_the_event_is_retrieved")
{
	int port = new_port(), pipe[2];
	struct request r;
	request_blocked(&r, port, USER(1), pipe);
	FAILS(aio_return(&r.cb), EINPROGRESS);
	write_byte(pipe[1]);
	while (aio_error(&r.cb) == EINPROGRESS)
		tick();
	EQ(aio_error(&r.cb), 0);
	EQ(aio_return(&r.cb), 1);
	FAILS(aio_return(&r.cb), EINVAL);
	EQ(aio_error(&r.cb), EINVAL);
	EQ(queued(port), 1);
	EQ(take(port).portev_object, (uintptr_t)&r.cb);
}

CASE("7.5", "aio_return_gives_its_result_once")
{
	int port = new_port();
	struct request r;
	request_init(&r, port, NULL, new_filled_file(10), 0, 4);
	OK(aio_read(&r.cb));
	(void)take_wait(port);
	EQ(aio_return(&r.cb), 4);
	FAILS(aio_return(&r.cb), EINVAL);
	OK(aio_read(&r.cb)); /* 7.6: it may be used again */
	expect_done(port, &r, AIOAREAD, NULL, 0, 4);
}

CASE("7.1", "an_aiocb_in_flight_is_busy")
{
	int port = new_port(), pipe[2];
	struct request r, copy;
	request_blocked(&r, port, USER(1), pipe);
	FAILS(aio_read(&r.cb), EBUSY);
	FAILS(aio_write(&r.cb), EBUSY);
	EQ(aio_error(&r.cb), EINPROGRESS);
	SLOTS(port, 1);
	/* What is left over in another aiocb is no request. */
	memcpy(&copy, &r, sizeof(copy));
	copy.cb.aio_sigevent.sigev_value.sival_ptr = &copy.notify;
	copy.cb.aio_buf = copy.buffer;
	OK(aio_read(&copy.cb));
	EQ(write(pipe[1], "xy", 2), 2);
	(void)take_wait(port);
	(void)take_wait(port);
	EQ(aio_return(&r.cb), 1);
	EQ(aio_return(&copy.cb), 1);
	OK(aio_read(&r.cb));
	write_byte(pipe[1]);
	expect_done(port, &r, AIOAREAD, USER(1), 0, 1);
}

CASE("7.7 3.1 4.5", "a_completion_comes_after_a_descriptor_that_was_ready_before_it")
{
	int port = new_port(), fd[2];
	struct request r;
	const struct aiocb *only = &r.cb;
	new_pipe(fd);
	write_byte(fd[1]);
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(1)));
	request_init(&r, port, USER(2), new_filled_file(8), 0, 8);
	OK(aio_read(&r.cb));
	OK(aio_suspend(&only, 1, NULL));
	EQ(take_wait(port).portev_user, USER(1));
	expect_done(port, &r, AIOAREAD, USER(2), 0, 8);
}

CASE("7.7", "events_come_in_the_order_of_completion")
{
	int port = new_port(), first[2], second[2];
	struct request a, b;
	request_blocked(&a, port, USER(1), first);
	request_blocked(&b, port, USER(2), second);
	write_byte(second[1]);
	expect_done(port, &b, AIOAREAD, USER(2), 0, 1);
	write_byte(first[1]);
	expect_done(port, &a, AIOAREAD, USER(1), 0, 1);
}

CASE("7.8 12.4", "events_are_never_lost_at_the_slot_limit")
{
	int port = new_port_limit(1), pipe[2];
	struct request r;
	request_blocked(&r, port, USER(1), pipe);
	FAILS(port_send(port, 1, NULL), EAGAIN); /* the slot is the request's */
	write_byte(pipe[1]);
	expect_done(port, &r, AIOAREAD, USER(1), 0, 1);
	OK(port_send(port, 1, NULL));
}

CASE("7.9 14.4.2", "a_cancelled_request_has_its_event")
{
	int port = new_port(), pipe[2];
	struct request r;
	request_blocked(&r, port, USER(1), pipe);
	EQ(aio_cancel(pipe[0], &r.cb), AIO_CANCELED);
	EQ(aio_error(&r.cb), ECANCELED);
	expect_done(port, &r, AIOAREAD, USER(1), ECANCELED, -1);
	EQ(aio_cancel(pipe[0], &r.cb), AIO_ALLDONE);
	EMPTY(port);
	write_byte(pipe[1]);
	read_byte(pipe[0]); /* it took nothing */
}

CASE("7.9", "cancelling_what_is_done_leaves_its_event")
{
	int port = new_port(), fd = new_filled_file(10);
	struct request r;
	request_init(&r, port, USER(1), fd, 0, 4);
	OK(aio_read(&r.cb));
	while (aio_error(&r.cb) == EINPROGRESS)
		tick();
	EQ(aio_cancel(fd, &r.cb), AIO_ALLDONE);
	EQ(aio_cancel(fd, NULL), AIO_ALLDONE);
	expect_done(port, &r, AIOAREAD, USER(1), 0, 4);
}

CASE("7.9", "cancelling_a_descriptor_cancels_all_of_it_and_nothing_else")
{
	enum { COUNT = 100 };
	static struct request r[COUNT];
	struct request other;
	int port = new_port(), pipe[2], second[2], i;
	new_pipe(pipe);
	request_blocked(&other, port, USER(1000), second);
	for (i = 0; i < COUNT; i++) {
		request_init(&r[i], port, USER(i), pipe[0], 0, 1);
		OK(aio_read(&r[i].cb));
	}
	FAILS(aio_cancel(closed_fd(), NULL), EBADF);
	FAILS(aio_cancel(second[0], &r[0].cb), EINVAL);
	EQ(aio_cancel(pipe[0], NULL), AIO_CANCELED);
	EQ(queued(port), COUNT);
	for (i = 0; i < COUNT; i++) {
		port_event_t pe = take(port);
		EQ(pe.portev_source, PORT_SOURCE_AIO);
		EQ(aio_error(&r[(uintptr_t)pe.portev_user].cb), ECANCELED);
	}
	EQ(aio_error(&other.cb), EINPROGRESS);
	write_byte(second[1]);
	expect_done(port, &other, AIOAREAD, USER(1000), 0, 1);
}

CASE("7.10 14.4.3", "closing_a_descriptor_cancels_its_requests")
{
	int port = new_port(), pipe[2];
	struct request r;
	request_blocked(&r, port, USER(1), pipe);
	close_fd(pipe[0]);
	expect_done(port, &r, AIOAREAD, USER(1), ECANCELED, -1);
	EMPTY(port);
}

CASE("7.13 11.1", "only_the_process_that_asked_may_retrieve")
{
	int port = new_port(), pipe[2], status;
	struct request r;
	pid_t child;
	request_blocked(&r, port, USER(1), pipe);
	write_byte(pipe[1]);
	while (queued(port) == 0)
		tick();
	child = fork();
	TRUE(child >= 0);
	if (child == 0) {
		port_event_t pe;
		_exit(port_get(port, &pe, MS(1)) == -1 && errno == ETIME ? 0 : 1);
	}
	EQ(waitpid(child, &status, 0), child);
	EQ(status, 0);
	expect_done(port, &r, AIOAREAD, USER(1), 0, 1);
}

CASE("14.4.5 7.13", "a_child_has_requests_of_its_own_only")
{
	int port = new_port(), pipe[2], status;
	struct request r;
	pid_t child;
	request_blocked(&r, port, USER(1), pipe);
	child = fork();
	TRUE(child >= 0);
	if (child == 0) {
		static struct request mine;
		int fd = new_filled_file(10);
		port_event_t pe;
		request_init(&mine, port, USER(2), fd, 0, 4);
		if (aio_read(&mine.cb) != 0 || port_get(port, &pe, NULL) != 0)
			_exit(1);
		_exit(pe.portev_user == USER(2) && aio_return(&mine.cb) == 4 ? 0 : 2);
	}
	EQ(waitpid(child, &status, 0), child);
	EQ(status, 0);
	EQ(aio_error(&r.cb), EINPROGRESS);
	write_byte(pipe[1]);
	expect_done(port, &r, AIOAREAD, USER(1), 0, 1);
	SLOTS(port, 0);
}

static void *submit_and_end(void *arg)
{
	OK(aio_read(&((struct request *)arg)->cb));
	return NULL;
}

CASE("7.3", "a_request_outlives_the_thread_that_made_it")
{
	int port = new_port(), pipe[2];
	struct request r;
	pthread_t thread;
	new_pipe(pipe);
	request_init(&r, port, USER(1), pipe[0], 0, 1);
	EQ(pthread_create(&thread, NULL, submit_and_end, &r), 0);
	EQ(pthread_join(thread, NULL), 0);
	EQ(aio_error(&r.cb), EINPROGRESS);
	write_byte(pipe[1]);
	expect_done(port, &r, AIOAREAD, USER(1), 0, 1);
}

/* The kernel completes in the thread that asked, which sleeps: no EINTR. */
CASE("7.14", "requests_go_on_when_their_port_is_closed")
{
	int port = new_port(), pipe[2];
	struct request r;
	const struct aiocb *list[1];
	request_blocked(&r, port, USER(1), pipe);
	close_port(port);
	EQ(aio_error(&r.cb), EINPROGRESS);
	write_byte(pipe[1]);
	list[0] = &r.cb;
	OK(aio_suspend(list, 1, NULL));
	EQ(aio_error(&r.cb), 0);
	EQ(aio_return(&r.cb), 1);
}

CASE("14.4.6", "an_appending_write_goes_to_the_end_whatever_its_offset")
{
	char name[] = "/tmp/conformance.XXXXXX", seen[8] = "";
	int port = new_port(), fd = track(mkstemp(name)), append;
	struct request r;
	EQ(write(fd, "abc", 3), 3);
	append = track(open(name, O_WRONLY | O_APPEND));
	OK(unlink(name));
	request_init(&r, port, NULL, append, 0, 2);
	memcpy(r.buffer, "de", 2);
	OK(aio_write(&r.cb));
	expect_done(port, &r, AIOAWRITE, NULL, 0, 2);
	EQ(pread(fd, seen, 8, 0), 5);
	EQ(memcmp(seen, "abcde", 5), 0);
}

CASE("7.1", "an_fsync_looks_at_no_buffer")
{
	int port = new_port();
	struct request r;
	request_init(&r, port, USER(1), new_file(), -1, (size_t)-1);
	OK(aio_fsync(O_SYNC, &r.cb));
	expect_done(port, &r, AIOFSYNC, USER(1), 0, 0);
}

CASE("14.4.6", "appending_writes_are_made_in_the_order_they_were_asked_for")
{
	enum { WRITES = 500, SIZE = 64 };
	static struct request r[WRITES];
	char name[] = "/tmp/conformance.XXXXXX";
	int port = new_port(), fd = track(mkstemp(name)), append, i;
	append = track(open(name, O_WRONLY | O_APPEND));
	OK(unlink(name));
	for (i = 0; i < WRITES; i++) {
		request_init(&r[i], port, USER(i), append, 0, SIZE);
		memcpy(r[i].buffer, &i, sizeof(i));
		OK(aio_write(&r[i].cb));
	}
	for (i = 0; i < WRITES; i++) {
		port_event_t pe = take_wait(port);
		EQ(aio_error((struct aiocb *)pe.portev_object), 0);
	}
	for (i = 0; i < WRITES; i++) {
		int seen = -1;
		EQ(pread(fd, &seen, sizeof(seen), (off_t)i * SIZE), sizeof(seen));
		EQ(seen, i);
	}
}

CASE("14.4.6 7.7", "an_fsync_comes_after_what_was_asked_for_before_it")
{
	int port = new_port(), pair[2];
	struct request r, s, w;
	new_socketpair(pair);
	request_init(&r, port, USER(1), pair[0], 0, 1);
	OK(aio_read(&r.cb));
	request_init(&s, port, USER(2), pair[0], 0, 0);
	OK(aio_fsync(O_SYNC, &s.cb));
	request_init(&w, port, USER(3), pair[0], 0, 1);
	OK(aio_write(&w.cb)); /* asked for later: it does not wait */
	expect_done(port, &w, AIOAWRITE, USER(3), 0, 1);
	EQ(aio_error(&s.cb), EINPROGRESS);
	write_byte(pair[1]);
	expect_done(port, &r, AIOAREAD, USER(1), 0, 1);
	expect_done(port, &s, AIOFSYNC, USER(2), EINVAL, -1); /* of a socket */
	OK(aio_read(&r.cb));
	OK(aio_fsync(O_SYNC, &s.cb));
	EQ(aio_cancel(pair[0], &s.cb), AIO_CANCELED);
	expect_done(port, &s, AIOFSYNC, USER(2), ECANCELED, -1);
	write_byte(pair[1]);
	expect_done(port, &r, AIOAREAD, USER(1), 0, 1);
}

CASE("14.4.6 7.9", "an_fsync_and_a_cancellation_concern_their_own_descriptor_alone")
{
	int port = new_port(), a[2], b[2], other;
	struct request ra, rb, sa, ta, sb;
	new_socketpair(a);
	new_socketpair(b);
	other = track(dup2(b[0], a[0] + 256));
	request_init(&rb, port, USER(1), other, 0, 1);
	OK(aio_read(&rb.cb));
	request_init(&ra, port, USER(2), a[0], 0, 1);
	OK(aio_read(&ra.cb));
	request_init(&sb, port, USER(3), other, 0, 0);
	OK(aio_fsync(O_SYNC, &sb.cb));
	request_init(&sa, port, USER(4), a[0], 0, 0);
	OK(aio_fsync(O_SYNC, &sa.cb));
	request_init(&ta, port, USER(5), a[0], 0, 0);
	OK(aio_fsync(O_SYNC, &ta.cb));
	EQ(aio_cancel(a[0], &sa.cb), AIO_CANCELED);
	expect_done(port, &sa, AIOFSYNC, USER(4), ECANCELED, -1);
	EQ(aio_error(&ta.cb), EINPROGRESS); /* what was before the one that is gone is before it as well */
	write_byte(a[1]);
	expect_done(port, &ra, AIOAREAD, USER(2), 0, 1);
	expect_done(port, &ta, AIOFSYNC, USER(5), EINVAL, -1);
	EQ(aio_cancel(a[0], NULL), AIO_ALLDONE);
	EQ(aio_error(&rb.cb), EINPROGRESS);
	EQ(aio_error(&sb.cb), EINPROGRESS);
	write_byte(b[1]);
	expect_done(port, &rb, AIOAREAD, USER(1), 0, 1);
	expect_done(port, &sb, AIOFSYNC, USER(3), EINVAL, -1);
}

CASE_COLD("2.0.5", "requests_that_succeed_leave_errno_alone")
{
	int port = new_port(), fd = new_file();
	struct request r;
	struct aiocb *list[] = { &r.cb };
	const struct aiocb *awaited[] = { &r.cb };
	request_init(&r, port, NULL, fd, 0, 5);
	QUIET(aio_write(&r.cb));
	QUIET(aio_suspend(awaited, 1, NULL));
	(void)take_wait(port);
	QUIET(aio_error(&r.cb));
	QUIET(aio_return(&r.cb));
	request_init(&r, port, NULL, fd, 0, 0);
	QUIET(aio_fsync(O_SYNC, &r.cb));
	(void)take_wait(port);
	QUIET(aio_return(&r.cb));
	request_init(&r, port, NULL, fd, 0, 5);
	r.cb.aio_lio_opcode = LIO_READ;
	QUIET(lio_listio(LIO_WAIT, list, 1, NULL));
	(void)take_wait(port);
	QUIET(aio_return(&r.cb));
	QUIET(aio_cancel(fd, NULL));
}
