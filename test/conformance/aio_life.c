/* Section 7: many requests at once, their ends and the engine's. */
#include "aio_support.h"

#include <sys/resource.h>
#include <sys/wait.h>
#if defined(__linux__)
#include <dirent.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#endif

enum { BLOCK = 64, BLOCKS = 2048, DEPTH = 64 };

/* Writes a pattern and reads it back by ordinary reads, cancelling now and then. */
CASE("7.3 7.9 14.4.2", "every_byte_is_right_and_every_request_has_one_event_with_cancels")
{
	static struct request r[DEPTH];
	static int block_of[DEPTH], free_list[DEPTH], written[BLOCKS];
	int port = new_port(), fd = new_file(), next = 0, done = 0, cancelled = 0, i;
	int idle = DEPTH;
	unsigned int chance = 12345;
	for (i = 0; i < DEPTH; i++)
		free_list[i] = i;
	while (done < BLOCKS) {
		while (idle > 0 && next < BLOCKS) {
			int slot = free_list[--idle];
			block_of[slot] = next;
			request_init(&r[slot], port, USER(slot), fd, (off_t)next * BLOCK, BLOCK);
			memset(r[slot].buffer, next % 251 + 1, BLOCK);
			OK(aio_write(&r[slot].cb));
			chance = chance * 1103515245 + 12345;
			if (chance >> 16 & 1) {
				int answer = aio_cancel(fd, &r[slot].cb);
				int error = aio_error(&r[slot].cb);
				TRUE(answer == AIO_CANCELED || answer == AIO_NOTCANCELED ||
				    answer == AIO_ALLDONE);
				EQ(answer == AIO_CANCELED, error == ECANCELED);
				cancelled++;
			}
			next++;
		}
		port_event_t list[DEPTH];
		unsigned int n = 1, k;
		OK(port_getn(port, list, DEPTH, &n, NULL));
		for (k = 0; k < n; k++) {
			int slot = (int)(uintptr_t)list[k].portev_user;
			EVENT(&list[k], PORT_SOURCE_AIO, &r[slot].cb, AIOAWRITE, USER(slot));
			if (aio_error(&r[slot].cb) == 0) {
				EQ(aio_return(&r[slot].cb), BLOCK);
				written[block_of[slot]]++;
			} else {
				EQ(aio_error(&r[slot].cb), ECANCELED);
			}
			free_list[idle++] = slot;
			done++;
		}
	}
	EMPTY(port);
	SLOTS(port, 0);
	EQ(done, BLOCKS);
	TRUE(cancelled > 0);
	for (i = 0; i < BLOCKS; i++) {
		char seen[BLOCK], want[BLOCK];
		memset(want, written[i] ? i % 251 + 1 : 0, BLOCK);
		memset(seen, 0, BLOCK);
		(void)pread(fd, seen, BLOCK, (off_t)i * BLOCK);
		EQ(memcmp(seen, want, BLOCK), 0);
	}
}

enum { MANY = 1000 };
static struct request *many(int port, int fd)
{
	struct request *r = malloc(MANY * sizeof(*r));
	int i;
	TRUE(r != NULL);
	for (i = 0; i < MANY; i++) {
		request_init(&r[i], port, USER(i), fd, 0, 1);
		OK(aio_read(&r[i].cb));
	}
	return r;
}

CASE("7.14", "a_port_closed_with_a_thousand_requests_in_flight")
{
	int port = new_port(), other = new_port(), pipe[2], i;
	char bytes[MANY] = "";
	struct request *r;
	new_pipe(pipe);
	r = many(port, pipe[0]);
	close_port(port);
	EQ(write(pipe[1], bytes, MANY), MANY);
	for (i = 0; i < MANY; i++) {
		const struct aiocb *list[1] = { &r[i].cb };
		OK(aio_suspend(list, 1, NULL));
		EQ(aio_return(&r[i].cb), 1);
	}
	free(r);
	EMPTY(other);
	r = many(other, pipe[0]); /* the engine goes on */
	EQ(aio_cancel(pipe[0], NULL), AIO_CANCELED);
	EQ(queued(other), MANY);
	free(r); /* they are done: their events need nothing of them */
	for (i = 0; i < MANY; i++)
		EQ(take(other).portev_source, PORT_SOURCE_AIO);
	SLOTS(other, 0);
}

CASE("7.10 7.14", "a_request_goes_with_its_descriptor_also_after_its_port")
{
	int port = new_port(), pipe[2], fd;
	struct request r;
	new_pipe(pipe);
	fd = dup(pipe[0]);
	request_init(&r, port, USER(1), fd, 0, 1);
	OK(aio_read(&r.cb));
	close_port(port);
	EQ(aio_error(&r.cb), EINPROGRESS);
	OK(close(fd));
	EQ(aio_error(&r.cb), ECANCELED);
	EQ(aio_return(&r.cb), -1);
}

CASE("7.14 2.11.6", "a_process_exits_with_a_thousand_requests_in_flight")
{
	int port = new_port(), pipe[2], status;
	pid_t child;
	new_pipe(pipe);
	child = fork();
	TRUE(child >= 0);
	if (child == 0) {
		(void)many(port, pipe[0]);
		exit(7);
	}
	EQ(waitpid(child, &status, 0), child);
	EQ(status, 7 << 8);
	EMPTY(port);
	SLOTS(port, 0);
}

CASE("7.3", "a_full_disk_is_the_events_error")
{
	int port = new_port(), fd = track(open("/dev/full", O_WRONLY));
	struct request r;
	request_init(&r, port, USER(1), fd, 0, 8);
	OK(aio_write(&r.cb));
	expect_done(port, &r, AIOAWRITE, USER(1), ENOSPC, -1);
}

CASE("14.4.4", "little_locked_memory_is_enough")
{
	struct rlimit limit = { 65536, 65536 };
	int port, fd = new_filled_file(10);
	struct request r;
	OK(setrlimit(RLIMIT_MEMLOCK, &limit));
	port = new_port();
	request_init(&r, port, USER(1), fd, 0, 4);
	OK(aio_read(&r.cb));
	expect_done(port, &r, AIOAREAD, USER(1), 0, 4);
}

#if defined(__linux__)
/* A ring is locked memory of its user, unless he may lock what he likes. */
CASE_COLD("14.4.4", "no_locked_memory_is_threads_and_the_reason_says_what_was_asked")
{
	struct rlimit none = { 0, 0 };
	port_capabilities_t can = { .pc_size = sizeof(can) };
	int port, fd = new_filled_file(10);
	struct request r;
	OK(setrlimit(RLIMIT_MEMLOCK, &none));
	if (geteuid() == 0)
		OK(setuid(65534)); /* and CAP_IPC_LOCK is gone */
	OK(port_capabilities(&can));
	if (can.pc_aio_errno == ENOMEM) {
		EQ(can.pc_aio_engine, PORT_ENGINE_THREADS);
		TRUE(strstr(can.pc_aio_reason, "two pages") != NULL);
		TRUE(strstr(can.pc_aio_reason, "RLIMIT_MEMLOCK is 0") != NULL);
	}
	port = new_port();
	request_init(&r, port, USER(1), fd, 0, 4);
	OK(aio_read(&r.cb));
	expect_done(port, &r, AIOAREAD, USER(1), 0, 4);
}
#endif

/* None can be opened any more; the limit that was. */
static struct rlimit no_descriptor_left(int fd)
{
	struct rlimit before, none;
	int low = dup(fd);
	OK(getrlimit(RLIMIT_NOFILE, &before));
	none = before;
	none.rlim_cur = (rlim_t)low;
	OK(close(low));
	OK(setrlimit(RLIMIT_NOFILE, &none));
	return before;
}

CASE_COLD("14.4.4", "an_engine_without_a_descriptor_is_eagain_until_there_is_one")
{
	int port = new_port(), fd = new_filled_file(10);
	struct rlimit before;
	struct request r;
	struct aiocb *list[1] = { &r.cb };
	request_init(&r, port, USER(1), fd, 0, 4);
	r.cb.aio_lio_opcode = LIO_READ;
	before = no_descriptor_left(fd);
	FAILS(aio_read(&r.cb), EAGAIN);
	EQ(aio_error(&r.cb), EAGAIN);
	FAILS(lio_listio(LIO_NOWAIT, list, 1, NULL), EIO);
	EQ(aio_error(&r.cb), EAGAIN);
	FAILS(lio_listio(LIO_NOWAIT, list, 1, &r.cb.aio_sigevent), EAGAIN);
	SLOTS(port, 0);
	OK(setrlimit(RLIMIT_NOFILE, &before));
	OK(aio_read(&r.cb));
	expect_done(port, &r, AIOAREAD, USER(1), 0, 4);
}

CASE("7.2 7.5", "a_port_has_its_first_request_with_no_descriptor_left")
{
	int port = new_port(), another = new_port(), fd = new_filled_file(10);
	struct rlimit before;
	struct request r;
	request_init(&r, port, USER(1), fd, 0, 4);
	OK(aio_read(&r.cb));
	expect_done(port, &r, AIOAREAD, USER(1), 0, 4);
	before = no_descriptor_left(fd);
	request_init(&r, another, USER(2), fd, 0, 4);
	OK(aio_read(&r.cb));
	OK(setrlimit(RLIMIT_NOFILE, &before));
	expect_done(another, &r, AIOAREAD, USER(2), 0, 4);
}

static void *write_late(void *fd)
{
	(void)usleep(50000);
	write_byte(*(int *)fd);
	return NULL;
}

CASE("7.5 7.12", "who_waits_for_requests_waits_with_no_descriptor_left")
{
	int port = new_port(), pipe[2], i;
	struct rlimit before;
	new_pipe(pipe);
	for (i = 0; i < 2; i++) {
		pthread_t writer;
		struct request r;
		struct aiocb *list[1] = { &r.cb };
		request_init(&r, port, USER(1), pipe[0], 0, 1);
		r.cb.aio_lio_opcode = LIO_READ;
		if (i == 0)
			OK(aio_read(&r.cb));
		before = no_descriptor_left(pipe[0]);
		EQ(pthread_create(&writer, NULL, write_late, &pipe[1]), 0);
		if (i == 0) {
			FAILS(aio_suspend((const struct aiocb *const *)list, 1, MS(1)), EAGAIN);
			OK(aio_suspend((const struct aiocb *const *)list, 1, NULL));
		} else {
			OK(lio_listio(LIO_WAIT, list, 1, NULL));
		}
		EQ(aio_error(&r.cb), 0);
		EQ(pthread_join(writer, NULL), 0);
		OK(setrlimit(RLIMIT_NOFILE, &before));
		expect_done(port, &r, AIOAREAD, USER(1), 0, 1);
	}
}

#if defined(__linux__)
CASE("14.4.4", "the_engine_can_be_asked_for_its_name_and_reason")
{
	port_capabilities_t can = { .pc_size = sizeof(can) };
	const char *wanted = getenv("CONFORMANCE_ENGINE");
	OK(port_capabilities(&can));
	TRUE(can.pc_aio_engine == PORT_ENGINE_IO_URING ||
	    can.pc_aio_engine == PORT_ENGINE_THREADS);
	TRUE(can.pc_aio_reason[0] != '\0');
	if (wanted != NULL)
		EQ(can.pc_aio_engine == PORT_ENGINE_THREADS, strcmp(wanted, "threads") == 0);
	can.pc_size = 1;
	FAILS(port_capabilities(&can), EINVAL);
	FAILS(port_capabilities(NULL), EFAULT);
}

/* Threads of this process. */
static int threads(void)
{
	DIR *all = opendir("/proc/self/task");
	int count = 0;
	TRUE(all != NULL);
	while (readdir(all) != NULL)
		count++;
	closedir(all);
	return count;
}

/* Whoever submits takes what is there; what a disk has to be asked for holds nobody up. */
CASE("14.4.4", "a_read_of_what_is_in_the_cache_needs_no_thread")
{
	static char page[4096] __attribute__((aligned(4096)));
	const char *engine = getenv("CONFORMANCE_ENGINE");
	int port = new_port(), fd = new_filled_file(sizeof(page) + 10), before = threads(), i;
	struct iovec look = { page, 1 };
	struct request r;
	if (syscall(SYS_preadv2, fd, &look, 1, 0L, 0L, 8 /* RWF_NOWAIT */) < 0)
		return; /* a file system that can't say */
	for (i = 0; i < 3; i++) { /* whole, at the end, to the end */
		int sizes[] = { 64, 0, 10 };
		off_t at = (off_t)sizeof(page) + 10 - sizes[i];
		request_init(&r, port, USER(i), fd, at, 64);
		OK(aio_read(&r.cb));
		expect_done(port, &r, AIOAREAD, USER(i), 0, sizes[i]);
		EQ(threads(), before);
	}
	EQ((unsigned char)r.buffer[9], (sizeof(page) + 9) % 256);
	if (engine == NULL || strcmp(engine, "threads") != 0 || fcntl(fd, F_SETFL, O_DIRECT) != 0)
		return;
	request_init(&r, port, USER(3), fd, 0, 0);
	r.cb.aio_buf = page;
	r.cb.aio_nbytes = sizeof(page);
	OK(aio_read(&r.cb));
	expect_done(port, &r, AIOAREAD, USER(3), 0, sizeof(page));
	EQ(page[99], 99);
	TRUE(threads() > before);
}

static void ended_by(int refusal)
{
	enum { COUNT = 5 };
	static struct request r[COUNT];
	int port = new_port(), fd = new_filled_file(COUNT), i;
	request_init(&r[0], port, USER(0), fd, 0, 1);
	OK(aio_read(&r[0].cb));
	expect_done(port, &r[0], AIOAREAD, USER(0), 0, 1);
	deny(SYS_io_uring_enter, refusal);
	for (i = 0; i < COUNT; i++) {
		request_init(&r[i], port, USER(i), fd, i, 1);
		OK(i == COUNT - 1 ? aio_fsync(O_SYNC, &r[i].cb) : aio_write(&r[i].cb)); /* no read: the cache has it */
	}
	for (i = 0; i < COUNT; i++)
		(void)take_wait(port);
	for (i = 0; i < COUNT; i++) {
		int error = aio_error(&r[i].cb);
		TRUE(error == 0 || error == refusal); /* an engine on threads goes on */
		EQ(aio_return(&r[i].cb), error != 0 ? -1 : i == COUNT - 1 ? 0 : 1);
	}
	EMPTY(port);
	SLOTS(port, 0);
}

/* A program shuts itself in after it has begun. */
CASE("7.3 14.4.4", "requests_that_the_kernel_refuses_from_now_on_end_in_their_events")
{
	ended_by(EPERM);
}

CASE("7.3 14.4.4", "requests_that_the_kernel_has_no_memory_for_end_in_their_events")
{
	ended_by(EAGAIN);
}
#endif

/* An engine may be what it will: O_NONBLOCK ends no request of a stream. */
CASE("14.4.4", "a_request_of_a_pipe_waits_also_with_o_nonblock")
{
	int port = new_port(), pipe[2];
	struct request r, full;
	new_pipe(pipe);
	OK(fcntl(pipe[0], F_SETFL, O_NONBLOCK));
	request_init(&r, port, USER(1), pipe[0], 0, 1);
	OK(aio_read(&r.cb));
	EMPTY(port);
	EQ(aio_error(&r.cb), EINPROGRESS);
	EQ(write(pipe[1], "a", 1), 1);
	expect_done(port, &r, AIOAREAD, USER(1), 0, 1);
	EQ(r.buffer[0], 'a');

	fill(pipe[1]);
	OK(fcntl(pipe[1], F_SETFL, O_NONBLOCK));
	request_init(&full, port, USER(2), pipe[1], 0, 1);
	OK(aio_write(&full.cb));
	EMPTY(port);
	OK(aio_cancel(pipe[1], &full.cb) == AIO_CANCELED ? 0 : -1);
	expect_done(port, &full, AIOAWRITE, USER(2), ECANCELED, -1);
	SLOTS(port, 0);
}
