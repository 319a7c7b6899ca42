/*
 * What libev's own suite would test if it had one: each kind of watcher that
 * ends at its backend, on the backend that the argument names.
 */
#include <ev.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ev_loop *loop;
static int calls, got;

static void check(const char *name, int good)
{
	printf("%sok %s\n", good ? "" : "not ", name);
}

static void on_io(struct ev_loop *l, ev_io *w, int events)
{
	char byte;
	calls++;
	got |= events;
	if (events & EV_READ && read(w->fd, &byte, 1) <= 0)
		got |= 0x1000;
	ev_io_stop(l, w);
}

static void on_level(struct ev_loop *l, ev_io *w, int events)
{
	(void)events;
	if (++calls == 100)
		ev_io_stop(l, w);
}

static void on_timer(struct ev_loop *l, ev_timer *w, int events)
{
	(void)events;
	if (++calls == 5)
		ev_timer_stop(l, w);
}

static void on_async(struct ev_loop *l, ev_async *w, int events)
{
	(void)events;
	calls++;
	ev_async_stop(l, w);
}

static void on_signal(struct ev_loop *l, ev_signal *w, int events)
{
	(void)events;
	calls++;
	ev_signal_stop(l, w);
}

static void *send_async(void *watcher)
{
	ev_async_send(loop, watcher);
	return NULL;
}

static void run(void)
{
	calls = got = 0;
	ev_run(loop, 0);
}

int main(int argc, char **argv)
{
	unsigned int backend = argc > 1 && strcmp(argv[1], "port") == 0 ? EVBACKEND_PORT : EVBACKEND_EPOLL;
	enum { MANY = 500 };
	static ev_io many[MANY];
	static int pairs[MANY][2];
	int pair[2], i, status;
	ev_io io, other;
	ev_timer timer;
	ev_async async;
	ev_signal sig;
	pthread_t thread;
	pid_t child;

	loop = ev_default_loop(backend | EVFLAG_NOENV);
	check("backend", loop != NULL && ev_backend(loop) == backend);
	if (loop == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return 1;

	ev_io_init(&io, on_io, pair[0], EV_WRITE);
	ev_io_start(loop, &io);
	run();
	check("writable", calls == 1 && got == EV_WRITE);

	/* Level triggered: libev associates again by itself. */
	check("sent", write(pair[1], "xy", 2) == 2);
	ev_io_init(&io, on_level, pair[0], EV_READ);
	ev_io_start(loop, &io);
	run();
	check("level", calls == 100);

	ev_io_init(&io, on_io, pair[0], EV_READ);
	ev_io_init(&other, on_io, pair[0], EV_READ | EV_WRITE);
	ev_io_start(loop, &io);
	ev_io_start(loop, &other);
	run();
	check("two_watchers_of_one_descriptor", calls == 2 && got == (EV_READ | EV_WRITE));

	/* The number is another file when it comes back. */
	ev_io_init(&io, on_io, pair[0], EV_READ);
	ev_io_start(loop, &io);
	ev_run(loop, EVRUN_NOWAIT);
	ev_io_stop(loop, &io);
	close(pair[0]);
	close(pair[1]);
	if (pipe(pair) != 0)
		return 1;
	check("sent_again", write(pair[1], "x", 1) == 1);
	ev_io_init(&io, on_io, pair[0], EV_READ);
	ev_io_start(loop, &io);
	run();
	check("a_number_that_came_back", calls == 1 && got == EV_READ);

	close(pair[1]);
	ev_io_init(&io, on_io, pair[0], EV_READ);
	ev_io_start(loop, &io);
	run();
	check("hang_up", calls == 1 && (got & (EV_READ | 0x1000)) == (EV_READ | 0x1000));

	calls = 0;
	for (i = 0; i < MANY; i++) {
		if (pipe2(pairs[i], O_CLOEXEC) != 0 || write(pairs[i][1], "x", 1) != 1)
			break;
		ev_io_init(&many[i], on_io, pairs[i][0], EV_READ);
		ev_io_start(loop, &many[i]);
	}
	run();
	check("many", calls == i && i >= 100);

	ev_timer_init(&timer, on_timer, 0.002, 0.002);
	ev_timer_start(loop, &timer);
	run();
	check("timer", calls == 5);

	ev_async_init(&async, on_async);
	ev_async_start(loop, &async);
	pthread_create(&thread, NULL, send_async, &async);
	run();
	pthread_join(thread, NULL);
	check("async", calls == 1);

	ev_signal_init(&sig, on_signal, SIGUSR1);
	ev_signal_start(loop, &sig);
	raise(SIGUSR1);
	run();
	check("signal", calls == 1);

	/* A child makes its own port and closes the inherited one; the parent's goes on. */
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return 1;
	ev_io_init(&io, on_io, pair[0], EV_READ);
	ev_io_start(loop, &io);
	ev_run(loop, EVRUN_NOWAIT);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		ev_loop_fork(loop);
		if (write(pair[1], "c", 1) != 1)
			_exit(1);
		run();
		_exit(calls == 1 && got == EV_READ ? 0 : 2);
	}
	check("fork_in_the_child", waitpid(child, &status, 0) == child && status == 0);
	check("sent_by_the_parent", write(pair[1], "p", 1) == 1);
	run();
	check("fork_in_the_parent", calls == 1 && got == EV_READ);
	puts("done");
	return 0;
}
