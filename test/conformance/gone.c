/*
 * 2.11.6, 12.3, 10.2: a process that exits or is killed goes as if it had closed the
 * port, and whoever calls next finds it so. The parent has waited for it: it is gone.
 */
#include "harness.h"

#include <sys/wait.h>

static int rendezvous[2];

/* A child of this case that did `act` and is gone; by SIGKILL or by exit. */
static void gone(int killed, void (*act)(int port, const int *fd), int port, const int *fd)
{
	int status;
	pid_t child;
	new_pipe(rendezvous);
	child = fork();
	TRUE(child >= 0);
	if (child == 0) {
		act(port, fd);
		write_byte(rendezvous[1]);
		while (killed)
			(void)pause();
		_exit(0);
	}
	read_byte(rendezvous[0]);
	if (killed)
		OK(kill(child, SIGKILL));
	EQ(waitpid(child, &status, 0), child);
	EQ(status, killed ? SIGKILL : 0);
	close_fd(rendezvous[0]);
	close_fd(rendezvous[1]);
}

static void associates(int port, const int *fd)
{
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(1)));
}

static void queues(int port, const int *fd)
{
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[1], POLLOUT, USER(1)));
	EQ(queued(port), 1);
}

static void watches(int port, const int *fd)
{
	static file_obj_t object;
	(void)fd;
	object.fo_name = (char *)"/";
	OK(port_associate(port, PORT_SOURCE_FILE, (uintptr_t)&object, FILE_ATTRIB, NULL));
}

static void makes_a_timer(int port, const int *fd)
{
	port_notify_t notify = { port, NULL };
	struct sigevent event;
	timer_t timer;
	(void)fd;
	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_PORT;
	event.sigev_value.sival_ptr = &notify;
	OK(timer_create(CLOCK_REALTIME, &event, &timer));
}

static void alerts(int port, const int *fd)
{
	(void)fd;
	OK(port_alert(port, PORT_ALERT_SET, 7, USER(7)));
}

static void dissociate_own(int port, int fd)
{
	OK(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd));
}

static void receive_own(int port, int fd)
{
	port_event_t pe = take_wait(port);
	EVENT(&pe, PORT_SOURCE_FD, fd, POLLIN, USER(2));
}

/* Not a re-association, which would leave its owner as it was (4.12). */
CASE("2.11.6 4.12 11.3", "associating_what_one_that_is_gone_had_makes_it_ones_own")
{
	int killed, receive;
	for (killed = 0; killed < 2; killed++)
		for (receive = 0; receive < 2; receive++) {
			int port = new_port(), fd[2];
			new_pipe(fd);
			gone(killed, associates, port, fd);
			OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd[0], POLLIN, USER(2)));
			write_byte(fd[1]);
			(receive ? receive_own : dissociate_own)(port, fd[0]);
			close_port(port);
		}
}

CASE("2.11.6 11.2", "an_association_of_one_that_is_gone_is_none")
{
	int killed;
	for (killed = 0; killed < 2; killed++) {
		int port = new_port(), fd[2];
		new_pipe(fd);
		gone(killed, associates, port, fd);
		FAILS(port_dissociate(port, PORT_SOURCE_FD, (uintptr_t)fd[0]), ENOENT);
	}
}

CASE("2.11.6 2.5.3 2.10.1", "events_of_one_that_is_gone_are_not_counted")
{
	int killed;
	for (killed = 0; killed < 2; killed++) {
		int port = new_port(), fd[2];
		new_pipe(fd);
		gone(killed, queues, port, fd);
		EQ(queued(port), 0);
		EQ(poll_now(port, POLLIN), 0);
		SLOTS(port, 0);
	}
}

#if defined(__linux__)
CASE("2.11.6 12.3", "slots_of_one_that_is_gone_are_free")
{
	void (*const acts[])(int, const int *) = { associates, queues, watches, makes_a_timer };
	size_t i;
	int killed;
	for (killed = 0; killed < 2; killed++)
		for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
			int port = new_port_limit(1), fd[2];
			new_pipe(fd);
			gone(killed, acts[i], port, fd);
			OK(port_send(port, 1, NULL));
			close_port(port);
		}
}
#endif

/* EBUSY counts as success for who wakes a reader: it must mean that one is awake. */
CASE("10.2 10.3 2.11.6 2.8.2", "an_alert_of_one_that_is_gone_is_none")
{
	int killed;
	for (killed = 0; killed < 2; killed++) {
		int port = new_port(), fd[2];
		port_event_t pe;
		new_pipe(fd);
		gone(killed, alerts, port, fd);
		OK(port_alert(port, PORT_ALERT_UPDATE, 8, USER(8)));
		pe = take_wait(port);
		EVENT(&pe, PORT_SOURCE_ALERT, 0, 8, USER(8));
		close_port(port);
		port = new_port();
		gone(killed, alerts, port, fd);
		EMPTY(port);
	}
}
