/*
 * Threads blocked in port_getn. That one *is* blocked is known from the port's
 * count of waiters on Linux, from the state of the light-weight processes on
 * illumos; never from time.
 */
#include "harness.h"

#include <sys/resource.h>

#if defined(__sun)
#include <dirent.h>
#include <procfs.h>
#include <sys/syscall.h>

static int waiters_of(int port)
{
	int asleep = 0;
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/lwp");
	(void)port; /* every case blocks on one port at a time */
	TRUE(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		char path[96];
		lwpsinfo_t info;
		int fd;
		(void)snprintf(path, sizeof(path), "/proc/self/lwp/%.32s/lwpsinfo",
		    entry->d_name);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue;
		if (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info) &&
		    info.pr_sname == 'S' && info.pr_syscall == SYS_port)
			asleep++;
		(void)close(fd);
	}
	(void)closedir(dir);
	return asleep;
}
#else
static int waiters_of(int port)
{
	port_info_t info = { .pi_size = sizeof(info) };
	OK(port_getinfo(port, &info));
	return (int)info.pi_waiters;
}
#endif

#ifndef RUSAGE_THREAD
#define RUSAGE_THREAD RUSAGE_LWP
#endif

static long sleeps_so_far(void)
{
	struct rusage usage;
	OK(getrusage(RUSAGE_THREAD, &usage));
	return usage.ru_nvcsw;
}

static void *waiter_main(void *arg)
{
	struct waiter *w = arg;
	long before = sleeps_so_far();
	w->nget = w->want;
	w->result = port_getn(w->port, w->list, WAITER_ROOM, &w->nget,
	    w->timeout.tv_sec < 0 ? NULL : &w->timeout);
	w->error = w->result == 0 ? 0 : errno;
	w->sleeps = sleeps_so_far() - before;
	__atomic_store_n(&w->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

void await_waiters(int port, int n)
{
	while (waiters_of(port) != n)
		tick();
}

void await_waiters_unless(int port, int n, const int *done)
{
	while (waiters_of(port) != n && !__atomic_load_n(done, __ATOMIC_ACQUIRE))
		tick();
}

void waiter_spawn(struct waiter *w)
{
	EQ(pthread_create(&w->thread, NULL, waiter_main, w), 0);
}

void waiter_start(struct waiter *w, int port, unsigned int want,
    const struct timespec *timeout, int nth)
{
	memset(w, 0, sizeof(*w));
	w->port = port;
	w->want = want;
	w->timeout = timeout != NULL ? *timeout : (struct timespec){ -1, 0 };
	waiter_spawn(w);
	await_waiters(port, nth);
}

int waiter_done(struct waiter *w)
{
	return __atomic_load_n(&w->done, __ATOMIC_ACQUIRE);
}

void waiter_join(struct waiter *w)
{
	EQ(pthread_join(w->thread, NULL), 0);
}
