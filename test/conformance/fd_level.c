/* Section 4: what is ready, and with which bits. */
#include "harness.h"

#include <netinet/in.h>
#if defined(__linux__)
#include <sys/eventfd.h>
#endif

static void watch(int port, int fd, int events, void *user)
{
	OK(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd, events, user));
}

static int bits(int port, int fd)
{
	port_event_t pe = take_wait(port);
	EQ(pe.portev_source, PORT_SOURCE_FD);
	EQ(pe.portev_object, (uintptr_t)fd);
	return pe.portev_events;
}

CASE("4.5", "what_is_ready_when_associated_is_queued_before_the_return")
{
	int port = new_port(), fd[2];
	port_event_t pe;
	new_pipe(fd);
	write_byte(fd[1]);
	watch(port, fd[0], POLLIN, USER(1));
	EQ(queued(port), 1);
	EQ(poll_now(port, POLLIN), POLLIN);
	OK(port_get(port, &pe, NOWAIT));
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(1));
	watch(port, fd[0], POLLIN, USER(2)); /* still ready: at once again */
	OK(port_get(port, &pe, NOWAIT));
	EVENT(&pe, PORT_SOURCE_FD, fd[0], POLLIN, USER(2));
}

CASE("4.6 4.9", "bits_are_what_is_ready_of_what_was_asked")
{
	int port = new_port(), sv[2];
	new_socketpair(sv);
	watch(port, sv[0], POLLIN | POLLOUT, NULL);
	EQ(bits(port, sv[0]), POLLOUT); /* nothing to read: POLLIN would be untrue */
	write_byte(sv[1]);
	watch(port, sv[0], POLLIN | POLLOUT, NULL);
	EQ(bits(port, sv[0]), POLLIN | POLLOUT); /* the whole level */
	watch(port, sv[0], POLLIN, NULL);
	EQ(bits(port, sv[0]), POLLIN);
	watch(port, sv[0], POLLIN | POLLRDNORM, NULL);
	EQ(bits(port, sv[0]), POLLIN | POLLRDNORM);
	watch(port, sv[0], POLLPRI, NULL);
	EMPTY(port);
	fill(sv[0]);
	watch(port, sv[0], POLLOUT, NULL);
	EMPTY(port);
	watch(port, sv[0], POLLIN | POLLOUT, NULL);
	EQ(bits(port, sv[0]), POLLIN);
}

CASE("4.9 4.6", "a_later_wake_up_delivers_only_true_bits")
{
	int port = new_port(), sv[2];
	new_socketpair(sv);
	fill(sv[0]);
	watch(port, sv[0], POLLIN | POLLOUT, NULL);
	EMPTY(port);
	write_byte(sv[1]);
	EQ(bits(port, sv[0]), POLLIN);
}

#if defined(__linux__)
/* An eventfd tells its waiters of the first name only. */
CASE("4.6 4.9 4.5", "each_name_of_readable_and_writable_is_told")
{
	int port = new_port(), fd = track(eventfd(0, EFD_NONBLOCK));
	uint64_t count = UINT64_MAX - 1;
	watch(port, fd, POLLRDNORM, NULL);
	EMPTY(port);
	EQ(write(fd, &count, sizeof(count)), sizeof(count)); /* full: a write would block */
	EQ(bits(port, fd), POLLRDNORM);
	watch(port, fd, POLLWRNORM, NULL);
	EMPTY(port);
	EQ(read(fd, &count, sizeof(count)), sizeof(count));
	EQ(bits(port, fd), POLLWRNORM);
	watch(port, fd, POLLOUT | POLLIN, NULL);
	EQ(bits(port, fd), POLLOUT);
}
#endif

CASE("4.8 15.15", "hang_up_is_delivered_unasked")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	watch(port, fd[0], POLLIN, NULL);
	EMPTY(port);
	close_fd(fd[1]);
	TRUE((bits(port, fd[0]) & POLLHUP) != 0);
	/* holding already when associated, whatever is asked for */
	watch(port, fd[0], 0, NULL);
	EQ(bits(port, fd[0]), POLLHUP);
	watch(port, fd[0], POLLPRI, NULL);
	EQ(bits(port, fd[0]), POLLHUP);
}

CASE("4.8 15.15", "an_error_is_delivered_unasked")
{
	int port = new_port(), fd[2];
	port_event_t pe;
	new_pipe(fd);
	fill(fd[1]);
	watch(port, fd[1], 0, NULL);
	EMPTY(port);
	close_fd(fd[0]);
	TRUE((bits(port, fd[1]) & (POLLERR | POLLHUP)) != 0);
	watch(port, fd[1], POLLIN, USER(1)); /* only POLLIN asked */
	OK(port_get(port, &pe, NOWAIT));
	TRUE((pe.portev_events & (POLLERR | POLLHUP)) != 0);
	EQ(pe.portev_user, USER(1));
}

CASE("4.7 4.17", "poll_nval_is_never_delivered_nor_an_empty_event")
{
	int port = new_port(), fd[2];
	new_pipe(fd);
	watch(port, fd[0], POLLNVAL, NULL);
	write_byte(fd[1]);
	EMPTY(port);
	watch(port, fd[0], POLLNVAL | POLLIN, NULL);
	EQ(bits(port, fd[0]), POLLIN);
	watch(port, fd[0], POLLERR | POLLHUP, NULL);
	EMPTY(port);
}

CASE("4.7 14.1.14", "bits_that_were_not_asked_for_give_no_event")
{
	int port = new_port(), sv[2];
	new_socketpair(sv);
	watch(port, sv[0], POLLPRI, NULL);
	write_byte(sv[1]);
	EMPTY(port);
	OK(shutdown(sv[1], SHUT_WR)); /* RDHUP and IN, not HUP */
	EMPTY(port);
	watch(port, sv[0], POLLIN, NULL);
	EQ(bits(port, sv[0]), POLLIN);
#if defined(POLLRDHUP)
	watch(port, sv[0], POLLRDHUP, NULL);
	EQ(bits(port, sv[0]), POLLRDHUP);
#endif
}

CASE("4.10", "a_spurious_event_is_allowed_and_leaves_a_usable_association")
{
	int port = new_port(), fd[2];
	port_event_t list[2];
	new_pipe(fd);
	watch(port, fd[0], POLLIN, NULL);
	write_byte(fd[1]);
	read_byte(fd[0]);
	TRUE(take_all(port, list, 2) <= 1);
	watch(port, fd[0], POLLIN, USER(1));
	EMPTY(port);
	write_byte(fd[1]);
	EQ(bits(port, fd[0]), POLLIN);
}

static void always_ready(int fd)
{
	static const struct {
		int asked;
		int want;
	} rows[] = { { POLLIN, POLLIN }, { POLLOUT, POLLOUT },
		{ POLLIN | POLLOUT, POLLIN | POLLOUT }, { POLLRDNORM, POLLRDNORM },
		{ POLLRDBAND, POLLRDBAND }, { POLLWRBAND, POLLWRBAND },
		{ POLLIN | POLLRDNORM | POLLRDBAND | POLLOUT | POLLWRBAND,
		    POLLIN | POLLRDNORM | POLLRDBAND | POLLOUT | POLLWRBAND },
		{ POLLIN | POLLPRI, POLLIN }, { POLLPRI, 0 }, { 0, 0 },
		{ POLLERR | POLLHUP, 0 } };
	int port = new_port();
	size_t i;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		port_event_t pe;
		watch(port, fd, rows[i].asked, USER(i));
		if (rows[i].want != 0) {
			pe = take(port);
			EVENT(&pe, PORT_SOURCE_FD, fd, rows[i].want, USER(i));
		}
		EMPTY(port); /* one shot */
		SLOTS(port, 1);
	}
}

CASE("4.16 14.1.6", "regular_files_are_always_ready")
{
	always_ready(new_file());
}

CASE("4.16 14.1.6", "directories_are_always_ready")
{
	always_ready(new_directory());
}

#if defined(__linux__)
CASE("4.16 14.1.15", "descriptors_without_poll_are_always_ready")
{
	always_ready(track(open("/dev/zero", O_RDWR)));
}

CASE("4.17 14.1.7", "a_path_descriptor_is_ebadfd")
{
	int port = new_port(), fd = track(open("/tmp", O_PATH));
	FAILS(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd, POLLIN, NULL), EBADFD);
	SLOTS(port, 0);
}
#endif

#if defined(POLLET)
CASE("4.16 2.2.1 4.20", "edge_triggered_on_a_regular_file_is_eperm")
{
	int port = new_port();
	FAILS(port_associate(port, PORT_SOURCE_FD, (uintptr_t)new_file(),
		  POLLIN | POLLET, NULL), EPERM);
	EMPTY(port);
}
#endif

CASE("4.3 15.16", "tcp_connect_gives_out_then_the_listener_gives_in")
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int port = new_port(), listener, client;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = track(socket(AF_INET, SOCK_STREAM, 0));
	OK(bind(listener, (struct sockaddr *)&address, sizeof(address)));
	OK(listen(listener, 1));
	OK(getsockname(listener, (struct sockaddr *)&address, &length));
	client = track(socket(AF_INET, SOCK_STREAM, 0));
	OK(fcntl(client, F_SETFL, O_NONBLOCK));
	if (connect(client, (struct sockaddr *)&address, sizeof(address)) != 0)
		EQ(errno, EINPROGRESS);
	watch(port, client, POLLOUT, USER(1));
	EQ(bits(port, client), POLLOUT);
	watch(port, listener, POLLIN, USER(2));
	TRUE((bits(port, listener) & POLLIN) != 0);
	watch(port, client, POLLIN, USER(3));
	EMPTY(port);
	{
		int served = track(accept(listener, NULL, NULL));
		write_byte(served);
		EQ(bits(port, client), POLLIN);
		close_fd(served);
	}
	read_byte(client);
	watch(port, client, POLLIN, NULL);
	TRUE((bits(port, client) & POLLIN) != 0); /* end of file */
}

/* More than are asked of the kernel at once (Port::COLLECT_MAX). */
enum { MANY = 600 };

static int port_of_many(int fd[MANY])
{
	int port = new_port(), i;
	for (i = 0; i < MANY; i += 2) {
		new_pipe(fd + i);
		write_byte(fd[i + 1]);
	}
	for (i = 0; i < MANY; i++)
		watch(port, fd[i], POLLIN | POLLOUT, NULL);
	return port;
}

CASE("4.5 2.5.3 2.5.6 2.5.8", "however_many_are_ready_all_are_queued")
{
	static port_event_t list[MANY + 1];
	static int fd[MANY];
	uint_t wanted[] = { 1, MANY - 1, MANY }, n;
	int i, j, port = port_of_many(fd);
	EQ(queued(port), MANY);
	for (i = 0; i < 6; i++) {
		for (j = 0; j < MANY; j++)
			watch(port, fd[j], POLLIN | POLLOUT, NULL);
		n = wanted[i / 2];
		OK(port_getn(port, list, MANY + 1, &n, i % 2 ? NOWAIT : NULL));
		EQ(n, MANY);
		EMPTY(port);
	}
}

CASE("4.5 3.1", "a_send_comes_after_however_many_that_were_ready_before_it")
{
	static port_event_t list[MANY + 1];
	static int fd[MANY];
	uint_t n = MANY + 1;
	int port = port_of_many(fd);
	OK(port_send(port, 1, NULL));
	OK(port_getn(port, list, MANY + 1, &n, NULL));
	EQ(n, MANY + 1);
	EQ(list[MANY].portev_source, PORT_SOURCE_USER);
}

CASE("4.5 3.1 14.1.1", "a_send_comes_after_what_was_ready_also_where_one_was_retrieved_before_it")
{
	static port_event_t list[MANY];
	static int fd[MANY];
	uint_t n = MANY;
	int port = port_of_many(fd);
	(void)take(port);
	OK(port_send(port, 1, NULL));
	OK(port_getn(port, list, MANY, &n, NULL));
	EQ(n, MANY);
	EQ(list[MANY - 1].portev_source, PORT_SOURCE_USER);
}
