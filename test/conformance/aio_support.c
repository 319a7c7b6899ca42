#include "aio_support.h"

void request_init(struct request *r, int port, void *user, int fd, off_t offset,
    size_t size)
{
	memset(r, 0x5a, sizeof(*r));
	r->notify.portnfy_port = port;
	r->notify.portnfy_user = user;
	r->cb.aio_fildes = fd;
	r->cb.aio_reqprio = 0;
	r->cb.aio_buf = r->buffer;
	r->cb.aio_nbytes = size;
	r->cb.aio_offset = offset;
	memset(&r->cb.aio_sigevent, 0, sizeof(r->cb.aio_sigevent));
	r->cb.aio_sigevent.sigev_notify = SIGEV_PORT;
	r->cb.aio_sigevent.sigev_value.sival_ptr = &r->notify;
}

int new_filled_file(size_t size)
{
	unsigned char block[4096];
	size_t at = 0, i;
	int fd = new_file();
	while (at < size) {
		size_t part = size - at < sizeof(block) ? size - at : sizeof(block);
		for (i = 0; i < part; i++)
			block[i] = (unsigned char)(at + i);
		EQ(pwrite(fd, block, part, (off_t)at), part);
		at += part;
	}
	return fd;
}

void request_blocked(struct request *r, int port, void *user, int fds[2])
{
	new_pipe(fds);
	request_init(r, port, user, fds[0], 0, 1);
	OK(aio_read(&r->cb));
	EQ(aio_error(&r->cb), EINPROGRESS);
}

void expect_done(int port, struct request *r, int code, void *user, int error,
    ssize_t result)
{
	port_event_t pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_AIO, &r->cb, code, user);
	EQ(aio_error(&r->cb), error);
	EQ(aio_return(&r->cb), result);
}

struct sigevent list_event(port_notify_t *notify, int port, void *user)
{
	struct sigevent event;
	memset(&event, 0, sizeof(event));
	notify->portnfy_port = port;
	notify->portnfy_user = user;
	event.sigev_notify = SIGEV_PORT;
	event.sigev_value.sival_ptr = notify;
	return event;
}

void quiet(struct request *r, int opcode)
{
	r->cb.aio_sigevent.sigev_notify = SIGEV_NONE;
	r->cb.aio_lio_opcode = opcode;
}
