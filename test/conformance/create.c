/* 2.1 port_create. */
#include "harness.h"

#include <sys/resource.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

static rlim_t limit_descriptors(rlim_t now)
{
	struct rlimit limit;
	rlim_t before;
	OK(getrlimit(RLIMIT_NOFILE, &limit));
	before = limit.rlim_cur;
	limit.rlim_cur = now;
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	return before;
}

static int lowest_free(void)
{
	return closed_fd();
}

CASE("2.1.1", "returns_the_lowest_free_descriptor")
{
	int gap[2], low, port, second;
	new_pipe(gap);
	low = gap[0];
	EQ(new_port() > gap[1], 1);
	close_fd(low);
	EQ(lowest_free(), low);
	port = new_port();
	EQ(port, low);
	low = lowest_free();
	second = new_port();
	EQ(second, low);
}

CASE("2.1.1", "close_on_exec_is_clear")
{
	int flags = fcntl(new_port(), F_GETFD);
	TRUE(flags >= 0);
	EQ(flags & FD_CLOEXEC, 0);
}

CASE("2.1.1 3.1", "a_new_port_is_empty_and_apart_from_others")
{
	int a = new_port(), b = new_port();
	port_event_t pe;
	TRUE(a != b);
	EMPTY(a);
	OK(port_send(a, 1, USER(1)));
	EMPTY(b);
	OK(port_alert(b, PORT_ALERT_SET, 2, USER(2)));
	pe = take(a);
	EVENT(&pe, PORT_SOURCE_USER, 0, 1, USER(1));
	EMPTY(a);
}

/* However many descriptors a port costs inside: every shortage is EMFILE,
 * nothing stays behind, and with enough of them the call succeeds. */
CASE("2.1.2 2.12", "descriptor_table_full_is_emfile")
{
	int base = open_fds(), spare, port = -1;
	rlim_t before;
	for (spare = 0; port < 0; spare++) {
		TRUE(spare < 32);
		before = limit_descriptors((rlim_t)(lowest_free() + spare));
		errno = 0;
		port = port_create();
		if (port < 0)
			EQ(errno, EMFILE);
		(void)limit_descriptors(before);
		if (port < 0)
			EQ(open_fds(), base);
	}
	TRUE(spare > 1);
	(void)track_port(port);
	OK(port_send(port, 1, NULL));
	EQ(queued(port), 1);
}

#if defined(__linux__)
CASE("2.1.2 2.12", "a_port_that_the_kernel_will_register_nothing_in_is_eagain")
{
	int base = open_fds();
	deny(SYS_epoll_ctl, ENOSPC); /* fs.epoll.max_user_watches is reached */
	FAILS(port_create(), EAGAIN);
	EQ(open_fds(), base);
}
#endif

/* Its memory is a file: beyond the limit of file sizes an error, no signal. */
CASE("2.1.2 2.12", "a_small_limit_of_file_sizes_is_enomem")
{
	struct rlimit limit, tight;
	int base = open_fds();
	OK(getrlimit(RLIMIT_FSIZE, &limit));
	tight = limit;
	tight.rlim_cur = 1 << 20;
	OK(setrlimit(RLIMIT_FSIZE, &tight));
	FAILS(port_create(), ENOMEM);
	OK(setrlimit(RLIMIT_FSIZE, &limit));
	EQ(open_fds(), base);
	EMPTY(new_port());
}

CASE("2.1.2 2.1.5 12.1 12.7", "one_port_more_than_the_limit_is_eagain")
{
	int a, b, i;
	OK(setenv("PORT_MAX_PORTS", "2", 1));
	a = new_port();
	b = new_port();
	i = open_fds();
	FAILS(port_create(), EAGAIN);
	FAILS(port_create(), EAGAIN);
	EQ(open_fds(), i);
	close_port(a);
	a = new_port();
	FAILS(port_create(), EAGAIN);
	OK(port_send(a, 1, NULL));
	EMPTY(b);
}

CASE("12.1 12.7", "a_number_of_ports_that_is_none_is_the_default")
{
	const char *none[] = { "0", "65537", "many" };
	for (int i = 0; i < 3; i++) {
		OK(setenv("PORT_MAX_PORTS", none[i], 1));
		EMPTY(new_port());
	}
}

CASE("2.1.2", "the_count_of_ports_is_tested_before_the_descriptor_table")
{
	rlim_t before;
	OK(setenv("PORT_MAX_PORTS", "1", 1));
	(void)new_port();
	before = limit_descriptors((rlim_t)lowest_free());
	FAILS(port_create(), EAGAIN);
	(void)limit_descriptors(before);
}

CASE("2.1.3 12.7", "the_event_limit_is_a_snapshot")
{
	int port = new_port_limit(3), later;
	OK(setenv("PORT_MAX_EVENTS", "1", 1));
	send_range(port, 1, 3);
	FAILS(port_send(port, 4, NULL), EAGAIN);
	later = new_port();
	send_range(later, 1, 1);
	FAILS(port_send(later, 2, NULL), EAGAIN);
	OK(setenv("PORT_MAX_EVENTS", "100", 1));
	FAILS(port_send(port, 4, NULL), EAGAIN);
	FAILS(port_send(later, 2, NULL), EAGAIN);
}

#if defined(__linux__)
CASE("2.1.4 2.10.4", "getinfo_tells_creator_and_time")
{
	struct timespec before, after;
	port_info_t info = { .pi_size = sizeof(info) };
	int port;
	OK(clock_gettime(CLOCK_REALTIME, &before));
	port = new_port();
	OK(clock_gettime(CLOCK_REALTIME, &after));
	OK(port_getinfo(port, &info));
	EQ(info.pi_uid, geteuid());
	EQ(info.pi_gid, getegid());
	/* stamps may come from the coarse clock: whole seconds are compared */
	TRUE(info.pi_created.tv_sec >= before.tv_sec - 1);
	TRUE(info.pi_created.tv_sec <= after.tv_sec);
	EQ(info.pi_ports, 1);
	EQ(info.pi_members, 1);
	EQ(info.pi_queued, 0);
	send_range(port, 1, 2);
	OK(port_getinfo(port, &info));
	EQ(info.pi_queued, 2);
	info.pi_size = 0;
	FAILS(port_getinfo(port, &info), EINVAL);
	info.pi_size = 1;
	FAILS(port_getinfo(port, &info), EINVAL);
}

CASE("2.1.1 2.1.3", "create_limit_sets_limit_and_close_on_exec")
{
	int port = track_port(port_create_limit(2, 1));
	port_info_t info = { .pi_size = sizeof(info) };
	EQ(fcntl(port, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	OK(port_getinfo(port, &info));
	EQ(info.pi_limit, 2);
	send_range(port, 1, 2);
	FAILS(port_send(port, 3, NULL), EAGAIN);
	port = track_port(port_create_limit(0, 0));
	EQ(fcntl(port, F_GETFD) & FD_CLOEXEC, 0);
	OK(port_getinfo(port, &info));
	EQ(info.pi_limit, 65536);
	FAILS(port_create_limit(0x80000000U, 0), EINVAL);
	FAILS(port_create_limit(UINT_MAX, 1), EINVAL);
}
#endif
