/*
 * sys/port.h - event ports: constants and structures of illumos, for Linux.
 *
 * Names, layout and meaning are those of illumos' <sys/port.h> (contract,
 * section 1). Plain C89; harmless before or after any system header.
 * The numbers of POLL* and of errno are those of Linux (1.10, 1.15).
 */
#ifndef EVENT_PORTS_SYS_PORT_H
#define EVENT_PORTS_SYS_PORT_H

#include <sys/types.h>
#include <stdint.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

/*
 * The C library hides these behind feature macros that strict C89/C99 leaves
 * unset; illumos' <port.h> always brings them.
 */
#ifdef __GLIBC__
#include <bits/types/struct_timespec.h>
#include <bits/types/sigevent_t.h>
#include <bits/types/struct_itimerspec.h>
#include <bits/types/clockid_t.h>
#include <bits/types/timer_t.h>
#ifndef __USE_POSIX199309 /* sigev_value's members have names of their own then */
#define sival_int __sival_int
#define sival_ptr __sival_ptr
#endif
#elif defined(__DEFINED_struct_timespec) /* musl */
#define __NEED_clockid_t
#define __NEED_timer_t
#include <bits/alltypes.h>
#ifndef TIMER_ABSTIME
struct itimerspec {
	struct timespec it_interval;
	struct timespec it_value;
};
#endif
#ifndef SIGEV_NONE
union sigval {
	int sival_int;
	void *sival_ptr;
};
struct sigevent {
	union sigval sigev_value;
	int sigev_signo;
	int sigev_notify;
	char sigev_reserved[64 - 2 * sizeof (int) - sizeof (union sigval)];
};
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Solaris spellings that illumos sources take for granted (1.17). A configure script that found
 * an integer's missing has made it a macro.
 */
#ifndef EVENT_PORTS_NO_SOLARIS_TYPES
#ifndef uchar_t
typedef unsigned char uchar_t;
#endif
#ifndef ushort_t
typedef unsigned short ushort_t;
#endif
#ifndef uint_t
typedef unsigned int uint_t;
#endif
#ifndef ulong_t
typedef unsigned long ulong_t;
#endif
typedef struct timespec timespec_t;
typedef struct timespec timestruc_t;
typedef struct itimerspec itimerspec_t;
#endif

/* The clock that illumos sources use for timers; the same one there. */
#if defined(CLOCK_MONOTONIC) && !defined(CLOCK_HIGHRES)
#define CLOCK_HIGHRES CLOCK_MONOTONIC
#endif

/* Bits that Linux hides or lacks (1.9, 1.10). */
#ifndef POLLRDNORM
#define POLLRDNORM 0x040
#endif
#ifndef POLLRDBAND
#define POLLRDBAND 0x080
#endif
#ifndef POLLWRNORM
#define POLLWRNORM 0x100
#endif
#ifndef POLLWRBAND
#define POLLWRBAND 0x200
#endif
#ifndef POLLNORM
#define POLLNORM POLLRDNORM
#endif

/* Sources of events: portev_source (1.1). */
#define PORT_SOURCE_AIO 1
#define PORT_SOURCE_TIMER 2
#define PORT_SOURCE_USER 3
#define PORT_SOURCE_FD 4
#define PORT_SOURCE_ALERT 5
#define PORT_SOURCE_MQ 6
#define PORT_SOURCE_FILE 7

/* An event as port_get(3C) returns it (1.2). portev_pad is always 0. */
typedef struct port_event {
	int portev_events;         /* what happened: meaning by source */
	unsigned short portev_source; /* PORT_SOURCE_* */
	unsigned short portev_pad;
	uintptr_t portev_object;   /* fd, file_obj_t *, timer_t, aiocb *, mqd_t */
	void *portev_user;         /* the cookie given with the association */
} port_event_t;

/* What sigev_value.sival_ptr of a SIGEV_PORT sigevent points to (1.4). */
typedef struct port_notify {
	int portnfy_port;
	void *portnfy_user;
} port_notify_t;

/* The object of PORT_SOURCE_FILE; its address is the identity (1.5, 5.1.1). */
typedef struct file_obj {
	struct timespec fo_atime;
	struct timespec fo_mtime;
	struct timespec fo_ctime;
	uintptr_t fo_pad[3];
	char *fo_name;
} file_obj_t;

/* sigev_notify: illumos' 4 is SIGEV_THREAD_ID on Linux, so another value (1.11). */
#ifndef SIGEV_PORT
#define SIGEV_PORT 0x504f
#endif

/* portev_events of PORT_SOURCE_AIO: what was asked for (1.12). */
#define AIOLIO 7
#define AIOAREAD 11
#define AIOAWRITE 12
#define AIOFSYNC 20

/* port_alert(3C) flags (1.6). */
#define PORT_ALERT_SET 0x01
#define PORT_ALERT_UPDATE 0x02
#define PORT_ALERT_INVALID (PORT_ALERT_SET | PORT_ALERT_UPDATE)

/* PORT_SOURCE_FILE: events that can be asked for, and a modifier (1.7). */
#define FILE_ACCESS 0x00000001
#define FILE_MODIFIED 0x00000002
#define FILE_ATTRIB 0x00000004
#define FILE_TRUNC 0x00100000
#define FILE_NOFOLLOW 0x10000000

/* PORT_SOURCE_FILE: exceptions, always delivered, never asked for (1.8). */
#define FILE_DELETE 0x00000010
#define FILE_RENAME_TO 0x00000020
#define FILE_RENAME_FROM 0x00000040
#define UNMOUNTED 0x20000000
#define MOUNTEDOVER 0x40000000
#define FILE_EXCEPTION \
	(UNMOUNTED | FILE_DELETE | FILE_RENAME_TO | FILE_RENAME_FROM | MOUNTEDOVER)

#ifdef __cplusplus
}
#endif

#endif /* EVENT_PORTS_SYS_PORT_H */
