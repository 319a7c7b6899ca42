/*
 * aio_support.h - requests for the cases of sections 7 and 8. Every case runs
 * on either engine (EVENT_PORTS_AIO=pool, or io_uring), and can't tell which.
 */
#ifndef CONFORMANCE_AIO_SUPPORT_H
#define CONFORMANCE_AIO_SUPPORT_H

#include "harness.h"

#include <aio.h>

/* A request, what it reports to, and room for its data. */
struct request {
	struct aiocb cb;
	port_notify_t notify;
	char buffer[64];
};

/* Filled in with garbage where the standard asks for nothing. */
void request_init(struct request *r, int port, void *user, int fd, off_t offset,
    size_t size);
/* A file of `size` bytes, each the low byte of its offset. */
int new_filled_file(size_t size);
/* A request that waits: a read of a pipe nobody writes to. */
void request_blocked(struct request *r, int port, void *user, int pipe[2]);
/* Of a list that reports to a port. */
struct sigevent list_event(port_notify_t *notify, int port, void *user);
/* An entry of a list that reports to nobody. */
void quiet(struct request *r, int opcode);
/* Its event, then its result. */
void expect_done(int port, struct request *r, int code, void *user, int error,
    ssize_t result);

#endif /* CONFORMANCE_AIO_SUPPORT_H */
