/* Section 7: lio_listio. */
#include "aio_support.h"

CASE("7.11 1.12", "a_list_has_an_event_beside_those_of_its_entries")
{
	enum { COUNT = 10 };
	static struct request r[COUNT];
	struct aiocb *list[COUNT + 2] = { NULL };
	int port = new_port(), fd = new_filled_file(1000), i, own = 0, whole = 0;
	port_notify_t notify;
	struct sigevent event = list_event(&notify, port, USER(77));
	struct request nop;
	for (i = 0; i < COUNT; i++) {
		request_init(&r[i], port, USER(i), fd, i * 10, 10);
		r[i].cb.aio_lio_opcode = i % 2 ? LIO_WRITE : LIO_READ;
		list[i] = &r[i].cb;
	}
	request_init(&nop, port, USER(99), fd, 0, 1);
	nop.cb.aio_lio_opcode = LIO_NOP;
	list[COUNT] = &nop.cb; /* and the last is NULL */
	OK(lio_listio(LIO_NOWAIT, list, COUNT + 2, &event));
	for (i = 0; i < COUNT + 1; i++) {
		port_event_t pe = take_wait(port);
		if (pe.portev_events == AIOLIO) {
			EVENT(&pe, PORT_SOURCE_AIO, &event, AIOLIO, USER(77));
			EQ(own, COUNT); /* all entries were done */
			whole++;
		} else {
			EVENT(&pe, PORT_SOURCE_AIO, &r[(uintptr_t)pe.portev_user].cb,
			    (uintptr_t)pe.portev_user % 2 ? AIOAWRITE : AIOAREAD,
			    pe.portev_user);
			own++;
		}
	}
	EQ(whole, 1);
	for (i = 0; i < COUNT; i++)
		EQ(aio_return(&r[i].cb), 10);
	EMPTY(port);
	SLOTS(port, 0);
}

CASE("7.11", "a_list_may_report_to_another_port_than_its_entries")
{
	int port = new_port(), other = new_port(), pipe[2];
	struct request r;
	struct aiocb *list[1] = { &r.cb };
	port_notify_t notify;
	struct sigevent event = list_event(&notify, other, USER(77));
	port_event_t pe;
	new_pipe(pipe);
	request_init(&r, port, USER(1), pipe[0], 0, 1);
	r.cb.aio_lio_opcode = LIO_READ;
	OK(lio_listio(LIO_NOWAIT, list, 1, &event));
	EMPTY(other);
	EQ(write(pipe[1], "a", 1), 1);
	pe = take_wait(other); /* nobody looks at the one of the entry */
	EVENT(&pe, PORT_SOURCE_AIO, &event, AIOLIO, USER(77));
	expect_done(port, &r, AIOAREAD, USER(1), 0, 1);
}

CASE("7.11", "entries_without_notification_count_for_their_list")
{
	int port = new_port(), pipe[2];
	port_notify_t notify;
	struct sigevent event = list_event(&notify, port, USER(7));
	struct request a, b;
	struct aiocb *list[2] = { &a.cb, &b.cb };
	port_event_t pe;
	new_pipe(pipe);
	request_init(&a, port, NULL, pipe[0], 0, 1);
	request_init(&b, port, NULL, new_filled_file(4), 0, 4);
	quiet(&a, LIO_READ);
	quiet(&b, LIO_READ);
	OK(lio_listio(LIO_NOWAIT, list, 2, &event));
	SLOTS(port, 1);
	EQ(queued(port), 0);
	write_byte(pipe[1]);
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_AIO, &event, AIOLIO, USER(7));
	EQ(aio_return(&a.cb), 1);
	EQ(aio_return(&b.cb), 4);
	EMPTY(port);
}

CASE("7.12 16.4", "a_list_of_no_requests_has_its_event_at_once")
{
	int port = new_port();
	port_notify_t notify;
	struct sigevent event = list_event(&notify, port, USER(7));
	struct aiocb *list[1] = { NULL };
	port_event_t pe;
	FAILS(lio_listio(LIO_NOWAIT, list, 0, &event), EINVAL);
	SLOTS(port, 0);
	OK(lio_listio(LIO_NOWAIT, list, 1, &event));
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_AIO, &event, AIOLIO, USER(7));
	EMPTY(port);
}

CASE("7.11 7.12", "lio_wait_waits_and_ignores_the_lists_event")
{
	int port = new_port(), fd = new_filled_file(10);
	port_notify_t notify;
	struct sigevent event = list_event(&notify, port, USER(7));
	struct request a, b;
	struct aiocb *list[2] = { &a.cb, &b.cb };
	port_event_t pe;
	request_init(&a, port, USER(1), fd, 0, 10);
	request_init(&b, port, USER(2), fd, 0, 10);
	a.cb.aio_lio_opcode = LIO_READ;
	quiet(&b, LIO_READ);
	OK(lio_listio(LIO_WAIT, list, 2, &event));
	EQ(aio_error(&a.cb), 0);
	EQ(aio_error(&b.cb), 0);
	pe = take(port);
	EVENT(&pe, PORT_SOURCE_AIO, &a.cb, AIOAREAD, USER(1));
	EMPTY(port);
	a.cb.aio_fildes = closed_fd();
	FAILS(lio_listio(LIO_WAIT, list, 2, NULL), EIO);
	EQ(aio_error(&a.cb), EBADF);
	EQ(aio_error(&b.cb), 0);
}

CASE("7.12 7.2 12.4", "the_limit_in_the_middle_of_a_list_is_eio_and_told_of_each")
{
	enum { COUNT = 5, LIMIT = 3 };
	static struct request r[COUNT];
	struct aiocb *list[COUNT];
	int port = new_port_limit(LIMIT), fd = new_filled_file(10), i;
	port_notify_t notify;
	struct sigevent event = list_event(&notify, port, USER(7));
	for (i = 0; i < COUNT; i++) {
		request_init(&r[i], port, USER(i), fd, 0, 1);
		r[i].cb.aio_lio_opcode = LIO_READ;
		list[i] = &r[i].cb;
	}
	FAILS(lio_listio(LIO_NOWAIT, list, COUNT, &event), EIO);
	for (i = 0; i < LIMIT; i++)
		(void)take_wait(port); /* of which one is the list's */
	EMPTY(port);
	EQ(aio_error(&r[0].cb), 0);
	EQ(aio_error(&r[1].cb), 0);
	for (i = 2; i < COUNT; i++)
		EQ(aio_error(&r[i].cb), EAGAIN);
	EQ(port_send(port, 1, NULL), 0);
	EQ(port_send(port, 1, NULL), 0);
	EQ(port_send(port, 1, NULL), 0);
	FAILS(lio_listio(LIO_NOWAIT, list, COUNT, &event), EAGAIN); /* for the list itself */
}

CASE("7.12 7.1", "bad_lists_and_bad_entries")
{
	int port = new_port(), fd = new_filled_file(10);
	port_notify_t notify;
	struct sigevent event = list_event(&notify, port, USER(7));
	struct request a, b;
	struct aiocb *list[2] = { &a.cb, &b.cb };
	request_init(&a, port, USER(1), fd, 0, 1);
	request_init(&b, port, USER(2), fd, -5, 1);
	a.cb.aio_lio_opcode = b.cb.aio_lio_opcode = LIO_READ;
	FAILS(lio_listio(77, list, 2, &event), EINVAL);
	FAILS(lio_listio(LIO_NOWAIT, list, -1, &event), EINVAL);
	FAILS(lio_listio(LIO_WAIT, list, -1, NULL), EINVAL);
	FAILS(lio_listio(LIO_NOWAIT, list, 2, &event), EIO);
	EQ(aio_error(&b.cb), EINVAL);
	(void)take_wait(port);
	(void)take_wait(port);
	EMPTY(port);
	notify.portnfy_port = fd;
	FAILS(lio_listio(LIO_NOWAIT, list, 1, &event), EINVAL);
	event.sigev_value.sival_ptr = NULL;
	FAILS(lio_listio(LIO_NOWAIT, list, 1, &event), EFAULT);
	SLOTS(port, 0);
}

CASE("7.12", "an_entry_that_neither_reads_nor_writes_is_refused_alone")
{
	int port = new_port(), fd = new_filled_file(10);
	struct request a, b;
	struct aiocb *list[2] = { &a.cb, &b.cb };
	char byte = 0;
	request_init(&a, port, USER(1), fd, 4, 1);
	request_init(&b, port, USER(2), fd, 5, 1);
	a.cb.aio_lio_opcode = 77;
	b.cb.aio_lio_opcode = LIO_READ;
	a.buffer[0] = 'x';
	FAILS(lio_listio(LIO_WAIT, list, 2, NULL), EIO);
	EQ(aio_error(&a.cb), EINVAL);
	EQ(aio_return(&a.cb), -1);
	(void)aio_return(&b.cb);
	(void)take(port);
	FAILS(lio_listio(LIO_WAIT, list, 2, NULL), EIO); /* a has given an error before */
	EQ(aio_error(&a.cb), EINVAL);
	expect_done(port, &b, AIOAREAD, USER(2), 0, 1);
	EMPTY(port);
	SLOTS(port, 0);
	EQ(pread(fd, &byte, 1, 4), 1);
	EQ(byte, 4); /* nothing was written */
}

CASE("7.12 7.1", "an_aiocb_twice_in_a_list_is_busy_the_second_time")
{
	int port = new_port(), pipe[2];
	port_notify_t notify;
	struct sigevent event = list_event(&notify, port, USER(7));
	struct request r;
	struct aiocb *list[2] = { &r.cb, &r.cb };
	port_event_t pe;
	request_blocked(&r, port, USER(1), pipe);
	OK(aio_cancel(pipe[0], &r.cb) == AIO_CANCELED ? 0 : -1);
	expect_done(port, &r, AIOAREAD, USER(1), ECANCELED, -1);
	r.cb.aio_lio_opcode = LIO_READ;
	FAILS(lio_listio(LIO_NOWAIT, list, 2, &event), EIO);
	SLOTS(port, 2); /* its own and the list's */
	EQ(aio_error(&r.cb), EINPROGRESS);
	EQ(write(pipe[1], "a", 1), 1);
	expect_done(port, &r, AIOAREAD, USER(1), 0, 1);
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_AIO, &event, AIOLIO, USER(7));
	EMPTY(port);
	SLOTS(port, 0);
}

CASE("7.12 7.1", "a_list_with_an_entry_in_flight_is_busy_and_submits_nothing")
{
	int port = new_port(), pipe[2];
	port_notify_t notify;
	struct sigevent event = list_event(&notify, port, USER(7));
	struct request a, b;
	struct aiocb *list[2] = { &a.cb, &b.cb };
	request_init(&a, port, USER(1), new_filled_file(4), 0, 4);
	request_blocked(&b, port, USER(2), pipe);
	a.cb.aio_lio_opcode = b.cb.aio_lio_opcode = LIO_READ;
	FAILS(lio_listio(LIO_NOWAIT, list, 2, &event), EBUSY);
	FAILS(lio_listio(LIO_NOWAIT, list, 2, NULL), EBUSY);
	FAILS(lio_listio(LIO_WAIT, list, 2, NULL), EBUSY); /* nor does it wait for the other */
	b.cb.aio_lio_opcode = LIO_NOP;
	FAILS(lio_listio(LIO_NOWAIT, list, 2, NULL), EBUSY);
	SLOTS(port, 1);
	EMPTY(port);
	EQ(aio_error(&b.cb), EINPROGRESS);
	write_byte(pipe[1]);
	expect_done(port, &b, AIOAREAD, USER(2), 0, 1);
	OK(lio_listio(LIO_NOWAIT, list, 2, NULL));
	expect_done(port, &a, AIOAREAD, USER(1), 0, 4);
	EMPTY(port);
}

/* It is ours, though a call with it alone would be libc's. */
CASE("7.1 7.12", "an_entry_without_notification_is_busy_to_every_call")
{
	int port = new_port(), pipe[2];
	port_notify_t notify;
	struct sigevent event = list_event(&notify, port, USER(7));
	struct request r;
	struct aiocb *list[1] = { &r.cb };
	port_event_t pe;
	new_pipe(pipe);
	request_init(&r, port, NULL, pipe[0], 0, 1);
	quiet(&r, LIO_READ);
	OK(lio_listio(LIO_NOWAIT, list, 1, &event));
	FAILS(lio_listio(LIO_NOWAIT, list, 1, NULL), EBUSY);
	FAILS(aio_read(&r.cb), EBUSY);
	FAILS(aio_write(&r.cb), EBUSY);
	FAILS(aio_fsync(O_SYNC, &r.cb), EBUSY);
	EQ(aio_error(&r.cb), EINPROGRESS);
	write_byte(pipe[1]);
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_AIO, &event, AIOLIO, USER(7));
	EQ(aio_return(&r.cb), 1);
	EQ(aio_cancel(pipe[0], NULL), AIO_ALLDONE);
}
