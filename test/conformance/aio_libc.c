/* Section 7: requests that are libc's, alone and beside those of a port, and aio_suspend. */
#include "aio_support.h"

static volatile sig_atomic_t signalled;

static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_code == SI_ASYNCIO && info->si_value.sival_int == 42)
		signalled++;
}

static void catch_signal(void)
{
	struct sigaction action;
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_signal;
	action.sa_flags = SA_SIGINFO;
	OK(sigaction(SIGUSR1, &action, NULL));
}

static void ignore_value(union sigval value)
{
	(void)value;
}

CASE("7.11", "a_list_for_a_signal_waits_for_entries_of_a_port")
{
	int port = new_port(), pipe[2];
	struct sigevent event;
	struct request a, b;
	struct aiocb *list[2] = { &a.cb, &b.cb };
	catch_signal();
	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = SIGUSR1;
	event.sigev_value.sival_int = 42;
	new_pipe(pipe);
	request_init(&a, port, USER(1), pipe[0], 0, 1);
	request_init(&b, port, USER(2), new_filled_file(4), 0, 4);
	a.cb.aio_lio_opcode = b.cb.aio_lio_opcode = LIO_READ;
	OK(lio_listio(LIO_NOWAIT, list, 2, &event));
	(void)take_wait(port);
	EQ(signalled, 0);
	write_byte(pipe[1]);
	while (port_get(port, &(port_event_t){ 0 }, NULL) != 0)
		EQ(errno, EINTR);
	while (!signalled)
		tick();
}

static int called;

static void note_call(union sigval value)
{
	__atomic_add_fetch(&called, value.sival_int, __ATOMIC_RELEASE);
}

static int calls(void)
{
	return __atomic_load_n(&called, __ATOMIC_ACQUIRE);
}

CASE("7.11", "the_end_of_a_list_is_told_of_to_who_makes_no_call")
{
	int port = new_port(), pipe[2], way;
	struct sigevent event;
	struct request a;
	struct aiocb *list[1] = { &a.cb };
	catch_signal();
	new_pipe(pipe);
	for (way = 0; way < 2; way++) {
		memset(&event, 0, sizeof(event));
		event.sigev_notify = way ? SIGEV_THREAD : SIGEV_SIGNAL;
		event.sigev_signo = SIGUSR1;
		event.sigev_value.sival_int = 42;
		if (way)
			event.sigev_notify_function = note_call;
		request_init(&a, port, USER(1), pipe[0], 0, 1);
		a.cb.aio_lio_opcode = LIO_READ;
		OK(lio_listio(LIO_NOWAIT, list, 1, &event));
		EQ(signalled + calls(), way);
		write_byte(pipe[1]);
		while (way ? calls() == 0 : !signalled)
			tick();
		expect_done(port, &a, AIOAREAD, USER(1), 0, 1);
	}
	EQ(signalled, 1);
	EQ(calls(), 42);
	EMPTY(port);
	SLOTS(port, 0);
}

CASE("7.11", "entries_with_other_notification_go_to_libc_and_count")
{
	int port = new_port(), fd = new_filled_file(10);
	port_notify_t notify;
	struct sigevent event = list_event(&notify, port, USER(7));
	struct request a, b;
	struct aiocb *list[2] = { &a.cb, &b.cb };
	int i;
	catch_signal();
	request_init(&a, port, USER(1), fd, 0, 1);
	request_init(&b, port, USER(2), fd, 0, 1);
	a.cb.aio_lio_opcode = b.cb.aio_lio_opcode = LIO_READ;
	b.cb.aio_sigevent.sigev_notify = SIGEV_SIGNAL;
	b.cb.aio_sigevent.sigev_signo = SIGUSR1;
	b.cb.aio_sigevent.sigev_value.sival_int = 42;
	OK(lio_listio(LIO_NOWAIT, list, 2, &event));
	for (i = 0; i < 2; i++)
		while (port_get(port, &(port_event_t){ 0 }, NULL) != 0)
			EQ(errno, EINTR);
	while (!signalled)
		tick();
	EQ(aio_return(&a.cb), 1);
	EQ(aio_return(&b.cb), 1);
	EMPTY(port);
}

CASE("7.11 7.12", "lio_wait_waits_for_entries_of_libc_too")
{
	enum { ROUNDS = 50 };
	int port = new_port(), fd = new_filled_file(10), i;
	struct request a, b;
	struct aiocb *list[2] = { &a.cb, &b.cb };
	catch_signal();
	for (i = 0; i < ROUNDS; i++) {
		request_init(&a, port, USER(1), fd, 0, 1);
		request_init(&b, port, USER(2), fd, 0, 1);
		a.cb.aio_lio_opcode = b.cb.aio_lio_opcode = LIO_READ;
		b.cb.aio_sigevent.sigev_notify = SIGEV_THREAD;
		b.cb.aio_sigevent.sigev_notify_function = ignore_value;
		OK(lio_listio(LIO_WAIT, list, 2, NULL));
		EQ(aio_return(&a.cb), 1);
		EQ(aio_return(&b.cb), 1);
		(void)take(port);
	}
	EMPTY(port);
}

/* Nothing is notified of but by its own event; what asks for none is ours too. */
CASE("7.11 7.12", "a_list_without_an_event_has_those_of_its_entries_only")
{
	enum { COUNT = 300 }; /* of several batches, in runs of two ports and none */
	static struct request r[COUNT];
	static struct aiocb *list[COUNT];
	static int events[COUNT];
	int port = new_port(), other = new_port(), fd = new_filled_file(COUNT), i;
	for (i = 0; i < COUNT; i++) {
		request_init(&r[i], i / 7 % 2 ? port : other, USER(i), fd, i, 1);
		r[i].cb.aio_lio_opcode = LIO_READ;
		if (i % 5 == 0)
			quiet(&r[i], LIO_READ);
		list[i] = i % 11 == 0 ? NULL : &r[i].cb;
	}
	OK(lio_listio(LIO_NOWAIT, list, COUNT, NULL));
	for (i = 0; i < COUNT; i++) {
		const struct aiocb *one[1] = { list[i] };
		if (list[i] == NULL)
			continue;
		OK(aio_suspend(one, 1, NULL));
		EQ(aio_return(&r[i].cb), 1);
		EQ((unsigned char)r[i].buffer[0], i % 256);
	}
	for (i = 0; i < COUNT; i++) {
		if (list[i] == NULL || i % 5 == 0)
			continue;
		int from = i / 7 % 2 ? port : other;
		int n = (int)(uintptr_t)take_wait(from).portev_user;
		EQ(n / 7 % 2 ? port : other, from);
		EQ(events[n]++, 0);
		TRUE(list[n] != NULL && n % 5 != 0);
	}
	EMPTY(port);
	EMPTY(other);
	SLOTS(port, 0);
	SLOTS(other, 0);
}

CASE("7.1", "requests_that_are_not_of_a_port_are_left_to_libc")
{
	int port = new_port(), fd = new_filled_file(10);
	struct request r;
	const struct aiocb *list[1] = { &r.cb };
	request_init(&r, port, USER(1), fd, 0, 4);
	r.cb.aio_sigevent.sigev_notify = SIGEV_NONE;
	OK(aio_read(&r.cb));
	while (aio_error(&r.cb) == EINPROGRESS)
		OK(aio_suspend(list, 1, NULL));
	EQ(aio_return(&r.cb), 4);
	OK(aio_fsync(O_SYNC, &r.cb));
	while (aio_error(&r.cb) == EINPROGRESS)
		OK(aio_suspend(list, 1, NULL));
	EQ(aio_return(&r.cb), 0);
	EQ(aio_cancel(fd, NULL), AIO_ALLDONE);
	EMPTY(port);
}

CASE("7.5", "aio_suspend_waits_for_one_of_many")
{
	int port = new_port(), first[2], second[2];
	struct request a, b;
	const struct aiocb *list[3] = { &a.cb, NULL, &b.cb };
	request_blocked(&a, port, USER(1), first);
	request_blocked(&b, port, USER(2), second);
	FAILS(aio_suspend(list, 3, MS(1)), EAGAIN);
	FAILS(aio_suspend(list, -1, NULL), EINVAL);
	write_byte(second[1]);
	OK(aio_suspend(list, 3, NULL));
	EQ(aio_error(&a.cb), EINPROGRESS);
	EQ(aio_return(&b.cb), 1);
	write_byte(first[1]);
	(void)take_wait(port);
	(void)take_wait(port);
	OK(aio_suspend(list, 3, NULL));
}

struct suspended {
	const struct aiocb *list[1];
	int result;
};

static void *suspend(void *arg)
{
	struct suspended *s = arg;
	s->result = aio_suspend(s->list, 1, NULL);
	return NULL;
}

/* Whoever takes the completion tells those who wait for it. */
CASE("7.5", "aio_suspend_ends_though_another_thread_took_the_completion")
{
	enum { ROUNDS = 50 };
	int port = new_port(), pipe[2], i;
	for (i = 0; i < ROUNDS; i++) {
		struct request r;
		struct suspended s;
		pthread_t thread;
		request_blocked(&r, port, USER(1), pipe);
		s.list[0] = &r.cb;
		EQ(pthread_create(&thread, NULL, suspend, &s), 0);
		write_byte(pipe[1]);
		(void)take_wait(port);
		EQ(pthread_join(thread, NULL), 0);
		EQ(s.result, 0);
		close_fd(pipe[0]);
		close_fd(pipe[1]);
	}
}

CASE("7.9", "an_entry_without_notification_that_goes_on_is_not_cancelled")
{
	enum { ROUNDS = 5, SIZE = 8 << 20 };
	int port = new_port(), random = track(open("/dev/urandom", O_RDONLY)), pipe[2], round;
	char *bytes = malloc(SIZE);
	TRUE(random >= 0 && bytes != NULL);
	new_pipe(pipe);
	for (round = 0; round < ROUNDS; round++) {
		struct request waits, goes;
		struct aiocb *list[2] = { &waits.cb, &goes.cb };
		int answer;
		request_init(&waits, port, USER(1), pipe[0], 0, 1);
		waits.cb.aio_lio_opcode = LIO_READ;
		request_init(&goes, port, NULL, random, 0, SIZE);
		goes.cb.aio_buf = bytes;
		quiet(&goes, LIO_READ);
		OK(lio_listio(LIO_NOWAIT, list, 2, NULL));
		tick();
		answer = aio_cancel(random, &goes.cb);
		TRUE(answer == AIO_CANCELED || answer == AIO_NOTCANCELED || answer == AIO_ALLDONE);
		while (aio_error(&goes.cb) == EINPROGRESS)
			tick();
		write_byte(pipe[1]);
		expect_done(port, &waits, AIOAREAD, USER(1), 0, 1);
	}
	free(bytes);
}
