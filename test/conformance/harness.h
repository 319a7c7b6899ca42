/*
 * harness.h - cases, assertions and the small world they live in.
 *
 * A case names the clauses of docs/contract.md it shows and runs alone in a
 * forked child, so a crash or a hang is one failed case. Include this header
 * first: it sets the feature macros. Only <port.h> and POSIX; what exists on
 * Linux only stands behind __linux__.
 */
#ifndef CONFORMANCE_HARNESS_H
#define CONFORMANCE_HARNESS_H

#if defined(__linux__)
#define _GNU_SOURCE 1
#elif defined(__sun)
#define __EXTENSIONS__ 1
#define _POSIX_PTHREAD_SEMANTICS 1
#endif

#include <port.h>
#if defined(__linux__)
#include <port_linux.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__) && !defined(__GLIBC__) /* musl's headers lack them, ours wraps them */
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif
int close_range(unsigned int first, unsigned int last, int flags);
void closefrom(int first);
#endif

/* illumos and PORT_STRICT=1 answer alike; the default profile differs (2.4.3). */
#if defined(__linux__)
#define HAS_DEFAULT_PROFILE 1
#else
#define HAS_DEFAULT_PROFILE 0
#endif

struct conf_case {
	const char *clauses; /* separated by blanks */
	const char *name;
	const char *file;
	int line;
	int cold; /* no warm-up: the process has made no call before */
	void (*run)(void);
	struct conf_case *next;
};

void conf_register(struct conf_case *c);

#define CONF_JOIN_(a, b) a##b
#define CONF_JOIN(a, b) CONF_JOIN_(a, b)
#define CONF_CASE(clauses, name, cold, fn)                                    \
	static void fn(void);                                                 \
	static struct conf_case CONF_JOIN(fn, _case) = { clauses, name,       \
		__FILE__, __LINE__, cold, fn, NULL };                         \
	__attribute__((constructor)) static void CONF_JOIN(fn, _add)(void)    \
	{                                                                     \
		conf_register(&CONF_JOIN(fn, _case));                         \
	}                                                                     \
	static void fn(void)

#define CASE(clauses, name) CONF_CASE(clauses, name, 0, CONF_JOIN(case_, __LINE__))
#define CASE_COLD(clauses, name) \
	CONF_CASE(clauses, name, 1, CONF_JOIN(case_, __LINE__))

/* Assertions end the case. Every one prints the expression and what it saw. */
#define CONF_HERE __FILE__, __LINE__
#define TRUE(e) conf_true(CONF_HERE, #e, (e) ? 1 : 0)
#define EQ(e, want) conf_eq(CONF_HERE, #e, (long long)(e), (long long)(want))
#define PTR_EQ(e, want) conf_ptr(CONF_HERE, #e, (const void *)(e), (want))
#define OK(e) conf_ok(CONF_HERE, #e, (long long)(e))
#define FAILS(e, err) (errno = 0, conf_fails(CONF_HERE, #e, (long long)(e), (err)))
/* Succeeds, and errno is what it was (2.0.5). */
#define QUIET(e)                                                              \
	(errno = 4242, conf_true(CONF_HERE, #e, (e) >= 0),                    \
	    conf_eq(CONF_HERE, "errno of " #e, errno, 4242))
#define EVENT(pe, source, object, events, user)                               \
	conf_event(CONF_HERE, (pe), (source), (uintptr_t)(object), (events),  \
	    (user))

void conf_true(const char *file, int line, const char *expr, int ok);
void conf_eq(const char *file, int line, const char *expr, long long got,
    long long want);
void conf_ptr(const char *file, int line, const char *expr, const void *got,
    const void *want);
void conf_ok(const char *file, int line, const char *expr, long long got);
void conf_fails(const char *file, int line, const char *expr, long long got,
    int want);
void conf_event(const char *file, int line, const port_event_t *pe, int source,
    uintptr_t object, int events, void *user);
const char *conf_errno_name(int err);

/* Cookies and timeouts. */
#define USER(n) ((void *)(uintptr_t)(n))
#define TS(sec, nsec) (&(struct timespec){ (sec), (nsec) })
#define NOWAIT TS(0, 0)
#define MS(n) TS((n) / 1000, (n) % 1000 * 1000000L)
#define BAD_TIMEOUT TS(0, 1000000000L)

/* Descriptors made here are closed after the case, then none may be left. */
int new_port(void);
int new_port_limit(unsigned int limit); /* PORT_MAX_EVENTS for this one port */
int track(int fd);        /* any descriptor; returns it */
int track_port(int port);
void untrack(int fd);
#if defined(__linux__)
void deny(unsigned int call, int error); /* a seccomp filter answers it so from here on */
#endif
void new_pipe(int fd[2]); /* [0] reads, [1] writes */
void new_socketpair(int fd[2]);
int new_file(void);       /* an unlinked regular file, open for both */
int new_directory(void);  /* a directory, open for reading */
int closed_fd(void);      /* a number that is not open */
void close_port(int port); /* as the platform's program would: see harness notes */
void close_fd(int fd);
void raw_close(int fd); /* close that the library can't see */
int open_fds(void);

void write_byte(int fd);
void read_byte(int fd);
void fill(int fd); /* until a write would block */

/* One profile for the ports made from here on; "default" or "strict". */
void use_profile(const char *profile);
int strict_profile(void);
/* The statement behind it once a profile, for ports it makes: what illumos does there, and
 * (strict 0) what this library does instead. illumos has the strict one only. */
#define IN_EACH_PROFILE(strict)                                               \
	for (int strict = !HAS_DEFAULT_PROFILE;                               \
	    strict <= 1 && (use_profile(strict ? "strict" : "default"), 1); strict++)

/* Single-threaded views of a port. */
int queued(int port);                 /* max == 0 count (2.5.2 d) */
void empty(const char *file, int line, int port);
#define EMPTY(port) empty(CONF_HERE, (port))
port_event_t take(int port);          /* the one at the head, which must be there */
port_event_t take_wait(int port);     /* waits for it */
unsigned int take_all(int port, port_event_t *list, unsigned int max);
void send_range(int port, int first, int last); /* events = cookie = i */
int slots(int port);                  /* in use; -1 where the platform hides it */
#define SLOTS(port, n)                                                        \
	do {                                                                  \
		int slots_ = slots(port);                                     \
		if (slots_ >= 0)                                              \
			EQ(slots_, (n));                                      \
	} while (0)
int poll_now(int fd, int events); /* revents, no wait */
void tick(void); /* a pause between two looks at a state; never a synchronisation */
double monotonic(void);

/* A thread that is inside one port_getn. */
enum { WAITER_ROOM = 64 };
struct waiter {
	pthread_t thread;
	int port;
	unsigned int want;
	struct timespec timeout; /* tv_sec < 0: none */
	port_event_t list[WAITER_ROOM];
	unsigned int nget;
	int result;
	int error;
	long sleeps; /* of its thread, within the call */
	int done;
};

/* Starts it and returns once it is blocked, as number `nth` of the port. */
void waiter_start(struct waiter *w, int port, unsigned int want,
    const struct timespec *timeout, int nth);
/* Starts it as filled in, without waiting for anything. */
void waiter_spawn(struct waiter *w);
void await_waiters(int port, int n);
void await_waiters_unless(int port, int n, const int *done); /* is set meanwhile */
int waiter_done(struct waiter *w);
void waiter_join(struct waiter *w);

#endif /* CONFORMANCE_HARNESS_H */
