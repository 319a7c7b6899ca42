/*
 * A source of a library's own: the exits of children, by pidfd, as events of a
 * port. The upper half is such a library, the lower half a program that uses
 * it beside everything else a port can tell.
 *
 *   cc child-exit.c $(pkg-config --cflags --libs port)
 */
#define _GNU_SOURCE 1
#include <port.h>
#include <port_linux.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* --- The library. */

#define SOURCE_CHILD (PORT_SOURCE_LIBRARY + 1)

struct children; /* one for each port */

struct child {
	struct children *source;
	struct child *next;
	port_slot_t slot;
	int pidfd;
	siginfo_t how; /* written before the slot is posted, then left alone */
};

struct children {
	port_source_t source;
	int set, stop;
	pthread_t thread;
	struct child *first;
};

/* In the thread that retrieves, inside the port's critical section: what was
 * written down before is looked at, no more. */
static int deliver(void *arg, port_event_t *event)
{
	const struct child *child = arg;
	int killed = child->how.si_code != CLD_EXITED;
	event->portev_events = child->how.si_status + (killed ? 128 : 0);
	return 1;
}

static void *watch(void *arg)
{
	struct children *source = arg;
	struct epoll_event ready;

	for (;;) {
		struct child *child;
		if (epoll_wait(source->set, &ready, 1, -1) != 1)
			continue;
		child = ready.data.ptr;
		if (child == NULL)
			return NULL;
		if (waitid(P_PIDFD, (id_t)child->pidfd, &child->how, WEXITED) != 0)
			fail("waitid");
		close(child->pidfd);
		child->pidfd = -1;
		/* ENOENT: the port was closed meanwhile. */
		(void)port_slot_post(child->slot, 0);
	}
}

/* The program has closed the port: no slot is left, and nobody asks any more. */
static void port_closed(void *arg)
{
	struct children *source = arg;

	if (eventfd_write(source->stop, 1) != 0 || pthread_join(source->thread, NULL) != 0)
		fail("port_closed");
	while (source->first != NULL) {
		struct child *child = source->first;
		source->first = child->next;
		if (child->pidfd >= 0)
			close(child->pidfd);
		free(child);
	}
	close(source->set);
	close(source->stop);
	free(source);
}

static int add(struct children *source, int fd, void *data)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.ptr = data };
	return epoll_ctl(source->set, EPOLL_CTL_ADD, fd, &event);
}

/* Opens the source on a port; it goes with the port. */
static struct children *children_open(int port)
{
	port_source_ops_t ops = { sizeof(ops), SOURCE_CHILD, deliver, port_closed };
	struct children *source = calloc(1, sizeof(*source));

	if (source == NULL)
		fail("calloc");
	source->set = epoll_create1(EPOLL_CLOEXEC);
	source->stop = eventfd(0, EFD_CLOEXEC);
	if (source->set < 0 || source->stop < 0 || add(source, source->stop, NULL) != 0)
		fail("children_open");
	if (port_source_open(port, &ops, source, &source->source) != 0)
		fail("port_source_open");
	if (pthread_create(&source->thread, NULL, watch, source) != 0)
		fail("pthread_create");
	return source;
}

/* One event {SOURCE_CHILD, object the pid, events the status as a shell has it}
 * when the child is gone. EAGAIN: the port is full; ENOMEM, ESRCH, EMFILE. */
static int children_watch(struct children *source, pid_t pid, void *user)
{
	struct child *child = calloc(1, sizeof(*child));

	if (child == NULL)
		return -1;
	child->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (child->pidfd < 0 ||
	    port_slot_reserve(source->source, 0, (uintptr_t)pid, user, child, &child->slot) != 0) {
		if (child->pidfd >= 0)
			close(child->pidfd);
		free(child);
		return -1;
	}
	child->next = source->first;
	source->first = child;
	if (add(source, child->pidfd, child) == 0)
		return 0;
	return port_slot_release(child->slot), -1; /* the record goes with the source */
}

/* --- The program. */

static pid_t start(int status, int signal)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		if (signal != 0)
			raise(signal);
		_exit(status);
	}
	return pid;
}

static void wait_for(struct children *children, int port, pid_t pid, const char *name)
{
	port_event_t event;

	if (children_watch(children, pid, (void *)name) != 0)
		fail("children_watch");
	if (port_get(port, &event, NULL) != 0)
		fail("port_get");
	if (event.portev_source == SOURCE_CHILD && event.portev_object == (uintptr_t)pid)
		printf("%s: %d\n", (char *)event.portev_user, event.portev_events);
}

int main(void)
{
	int port = port_create();
	struct children *children;
	port_event_t event;

	if (port < 0)
		fail("port_create");
	children = children_open(port);
	wait_for(children, port, start(0, 0), "quiet");
	wait_for(children, port, start(3, 0), "unhappy");
	wait_for(children, port, start(0, SIGTERM), "killed");
	if (port_send(port, 0, "a message beside them") != 0 || port_get(port, &event, NULL) != 0)
		fail("port_send");
	printf("%s\n", (char *)event.portev_user);
	return close(port); /* ends the source */
}

/*
 * Prints:
 * quiet: 0
 * unhappy: 3
 * killed: 143
 * a message beside them
 */
