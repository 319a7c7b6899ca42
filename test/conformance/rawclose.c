/*
 * Descriptors closed behind the library's back: a raw system call, fclose().
 * The late path (14.1.8-14.1.11, 14.6.5): found out when it matters, never a
 * wrong event, never a wrong port. Linux only; on illumos close is the call.
 */
#include "harness.h"

#if defined(__linux__)

#include "aio_support.h"
#include "calls.h"
#include "timer.h"

#include <aio.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static void watch(int port, int fd, void *user)
{
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd, POLLIN, user));
}

CASE("4.13 14.1.11", "raw_close_of_an_associated_descriptor_gives_no_event")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	watch(port, fd[0], NULL);
	raw_close(fd[0]);
	EMPTY(port);
	FAILS(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[0]), EBADFD);
	FAILS(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, NULL), EBADFD);
	send_range(port, 1, 1);
	EQ(take(port).portev_events, 1);
}

/* What the kernel holds for an association that is over: readable once, by {0,0} no more. */
CASE("2.10.1 4.13 14.1.11", "a_file_left_behind_by_a_raw_close_does_not_keep_the_port_readable")
{
	int port = new_port(), fd[2], twin, other[2];
	new_pipe(fd);
	new_pipe(other);
	watch(port, fd[0], NULL);
	twin = dup(fd[0]);
	TRUE(twin >= 0);
	raw_close(fd[0]);
	EQ(dup2(other[0], fd[0]), fd[0]);
	FAILS(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[0]), ENOENT);
	write_byte(fd[1]); /* still open, as twin */
	EMPTY(port);
	EQ(poll_now(port, POLLIN), 0);
	close(twin);
	close(fd[0]);
}

CASE("2.10.1 2.11.1 11.6", "what_the_dead_had_associated_does_not_keep_the_port_readable")
{
	int port = new_port(), fd[2], status = 0;
	port_info_t info = { .pi_size = sizeof info };
	pid_t child;
	new_pipe(fd);
	child = fork();
	if (child == 0) {
		watch(port, fd[0], NULL);
		_exit(0);
	}
	EQ(waitpid(child, &status, 0), child);
	EQ(status, 0);
	OK(port_getinfo(port, &info)); /* it is buried */
	EQ(info.pi_members, 1);
	write_byte(fd[1]);
	EMPTY(port);
	EQ(poll_now(port, POLLIN), 0);
}

static void work_all(int port)
{
	int fd[2];
	port_event_t pe;
	OK(port_send(port, 1, NULL));
	EQ(take(port).portev_events, 1);
	new_pipe(fd);
	watch(port, fd[0], USER(2));
	write_byte(fd[1]);
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(2));
	FAILS(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[0]), ENOENT); /* its event is retrieved */
}

/* What a server does that was not linked to be seen, between fork and its own work. */
CASE("2.1.1 14.6.5", "a_port_made_after_all_descriptors_were_raw_closed_is_whole")
{
	int port = new_port(), next, round, status = 0;
	pid_t child;
	work_all(port);
	for (round = 0; round < 2; round++) {
		child = fork();
		if (child == 0) {
			if (round == 1)
				work_all(port); /* a member of it as well */
			OK((int)syscall(SYS_close_range, port, ~0u, 0));
			next = port_create();
			EQ(next, port);
			work_all(next);
			TRUE(port_create() >= 0);
			work_all(next);
			_exit(0);
		}
		EQ(waitpid(child, &status, 0), child);
		EQ(status, 0);
	}
	work_all(port);
}

/* Of the case's own: others make files in /tmp. */
static char directory[] = "/tmp/conformance.raw.XXXXXX";

static void new_own_directory(void)
{
	(void)strcpy(strrchr(directory, '.') + 1, "XXXXXX");
	TRUE(mkdtemp(directory) != NULL);
}

static void watch_directory(int port, file_obj_t *file)
{
	memset(file, 0, sizeof(*file));
	file->fo_name = directory;
	OK(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)file, FILE_ATTRIB, NULL));
}

/* Whether the numbers go to files of the program or to the next port, with the old port's own number kept or not. */
static void lose_what_is_behind(int port, int keep, int files)
{
	enum { FILES = 12 };
	int own[FILES], i, next;
	file_obj_t file;
	watch_directory(port, &file);
	OK((int)syscall(SYS_close_range, port + keep, ~0u, 0));
	for (i = 0; i < FILES && files; i++)
		own[i] = fcntl(STDERR_FILENO, F_DUPFD, 1024);
	next = port_create();
	TRUE(next >= 0);
	if (keep)
		close_port(port);
	work_all(next);
	watch_directory(next, &file);
	work_all(next);
	for (i = 0; i < FILES && files; i++)
		TRUE(fcntl(own[i], F_GETFD) >= 0);
	close_port(next);
	for (i = 0; i < FILES && files; i++)
		TRUE(fcntl(own[i], F_GETFD) >= 0);
}

CASE("2.1.1 14.6.5", "what_was_behind_a_port_and_was_raw_closed_is_nobodys")
{
	int way, status = 0;
	new_own_directory();
	for (way = 0; way < 4; way++) {
		pid_t child = fork();
		if (child == 0) {
			lose_what_is_behind(port_create(), way & 1, way & 2);
			_exit(0);
		}
		EQ(waitpid(child, &status, 0), child);
		EQ(status, 0);
	}
	OK(rmdir(directory));
}

/* A file, a timer, a request and a message queue: each has a descriptor of the library's. */
static void use_sources(int port, int aio_errno)
{
	static file_obj_t file;
	static struct aiocb request;
	static char buffer[4];
	struct itimerspec at = { .it_value = { .tv_nsec = 1 } };
	struct sigevent event = { .sigev_notify = SIGEV_PORT };
	port_notify_t notify = { .portnfy_port = port };
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 1 };
	char name[64];
	timer_t timer;
	mqd_t queue;
	int fd[2];
	event.sigev_value.sival_ptr = &notify;
	watch_directory(port, &file);
	OK(chmod(directory, 0700));
	EQ(take_wait(port).portev_source, PORT_SOURCE_FILE);
	OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
	OK(timer_settime(timer, 0, &at, NULL));
	EQ(take_wait(port).portev_source, PORT_SOURCE_TIMER);
	OK(timer_delete(timer));
	new_pipe(fd);
	memset(&request, 0, sizeof(request));
	request.aio_fildes = fd[0];
	request.aio_buf = buffer;
	request.aio_nbytes = 1;
	request.aio_sigevent = event;
	if (aio_errno != 0) {
		FAILS(aio_read(&request), aio_errno);
	} else {
		OK(aio_read(&request));
		write_byte(fd[1]);
		EQ(take_wait(port).portev_source, PORT_SOURCE_AIO);
		EQ(aio_return(&request), 1);
	}
	(void)snprintf(name, sizeof(name), "/conformance.raw.%ld", (long)getpid());
	queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	TRUE(queue != (mqd_t)-1);
	OK(mq_unlink(name));
	OK(mq_notify(queue, &event));
	OK(mq_send(queue, "a", 1, 0));
	EQ(take_wait(port).portev_source, PORT_SOURCE_MQ);
	OK(mq_close(queue));
	close(fd[0]);
	close(fd[1]);
}

static void sources_whose_descriptors_are_lost(int aio_errno)
{
	enum { FILES = 24 };
	int own[FILES], i, next;
	OK((int)syscall(SYS_close_range, 3, ~0u, 0));
	for (i = 0; i < FILES; i++)
		own[i] = fcntl(STDERR_FILENO, F_DUPFD, 1024);
	next = port_create();
	use_sources(next, aio_errno);
	close_port(next);
	for (i = 0; i < FILES; i++)
		OK(close(own[i]));
}

/* Here, and in a child, which has descriptors of its parent's to close. */
CASE("14.6.5 14.6.8", "what_was_behind_sources_and_was_raw_closed_is_nobodys")
{
	int way, status = 0;
	new_own_directory();
	for (way = 0; way < 2; way++) {
		pid_t child = fork();
		if (child == 0) {
			use_sources(port_create(), 0);
			child = way == 1 ? fork() : 0;
			if (child == 0)
				sources_whose_descriptors_are_lost(way == 1 ? 0 : EIO);
			else
				EQ(waitpid(child, &status, 0), child);
			_exit(status != 0);
		}
		EQ(waitpid(child, &status, 0), child);
		EQ(status, 0);
	}
	OK(rmdir(directory));
}

CASE("12.4 14.1.11", "slots_of_raw_closed_descriptors_are_found_before_eagain")
{
	int port = new_port_limit(2), fd[3][2], i;
	for (i = 0; i < 3; i++)
		new_pipe(fd[i]);
	watch(port, fd[0][0], NULL);
	watch(port, fd[1][0], NULL);
	FAILS(port_send(port, 1, NULL), EAGAIN);
	raw_close(fd[0][0]);
	watch(port, fd[2][0], USER(2));
	raw_close(fd[1][0]);
	OK(port_send(port, 1, NULL));
	FAILS(port_send(port, 1, NULL), EAGAIN);
	SLOTS(port, 2);
}

CASE("12.4 14.1.11", "the_one_raw_closed_descriptor_of_many_is_found_before_eagain")
{
	enum { MANY = 300 };
	int port = new_port_limit(MANY), fd[2], copy = -1, i;
	new_pipe(fd);
	for (i = 0; i < MANY; i++) {
		copy = track(dup(fd[0]));
		watch(port, copy, NULL);
	}
	raw_close(copy);
	OK(port_send(port, 1, NULL));
	FAILS(port_send(port, 1, NULL), EAGAIN);
	SLOTS(port, MANY);
}

/* A port with associations of descriptors that were raw-closed. */
static int new_port_of_closed(int fd, unsigned int limit, int count)
{
	int port = new_port_limit(limit), copies[8], i;
	for (i = 0; i < count; i++) {
		copies[i] = track(dup(fd));
		watch(port, copies[i], NULL);
	}
	for (i = 0; i < count; i++)
		raw_close(copies[i]);
	SLOTS(port, count);
	return port;
}

CASE("12.4 14.1.11", "every_source_finds_slots_of_raw_closed_descriptors_before_eagain")
{
	enum { LIMIT = 3 };
	struct request requests[LIMIT];
	struct aiocb *list[LIMIT], *nothing = NULL;
	file_obj_t file;
	port_notify_t notify;
	struct sigevent event;
	int port, fd[2], i;
	new_pipe(fd);
	port = new_port_of_closed(fd[0], LIMIT, LIMIT);
	(void)new_timer(port, NULL);
	SLOTS(port, 1);

	(void)memset(&file, 0, sizeof(file));
	file.fo_name = "/";
	port = new_port_of_closed(fd[0], LIMIT, LIMIT);
	OK(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&file, FILE_ATTRIB, NULL));
	SLOTS(port, 1);

	port = new_port_of_closed(fd[0], LIMIT, LIMIT);
	event = list_event(&notify, port, NULL);
	OK(lio_listio(LIO_NOWAIT, &nothing, 1, &event));
	SLOTS(port, 1);

	port = new_port_of_closed(fd[0], LIMIT, LIMIT - 1); /* full in the middle of a list */
	for (i = 0; i < LIMIT; i++) {
		request_init(&requests[i], port, NULL, fd[0], 0, 1);
		requests[i].cb.aio_lio_opcode = LIO_READ;
		list[i] = &requests[i].cb;
	}
	OK(lio_listio(LIO_NOWAIT, list, LIMIT, NULL));
	SLOTS(port, LIMIT);
	FAILS(port_send(port, 1, NULL), EAGAIN);
	for (i = 0; i < LIMIT; i++)
		write_byte(fd[1]);
	for (i = 0; i < LIMIT; i++)
		EQ(take_wait(port).portev_source, PORT_SOURCE_AIO);
}

static int refused_port, refused_end;

static void *send_until_the_end(void *arg)
{
	port_event_t pe;
	while (!__atomic_load_n(&refused_end, __ATOMIC_RELAXED))
		if (port_send(refused_port, 1, NULL) == 0)
			OK(port_get(refused_port, &pe, NOWAIT));
	return arg;
}

/* Who is refused looks for closed descriptors while their numbers are used again. */
CASE("4.14 14.1.9 14.1.11", "a_refused_send_ends_no_association_that_is_made_meanwhile")
{
	pthread_t sender;
	int spare[2], round;
	new_pipe(spare);
	refused_port = new_port_limit(2);
	OK(port_send(refused_port, 1, NULL));
	EQ(pthread_create(&sender, NULL, send_until_the_end, NULL), 0);
	for (round = 0; round < 200000; round++) {
		int fd = dup(spare[0]);
		TRUE(fd >= 0);
		if (port_associate(refused_port, PORT_SOURCE_FD, (uintptr_t)fd, POLLIN, NULL) == 0) {
			raw_close(fd);
			EQ(dup(spare[1]), fd);
			if (port_associate(refused_port, PORT_SOURCE_FD, (uintptr_t)fd, 0, NULL) == 0)
				OK(port_dissociate(refused_port, PORT_SOURCE_FD, (uintptr_t)fd));
		}
		raw_close(fd);
	}
	__atomic_store_n(&refused_end, 1, __ATOMIC_RELAXED);
	EQ(pthread_join(sender, NULL), 0);
}

CASE("4.13 4.1 14.1.8 14.1.10", "raw_close_while_a_dup_keeps_the_file_open")
{
	int port = new_port(), fd[2], copy, round;
	new_pipe(fd);
	copy = track(dup(fd[0]));
	watch(port, fd[0], USER(1));
	raw_close(fd[0]);
	for (round = 0; round < 3; round++) {
		port_event_t pe;
		write_byte(fd[1]); /* the kernel's registration still fires */
		EMPTY(port);
		EQ(poll_now(port, POLLIN), 0); /* and doesn't make the port spin */
		send_range(port, 1, 1);
		EQ(take(port).portev_source, PORT_SOURCE_USER);
		watch(port, copy, USER(2));
		pe = take(port);
		EVENT(&pe, PORT_SOURCE_FD, copy, POLLIN, USER(2));
	}
}

CASE("4.14 4.13 14.1.8 14.1.9", "raw_close_and_the_number_is_another_file")
{
	int port = new_port(), old[2], fresh[2], copy;
	port_event_t pe;
	new_pipe(old);
	copy = track(dup(old[0]));
	watch(port, old[0], USER(1));
	raw_close(old[0]);
	new_pipe(fresh);
	EQ(fresh[0], old[0]);
	FAILS(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fresh[0]), ENOENT);
	write_byte(old[1]); /* fires with a number that is someone else's now */
	EMPTY(port);
	watch(port, fresh[0], USER(2));
	SLOTS(port, 1);
	EMPTY(port);
	write_byte(old[1]);
	EMPTY(port);
	write_byte(fresh[1]);
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_FD, fresh[0], POLLIN, USER(2));
	read_byte(copy);
}

CASE("4.14 14.1.9", "raw_close_then_association_of_the_reused_number")
{
	int port = new_port(), old[2], fresh[2], copy;
	port_event_t pe;
	new_pipe(old);
	copy = track(dup(old[0]));
	watch(port, old[0], USER(1));
	raw_close(old[0]);
	new_pipe(fresh);
	EQ(fresh[0], old[0]);
	write_byte(old[1]);
	watch(port, fresh[0], USER(2)); /* nothing looked at the port before */
	EMPTY(port);
	write_byte(fresh[1]);
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_FD, fresh[0], POLLIN, USER(2));
	EMPTY(port);
	SLOTS(port, 1);
	read_byte(copy);
}

CASE("4.15 14.1.9", "raw_dup2_onto_an_associated_descriptor")
{
	int port = new_port(), fd[2], other[2];
	port_event_t pe;
	new_pipe(fd);
	new_pipe(other);
	watch(port, fd[0], USER(1));
	EQ(syscall(SYS_dup3, other[0], fd[0], O_CLOEXEC), fd[0]);
	write_byte(other[1]);
	EMPTY(port);
	watch(port, fd[0], USER(2));
	SLOTS(port, 1);
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(2));
}

CASE("4.13 14.1.11", "fclose_of_an_associated_descriptor")
{
	int port = new_port(), fd[2], again[2];
	port_event_t pe;
	FILE *stream;
	new_pipe(fd);
	watch(port, fd[0], USER(1));
	stream = fdopen(fd[0], "r");
	TRUE(stream != NULL);
	untrack(fd[0]);
	OK(fclose(stream));
	EMPTY(port);
	new_pipe(again);
	EQ(again[0], fd[0]);
	write_byte(again[1]);
	EMPTY(port);
	watch(port, again[0], USER(2));
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, again[0], POLLIN, USER(2));
	SLOTS(port, 1);
}

CASE("4.14 4.16", "raw_close_where_file_and_pipe_change_places")
{
	int port = new_port(), file = new_file(), fd[2], number;
	port_event_t pe;
	watch(port, file, USER(1));
	(void)take(port);
	raw_close(file);
	new_pipe(fd);
	EQ(fd[0], file);
	watch(port, fd[0], USER(2));
	EMPTY(port); /* a pipe is not always ready */
	write_byte(fd[1]);
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(2));
	watch(port, fd[0], USER(3));
	(void)take(port);
	raw_close(fd[0]);
	number = new_file();
	EQ(number, fd[0]);
	watch(port, number, USER(4));
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_FD, number, POLLIN, USER(4));
	SLOTS(port, 1);
}

CASE("4.10 4.13 14.1.11", "raw_close_with_an_event_in_the_queue")
{
	int port = new_port(), fd[2];
	port_event_t list[4];
	new_pipe(fd);
	write_byte(fd[1]);
	watch(port, fd[0], USER(1));
	EQ(queued(port), 1);
	raw_close(fd[0]);
	TRUE(take_all(port, list, 4) <= 1); /* found out late, or in time */
	EMPTY(port);
	send_range(port, 1, 1);
	EQ(take(port).portev_source, PORT_SOURCE_USER);
}

CASE("2.11.3 14.6.5 15.4", "raw_close_of_a_port_is_ebadf_from_then_on")
{
	int port = new_port(), again;
	send_range(port, 1, 1);
	raw_close(port);
	expect_all_calls_fail(port, EBADF);
	again = new_port(); /* and what it kept inside is given back */
	EQ(again, port);
	EMPTY(again);
}

CASE("2.11.3 14.6.3", "raw_close_of_a_port_and_the_number_is_another_file")
{
	int port = new_port(), fd[2];
	send_range(port, 1, 1);
	raw_close(port);
	new_pipe(fd);
	EQ(fd[0], port);
	expect_all_calls_fail(port, EBADFD);
	(void)new_port();
}

CASE("2.11.3 14.6.3", "raw_close_of_a_port_and_the_number_is_the_next_port")
{
	int port = new_port(), again, fd[2];
	new_pipe(fd);
	send_range(port, 1, 3);
	watch(port, fd[0], NULL);
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	raw_close(port);
	again = new_port(); /* no call in between */
	EQ(again, port);
	write_byte(fd[1]);
	EMPTY(again);
	SLOTS(again, 0);
	send_range(again, 7, 7);
	EQ(take(again).portev_events, 7);
}

CASE("2.11.3 14.6.3", "raw_close_of_a_port_whose_dup_takes_its_place")
{
	int gone = new_port(), stays = new_port();
	send_range(gone, 1, 1);
	send_range(stays, 2, 2);
	EQ(syscall(SYS_dup3, stays, gone, O_CLOEXEC), gone);
	EQ(queued(gone), 1);
	EQ(take(gone).portev_events, 2);
	EMPTY(stays);
}

CASE("2.1.5 14.6.5", "raw_closed_ports_do_not_count")
{
	int i;
	OK(setenv("PORT_MAX_PORTS", "1", 1));
	for (i = 0; i < 20; i++)
		raw_close(new_port());
	(void)new_port();
	FAILS(port_create(), EAGAIN);
}

CASE("2.11.4 14.6.5", "raw_close_under_a_waiter_ends_at_its_timeout_at_the_latest")
{
	int port = new_port();
	struct waiter w;
	waiter_start(&w, port, 1, MS(50), 1);
	raw_close(port);
	waiter_join(&w);
	EQ(w.result, -1);
	TRUE(w.error == ETIME || w.error == EBADF);
	expect_all_calls_fail(port, EBADF);
	EQ(new_port(), port);
}

#endif /* __linux__ */
