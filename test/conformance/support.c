/* Descriptors of a case, profiles and single-threaded views of a port. */
#include "harness.h"
#include "runner.h"

#include <dirent.h>
#if defined(__linux__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

void deny(unsigned int call, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };
	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	OK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}
#endif

enum { MAX_TRACKED = 4096 };
static struct {
	int fd;
	int is_port;
} tracked[MAX_TRACKED];
static int tracked_count;

static int remember(int fd, int is_port)
{
	TRUE(fd >= 0);
	TRUE(tracked_count < MAX_TRACKED);
	tracked[tracked_count].fd = fd;
	tracked[tracked_count++].is_port = is_port;
	return fd;
}

int track(int fd)
{
	return remember(fd, 0);
}

int track_port(int port)
{
	return remember(port, 1);
}

void untrack(int fd)
{
	int i;
	for (i = tracked_count - 1; i >= 0; i--) {
		if (tracked[i].fd == fd) {
			tracked[i] = tracked[--tracked_count];
			return;
		}
	}
}

void conf_close_tracked(void)
{
	while (tracked_count > 0) {
		int fd = tracked[tracked_count - 1].fd;
		if (tracked[tracked_count - 1].is_port)
			close_port(fd);
		else
			close_fd(fd);
	}
}

int open_fds(void)
{
	int count = 0;
	DIR *dir = opendir("/proc/self/fd");
	TRUE(dir != NULL);
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count - 3; /* ".", ".." and the directory itself */
}

void conf_list_fds(void)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/fd");
	TRUE(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		char path[64], target[256];
		ssize_t length;
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%.20s", entry->d_name);
		length = readlink(path, target, sizeof(target));
		if (length >= 0 && atoi(entry->d_name) != dirfd(dir))
			fprintf(stderr, "\t%s -> %.*s\n", entry->d_name, (int)length, target);
	}
	(void)closedir(dir);
}

int new_port(void)
{
	return track_port(port_create());
}

int new_port_limit(unsigned int limit)
{
	char value[16];
	int port;
	(void)snprintf(value, sizeof(value), "%u", limit);
	OK(setenv("PORT_MAX_EVENTS", value, 1));
	port = new_port();
	OK(unsetenv("PORT_MAX_EVENTS"));
	return port;
}

void new_pipe(int fd[2])
{
	OK(pipe(fd));
	(void)track(fd[0]);
	(void)track(fd[1]);
}

void new_socketpair(int fd[2])
{
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	(void)track(fd[0]);
	(void)track(fd[1]);
}

int new_file(void)
{
	char name[] = "/tmp/conformance.XXXXXX";
	int fd = track(mkstemp(name));
	OK(unlink(name));
	return fd;
}

int new_directory(void)
{
	return track(open("/", O_RDONLY));
}

int closed_fd(void)
{
	int fd = dup(STDERR_FILENO);
	TRUE(fd >= 0);
	OK(close(fd));
	return fd;
}

#if defined(CONF_STATIC)
/* No interposition in a static program: it says so itself. */
void close_port(int port)
{
	untrack(port);
	OK(port_close(port));
}

void close_fd(int fd)
{
	untrack(fd);
	OK(port_fd_close(fd));
	OK(close(fd));
}
#else
void close_port(int port)
{
	untrack(port);
	OK(close(port));
}

void close_fd(int fd)
{
	untrack(fd);
	OK(close(fd));
}
#endif

void raw_close(int fd)
{
	untrack(fd);
#if defined(__linux__)
	OK(syscall(SYS_close, fd));
#else
	OK(close(fd));
#endif
}

void write_byte(int fd)
{
	EQ(write(fd, "x", 1), 1);
}

void read_byte(int fd)
{
	char byte;
	EQ(read(fd, &byte, 1), 1);
}

void fill(int fd)
{
	static const char block[4096];
	int flags = fcntl(fd, F_GETFL);
	TRUE(flags >= 0);
	OK(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
	while (write(fd, block, sizeof(block)) > 0)
		;
	while (write(fd, block, 1) > 0)
		;
	TRUE(errno == EAGAIN || errno == EWOULDBLOCK);
	OK(fcntl(fd, F_SETFL, flags));
}

void use_profile(const char *profile)
{
	if (strcmp(profile, "strict") == 0)
		OK(setenv("PORT_STRICT", "1", 1));
	else
		OK(unsetenv("PORT_STRICT"));
}

int strict_profile(void)
{
	const char *value = getenv("PORT_STRICT");
	return !HAS_DEFAULT_PROFILE || (value != NULL && strcmp(value, "1") == 0);
}

int queued(int port)
{
	unsigned int n = 0;
	OK(port_getn(port, NULL, 0, &n, NULL));
	return (int)n;
}

unsigned int take_all(int port, port_event_t *list, unsigned int max)
{
	unsigned int n = 1;
	OK(port_getn(port, list, max, &n, NOWAIT));
	TRUE(n <= max);
	return n;
}

void empty(const char *file, int line, int port)
{
	port_event_t pe = { 0 };
	unsigned int n = take_all(port, &pe, 1);
	if (n != 0)
		fprintf(stderr, "unexpected {source %d, object 0x%llx, events 0x%x, user %p}\n",
		    pe.portev_source, (unsigned long long)pe.portev_object,
		    (unsigned int)pe.portev_events, pe.portev_user);
	conf_eq(file, line, "events to retrieve", n, 0);
	conf_eq(file, line, "queued", queued(port), 0);
}

port_event_t take(int port)
{
	port_event_t pe;
	unsigned int n = 1;
	memset(&pe, 0xff, sizeof(pe));
	OK(port_getn(port, &pe, 1, &n, NOWAIT));
	EQ(n, 1);
	return pe;
}

port_event_t take_wait(int port)
{
	port_event_t pe;
	memset(&pe, 0xff, sizeof(pe));
	OK(port_get(port, &pe, NULL));
	return pe;
}

void send_range(int port, int first, int last)
{
	int i;
	for (i = first; i <= last; i++)
		OK(port_send(port, i, USER(i)));
}

int slots(int port)
{
#if defined(__linux__)
	port_info_t info = { .pi_size = sizeof(info) };
	OK(port_getinfo(port, &info));
	return (int)info.pi_slots;
#else
	(void)port;
	return -1;
#endif
}

int poll_now(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = (short)events };
	int n = poll(&p, 1, 0);
	TRUE(n >= 0);
	return p.revents;
}

void tick(void)
{
	(void)nanosleep(TS(0, 200000), NULL);
}

double monotonic(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
