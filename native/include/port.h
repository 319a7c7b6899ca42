/*
 * port.h - event ports of illumos (port_create(3C) and friends), for Linux.
 *
 * Any thread of any process that holds the port may make any call. A failing
 * call returns -1 and sets errno; for a call with a port argument the order is
 * EBADF (no such descriptor), EBADFD (not a port), then the call's own checks
 * (contract 2.0.2). Timeouts are relative; NULL waits for ever.
 */
#ifndef EVENT_PORTS_PORT_H
#define EVENT_PORTS_PORT_H

#include <sys/port.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A new port: the lowest free descriptor, FD_CLOEXEC clear.
 * EAGAIN: too many ports in this process; EMFILE; ENOMEM. (2.1) */
int port_create(void);

/* Associates or re-associates an object; one event, then again (2.2, 4, 5).
 * EBADFD: object is no open descriptor; EINVAL: source or events; ENOENT
 * EACCES ENAMETOOLONG ELOOP ENOTDIR ENOTSUP EFAULT (file); ENOMEM; EAGAIN: no
 * slot left. */
int port_associate(int port, int source, uintptr_t object, int events,
    void *user);

/* Ends an association (2.3). ENOENT: there is none, or its event was already
 * retrieved; EACCES: another process owns it; EBADFD: object not open. */
int port_dissociate(int port, int source, uintptr_t object);

/* Queues a PORT_SOURCE_USER event (2.6). EAGAIN: no slot left; ENOMEM. */
int port_send(int port, int events, void *user);

/* The same to many ports: returns how many were sent; errors[] is written
 * when any failed (2.7). EINVAL: nent is 0; EFAULT: ports or errors NULL. */
int port_sendn(int ports[], int errors[], unsigned int nent, int events,
    void *user);

/* Retrieves one event (2.4). ETIME: none within the timeout; EINTR: a signal
 * handler ran; EINVAL: bad timeout; EFAULT: pe is NULL. */
int port_get(int port, port_event_t *pe, const struct timespec *timeout);

/* Waits for *nget events, retrieves up to max (2.5). On success, and on
 * ETIME, *nget is the number stored. max 0: *nget is the number queued.
 * EINVAL EFAULT EINTR ETIME. */
int port_getn(int port, port_event_t list[], unsigned int max,
    unsigned int *nget, const struct timespec *timeout);

/* Enters, updates or (events 0) leaves alert mode (2.8). EINVAL: flags;
 * EBUSY: PORT_ALERT_UPDATE while in alert mode. */
int port_alert(int port, int flags, int events, void *user);

#ifdef __cplusplus
}
#endif

/*
 * timer_create(3C), aio_read(3C), mq_notify(3C) and their like take SIGEV_PORT
 * because libport wraps them at run time or when it is linked. A program that
 * wants neither leads its calls past libc here.
 */
#ifdef EVENT_PORTS_STATIC
#include <aio.h>
#include <mqueue.h>
#include <port_linux.h>
#define aio_read port_aio_read
#define aio_write port_aio_write
#define aio_fsync port_aio_fsync
#define aio_error port_aio_error
#define aio_return port_aio_return
#define aio_cancel port_aio_cancel
#define aio_suspend port_aio_suspend
#define lio_listio port_lio_listio
#define mq_notify port_mq_notify
#define mq_close port_mq_close
#define timer_create port_timer_create
#define timer_delete port_timer_delete
#define timer_settime port_timer_settime
#define timer_gettime port_timer_gettime
#define timer_getoverrun port_timer_getoverrun
#endif

#endif /* EVENT_PORTS_PORT_H */
