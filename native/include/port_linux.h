/*
 * port_linux.h - what event ports on Linux have beyond illumos.
 *
 * Needed where calls of the C library are not wrapped (docs/interposition.md),
 * and where Linux allows more. Errors as in <port.h>.
 */
#ifndef EVENT_PORTS_PORT_LINUX_H
#define EVENT_PORTS_PORT_LINUX_H

#include <port.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Closes a descriptor of a port as close(2) does under libport.so: threads of
 * this process blocked on this number get EBADF, what the process owns goes
 * with its last descriptor (2.11). EBADF, EBADFD. */
int port_close(int port);

/*
 * A ticket gives a port to another process: a descriptor (close-on-exec) that
 * can be inherited over exec, put into a child's stdio or sent over a socket,
 * and redeemed as often as wanted, in any pid or user namespace and under any
 * uid, also after its maker has died. It keeps the port alive while it is
 * open; close(2) ends it. fork needs none. EBADF EBADFD; EMFILE ENFILE ENOMEM;
 * ETOOMANYREFS: too many descriptors under way (unix(7)).
 */
int port_ticket(int port);

/* A number of the ticket's port in this process (FD_CLOEXEC clear); of a port
 * that it has already, one number more. The ticket stays. EBADF; EINVAL: no
 * ticket; EPROTO: of another version of this library; EBADMSG: what it carries
 * is no port; EMFILE: too few descriptors left; EAGAIN: PORT_MAX_PORTS, or
 * more than 1023 processes; ENFILE ENOMEM. */
int port_attach(int ticket);

/* To be called before close(fd) where close is not interposed: ends this
 * process's associations of fd on every port (4.13). EBADF. */
int port_fd_close(int fd);

/* Creates a port with its own event limit (1 ... 0x7fffffff; 0: the default,
 * environment PORT_MAX_EVENTS or 65536) and FD_CLOEXEC if cloexec is not 0.
 * Errors of port_create, EINVAL. */
int port_create_limit(unsigned int max_events, int cloexec);

/*
 * timer_create(3C) and its companions for timers that report to a port
 * (sigev_notify SIGEV_PORT, sival_ptr a port_notify_t); other timers go to
 * libc. Where libport wraps libc the POSIX names do the same; elsewhere <port.h>
 * redirects them if EVENT_PORTS_STATIC is defined.
 * create: EINVAL: clock; ENOTSUP: no timerfd for it; EFAULT EAGAIN EBADF
 * EBADFD ENOMEM EPERM EMFILE ENFILE (6.1). The others: EINVAL: times, or no
 * such timer; EFAULT. EAGAIN: in a signal handler that interrupted this
 * library.
 */
int port_timer_create(clockid_t clock, struct sigevent *event, timer_t *timer);
int port_timer_delete(timer_t timer);
int port_timer_settime(timer_t timer, int flags,
    const struct itimerspec *value, struct itimerspec *old);
int port_timer_gettime(timer_t timer, struct itimerspec *value);
int port_timer_getoverrun(timer_t timer);

/*
 * aio_read(3C) and its companions for requests that report to a port
 * (aio_sigevent SIGEV_PORT); others go to libc. Under libport.so the POSIX
 * names do the same; a static program is redirected as for timers. Errors of
 * the submitting calls: EINVAL: no aiocb, no port, aio_reqprio, a negative
 * offset or a length over SSIZE_MAX; EBUSY: in flight already; EBADF: the
 * descriptor is negative; EFAULT; EAGAIN: no slot left in the port, no
 * memory. All else is told by aio_error (7).
 */
struct aiocb;
int port_aio_read(struct aiocb *cb);
int port_aio_write(struct aiocb *cb);
int port_aio_fsync(int op, struct aiocb *cb);
int port_aio_error(const struct aiocb *cb);
ssize_t port_aio_return(struct aiocb *cb);
int port_aio_cancel(int fd, struct aiocb *cb);
int port_aio_suspend(const struct aiocb *const list[], int count,
    const struct timespec *timeout);
int port_lio_listio(int mode, struct aiocb *const list[], int count,
    struct sigevent *event);

/*
 * mq_notify(3C) with SIGEV_PORT (8), and mq_close(3C), which ends it; other
 * notifications go to libc. notify: EBADF: no queue, or no port; EBUSY: a
 * process is registered, or (event NULL) not this one; EAGAIN: no slot for its
 * event, about 200 registrations of this process with the port, or a signal
 * handler that interrupted this library; ENOSYS: no netlink sockets here;
 * EFAULT ENOMEM EMFILE ENFILE EINVAL. The queue's type is mqd_t of <mqueue.h>.
 */
int port_mq_notify(int queue, const struct sigevent *event);
int port_mq_close(int queue);

/* Any process may retrieve the event; else this one only. */
#ifndef PORT_SHARE_EVENT
#define PORT_SHARE_EVENT 0x01
#endif

/* Queues an event of PORT_SOURCE_AIO or PORT_SOURCE_MQ for a library of its
 * own (2.9). Waits for a slot. EINVAL: source; EINTR; ENOMEM; EBADF also when
 * the port is closed meanwhile; EAGAIN: in a signal handler that interrupted
 * this library. */
int port_dispatch(int port, int flags, int source, int events,
    uintptr_t object, void *user);

/*
 * The source side, for authors of libraries: whatever can happen (a child has
 * exited, a name was resolved) as events of a port, bounded, ordered, waited
 * for and cleaned up as its own. A source is opened on a port; for each thing
 * that may happen it reserves a slot, which counts against the port's limit,
 * and posts it from any thread when it has.
 *
 *   reserved --post--> queued --retrieved--> gone (PORT_SLOT_KEEP: reserved)
 *
 * Handles name nothing any more, here or in a forked child, when what they
 * named is gone: ENOENT, never a crash. All calls: any thread of the process
 * that opened the source; EAGAIN in a signal handler that interrupted this
 * library, and in po_deliver.
 *
 *   fork          the child has no source; the parent's go on
 *   port closed   po_close is told once, in the thread that let go of the port
 *                 for this process (2.11); all slots are gone by then
 *   exec, death   slots and queued events go, but for shared ones that were
 *                 posted; po_close is not called
 */
typedef uint64_t port_source_t; /* 0 is never one */
typedef uint64_t port_slot_t;

/* portev_source of a library's events: this to 0xffff, its author's choice. */
#define PORT_SOURCE_LIBRARY 256

typedef struct port_source_ops {
	uint32_t po_size;   /* sizeof (port_source_ops_t) */
	uint32_t po_source; /* portev_source of its events */
	/*
	 * The last word on an event that a thread of this process is about to
	 * retrieve: 0 refuses it, as if it had not been posted (a slot that is not
	 * kept is gone; a port_getn that had counted it may return fewer events
	 * than it waited for); else it is handed over as changed here, but for
	 * portev_source. arg is the slot's. NULL: as posted.
	 * Runs inside the port's critical section, which all of its processes
	 * share: short, without blocking, without leaving by longjmp or an
	 * exception, and without a lock that is ever held around a call of this
	 * library (take a snapshot before posting instead). Of this library it may
	 * call port_send and port_alert, which take effect afterwards (EAGAIN from
	 * the 33rd such call of one retrieval on).
	 */
	int (*po_deliver)(void *arg, port_event_t *event);
	/* The process has let go of the port; arg is the source's. No lock is
	 * held, po_deliver runs no more. NULL: not told. */
	void (*po_close)(void *arg);
} port_source_ops_t;

/* ops is copied. EBADF EBADFD EFAULT ENOMEM; EINVAL: po_size, po_source. */
int port_source_open(int port, const port_source_ops_t *ops, void *arg,
    port_source_t *source);

/* Takes its slots and their queued events along; neither callback runs any
 * more when it returns. ENOENT: also when po_close was called, or is being. */
int port_source_close(port_source_t source);

#define PORT_SLOT_KEEP 0x02 /* the slot outlives the retrieval of its event */

/*
 * flags: 0, PORT_SLOT_KEEP, or PORT_SHARE_EVENT: any process may retrieve it;
 * such an event has no po_deliver, and with port_slot_post its handle is gone.
 * EAGAIN: no slot left in the port (12.4); ENOMEM; ENOENT: no such source;
 * EINVAL: flags, both of them; EFAULT.
 */
int port_slot_reserve(port_source_t source, int flags, uintptr_t object,
    void *user, void *arg, port_slot_t *slot);

/* Queues its event and wakes who waits for it; never waits. One that is queued
 * already keeps its place, and its events become the old or the new bits. */
int port_slot_post(port_slot_t slot, int events);

/* Gives the slot back, with its event if that is queued still: it is not
 * delivered once this returns. */
int port_slot_release(port_slot_t slot);

/* What carries out asynchronous I/O in this process. */
#define PORT_ENGINE_NONE 0     /* it can't be started now: descriptors */
#define PORT_ENGINE_IO_URING 1
#define PORT_ENGINE_THREADS 2  /* io_uring is refused, or EVENT_PORTS_AIO=pool */

typedef struct port_capabilities {
	uint32_t pc_size;        /* in: sizeof (port_capabilities_t) */
	uint32_t pc_aio_engine;  /* PORT_ENGINE_* */
	int32_t pc_aio_errno;    /* of io_uring_setup, if that is why; else 0 */
	uint32_t pc_pad;
	const char *pc_aio_reason; /* in words; never freed */
} port_capabilities_t;

/* Starts the engine if none runs yet. EFAULT; EINVAL: pc_size. */
int port_capabilities(port_capabilities_t *capabilities);

/* One item of port_associate_list: error is 0 or the errno of this item. */
typedef struct port_assoc {
	uintptr_t pa_object;
	void *pa_user;
	int pa_events;
	int pa_error;
} port_assoc_t;

/* Associates count descriptors (PORT_SOURCE_FD) in one call. Returns how many
 * succeeded; pa_error tells of each. Order of effect is not promised.
 * EFAULT: list is NULL. */
int port_associate_list(int port, port_assoc_t list[], unsigned int count);

/* Counters of a port: a snapshot (illumos keeps them as kstat). */
typedef struct port_info {
	uint32_t pi_size;       /* in: sizeof (port_info_t) */
	uint32_t pi_limit;      /* events the port may hold: slots (12.2) */
	uint32_t pi_slots;      /* slots in use */
	uint32_t pi_queued;     /* events queued */
	uint32_t pi_waiters;    /* threads and loops waiting */
	uint32_t pi_members;    /* processes */
	uint32_t pi_ports;      /* ports open in this process */
	uint32_t pi_alert;      /* events value of alert mode, 0: not in it */
	uint64_t pi_delivered[8]; /* by PORT_SOURCE_*; 0: of all libraries */
	uint64_t pi_wakeups;    /* system calls made to wake a waiter */
	uint64_t pi_uid;        /* of the creator (2.1.4) */
	uint64_t pi_gid;
	struct timespec pi_created; /* CLOCK_REALTIME */
} port_info_t;

/* EINVAL: pi_size is not a size this library knows. */
int port_getinfo(int port, port_info_t *info);

/* 1 if fd is a port of this process, else 0: in place of S_ISPORT. */
int port_isport(int fd);

#ifdef __cplusplus
}
#endif

#endif /* EVENT_PORTS_PORT_LINUX_H */
