/*
 * What programs written for event ports lean on without saying so: servers that
 * fork workers, event loops with a sentinel in their list, batches of thousands.
 */
#include "harness.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

/* A child's assertions end its process; the parent expects success. */
static void join(pid_t child)
{
	int status;
	TRUE(child > 0);
	EQ(waitpid(child, &status, 0), child);
	TRUE(WIFEXITED(status));
	EQ(WEXITSTATUS(status), 0);
}

static int new_listener(struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);
	int fd = track(socket(AF_INET, SOCK_STREAM, 0));
	memset(address, 0, sizeof(*address));
	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	OK(bind(fd, (struct sockaddr *)address, sizeof(*address)));
	OK(listen(fd, 16));
	OK(getsockname(fd, (struct sockaddr *)address, &length));
	OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	return fd;
}

static int new_client(const struct sockaddr_in *address)
{
	int fd = track(socket(AF_INET, SOCK_STREAM, 0));
	OK(connect(fd, (const struct sockaddr *)address, sizeof(*address)));
	return fd;
}

static void watch(int port, int fd, int events, void *user)
{
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd, events, user));
}

static void no_event_ignored(int signal) { (void)signal; }

/* libev and libuv look at list[0] to learn whether the call stored anything. */
CASE("2.5.11 2.5.8 2.5.12", "nothing_is_written_to_the_list_when_there_is_no_event")
{
	enum { ROOM = 8 };
	port_event_t list[ROOM], before[ROOM];
	struct sigaction action;
	int port = new_port(), gone = closed_fd();
	unsigned int n;
	memset(list, 0x5a, sizeof(list));
	memcpy(before, list, sizeof(list));
	n = 1;
	OK(port_getn(port, list, ROOM, &n, NOWAIT));
	EQ(n, 0);
	n = 3;
	FAILS(port_getn(port, list, ROOM, &n, MS(1)), ETIME);
	EQ(n, 0);
	n = 0;
	OK(port_getn(port, list, ROOM, &n, NULL));
	n = ROOM + 1;
	FAILS(port_getn(port, list, ROOM, &n, NULL), EINVAL);
	n = 1;
	FAILS(port_getn(port, list, ROOM, &n, BAD_TIMEOUT), EINVAL);
	FAILS(port_getn(gone, list, ROOM, &n, NULL), EBADF);
	FAILS(port_getn(STDERR_FILENO, list, ROOM, &n, NULL), EBADFD);
	memset(&action, 0, sizeof(action));
	action.sa_handler = no_event_ignored;
	OK(sigaction(SIGALRM, &action, NULL));
	OK(setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 1000 }, { 0, 1000 } }, NULL));
	FAILS(port_getn(port, list, ROOM, &n, NULL), EINTR);
	EQ(n, 1);
	FAILS(port_get(port, list, NULL), EINTR);
	OK(setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 0 } }, NULL));
	FAILS(port_get(port, list, MS(1)), ETIME);
	EQ(memcmp(list, before, sizeof(list)), 0);
	/* One event: the rest stays as it was. */
	OK(port_send(port, 1, NULL));
	n = 1;
	OK(port_getn(port, list, ROOM, &n, NULL));
	EQ(n, 1);
	EQ(memcmp(list + 1, before + 1, (ROOM - 1) * sizeof(*list)), 0);
}

/* A master keeps the listening socket that its worker closes. */
CASE("4.13 11.5 11.7", "a_worker_closes_the_listening_socket_and_the_master_goes_on")
{
	struct sockaddr_in address;
	int port = new_port(), listener = new_listener(&address), ready[2], go[2];
	port_event_t pe;
	pid_t worker;
	new_pipe(ready);
	new_pipe(go);
	watch(port, listener, POLLIN, USER(1));
	worker = fork();
	if (worker == 0) {
		int own = new_port();
		watch(own, listener, POLLIN, USER(2));
		OK(close(listener));
		write_byte(ready[1]);
		read_byte(go[0]); /* a connection waits at the listener by now */
		EMPTY(own);
		_exit(0);
	}
	read_byte(ready[0]);
	(void)new_client(&address);
	EQ(poll_now(listener, POLLIN), POLLIN);
	write_byte(go[1]);
	join(worker);
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_FD, listener, POLLIN, USER(1));
	watch(port, listener, POLLIN, USER(3));
	pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_FD, listener, POLLIN, USER(3));
}

/* The number of the socket that a worker closed is a connection of its own next. */
CASE("4.13 4.14", "a_worker_reuses_the_number_of_the_socket_it_closed")
{
	struct sockaddr_in address;
	int listener = new_listener(&address);
	pid_t worker;
	(void)new_client(&address);
	worker = fork();
	if (worker == 0) {
		int own = new_port(), pair[2];
		port_event_t pe;
		new_pipe(pair);
		watch(own, listener, POLLIN, USER(1)); /* ready at once */
		EQ(dup2(pair[0], listener), listener);
		EMPTY(own);
		watch(own, listener, POLLIN, USER(2));
		EMPTY(own);
		write_byte(pair[1]);
		pe = take_wait(own);
		EVENT(&pe, PORT_SOURCE_FD, listener, POLLIN, USER(2));
		EMPTY(own);
		_exit(0);
	}
	join(worker);
}

enum { WORKERS = 4, CONNECTIONS = 40 };

static void serve(int listener, int stop)
{
	int port = new_port();
	watch(port, listener, POLLIN, USER(1));
	watch(port, stop, POLLIN, USER(2));
	for (;;) {
		port_event_t list[16];
		unsigned int n = 1, i;
		OK(port_getn(port, list, 16, &n, NULL));
		for (i = 0; i < n; i++) {
			int fd = (int)list[i].portev_object;
			if (list[i].portev_user == USER(2))
				_exit(0);
			if (list[i].portev_user == USER(1)) {
				int accepted = accept(listener, NULL, NULL);
				TRUE(accepted >= 0 || errno == EAGAIN);
				if (accepted >= 0)
					watch(port, accepted, POLLIN, USER(3));
				watch(port, listener, POLLIN, USER(1));
			} else { /* close takes the association with it */
				char byte;
				EQ(read(fd, &byte, 1), 1);
				EQ(write(fd, &byte, 1), 1);
				OK(close(fd));
			}
		}
	}
}

/* Workers that share a listener, each with a port made after the fork. */
CASE("4.1 4.2 4.3 4.13", "prefork_workers_share_a_listener")
{
	struct sockaddr_in address;
	int listener = new_listener(&address), stop[2], i;
	pid_t workers[WORKERS];
	new_pipe(stop);
	for (i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		if (workers[i] == 0)
			serve(listener, stop[0]);
	}
	for (i = 0; i < CONNECTIONS; i++) {
		int client = new_client(&address);
		write_byte(client);
		read_byte(client); /* some worker answers */
	}
	write_byte(stop[1]); /* level: every worker sees it */
	for (i = 0; i < WORKERS; i++)
		join(workers[i]);
}

CASE("2.1.1 2.10.7 11.4", "a_port_made_in_a_child_beside_the_parents_in_use")
{
	int port = new_port(), fd[2];
	struct waiter w;
	port_event_t pe;
	pid_t child;
	new_pipe(fd);
	watch(port, fd[0], POLLIN, USER(1));
	waiter_start(&w, port, 1, NULL, 1);
	child = fork();
	if (child == 0) {
		int own, round;
		port_event_t mine;
		close_port(port); /* the parent's: not ours to keep */
		own = port_create();
		EQ(own, port); /* the lowest free number */
		for (round = 0; round < 100; round++) {
			watch(own, fd[0], POLLIN, USER(round));
			EMPTY(own);
			OK(port_send(own, round, USER(2)));
			mine = take(own);
			EVENT(&mine, PORT_SOURCE_USER, 0, round, USER(2));
		}
		_exit(0);
	}
	join(child);
	TRUE(!waiter_done(&w));
	write_byte(fd[1]);
	waiter_join(&w);
	EQ(w.nget, 1);
	pe = w.list[0];
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(1));
	EMPTY(port);
}

enum { BATCH = 4096 };

CASE("2.5.6 2.5.14", "thousands_of_messages_in_one_getn")
{
	static port_event_t list[BATCH];
	int port = new_port(), i;
	unsigned int n = BATCH;
	send_range(port, 0, BATCH + 9);
	OK(port_getn(port, list, BATCH, &n, NULL));
	EQ(n, BATCH);
	for (i = 0; i < BATCH; i++)
		EVENT(&list[i], PORT_SOURCE_USER, 0, i, USER(i));
	EQ(queued(port), 10);
}

CASE("2.5.6 2.5.14 4.5", "thousands_of_descriptors_in_one_getn")
{
	static port_event_t list[BATCH];
	static int fds[BATCH];
	int port, i, wanted = BATCH;
	struct rlimit limit;
	unsigned int n;
	OK(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	if (limit.rlim_max < BATCH + 64)
		wanted = (int)limit.rlim_max - 64;
	port = new_port();
	for (i = 0; i < wanted; i++) {
		fds[i] = socket(AF_UNIX, SOCK_DGRAM, 0); /* one that can be written to */
		TRUE(fds[i] >= 0);
		watch(port, fds[i], POLLOUT, USER(i));
	}
	n = (unsigned int)wanted;
	OK(port_getn(port, list, BATCH, &n, NULL));
	EQ(n, wanted);
	for (i = 0; i < wanted; i++) {
		uintptr_t at = (uintptr_t)list[i].portev_user;
		TRUE(at < (uintptr_t)wanted);
		EVENT(&list[i], PORT_SOURCE_FD, fds[at], POLLOUT, USER(at));
		close_fd(fds[at]);
		fds[at] = -1; /* the same event twice would be seen */
	}
	EMPTY(port);
}

/* Threads asleep in a port don't look now and then whether something came. */
CASE("3.18 2.5.7", "an_idle_process_does_not_wake")
{
	enum { THREADS = 4 };
	struct waiter w[THREADS];
	int port = new_port(), fd[2], i;
	new_pipe(fd);
	watch(port, fd[0], POLLIN, USER(1));
	for (i = 0; i < THREADS; i++)
		waiter_start(&w[i], port, 1, NULL, i + 1);
	(void)nanosleep(MS(500), NULL);
	OK(port_alert(port, PORT_ALERT_SET, 1, NULL));
	for (i = 0; i < THREADS; i++) {
		waiter_join(&w[i]);
		TRUE(w[i].sleeps <= 8); /* one, and those for locks as it came and went */
	}
}
