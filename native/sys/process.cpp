#include "sys/process.hpp"

#include "sys/fd.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

uint32_t environment_number(const char* name, uint32_t least, uint32_t most, uint32_t otherwise) {
	const char* text = getenv(name);
	if (!text || *text < '0' || *text > '9') return otherwise;
	char* end = nullptr;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno != 0 || *end != 0 || value < least || value > most) return otherwise;
	return static_cast<uint32_t>(value);
}

bool environment_is(const char* name, const char* value) {
	const char* text = getenv(name);
	return text && strcmp(text, value) == 0;
}

bool uring_disabled() {
	int fd = open_raw("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
	char value = '0';
	bool set = fd >= 0 && syscall(SYS_read, fd, &value, 1) == 1 && value != '0';
	if (fd >= 0) close_raw(fd);
	return set;
}

uint32_t user_id() { return getuid(); }
uint32_t group_id() { return getgid(); }

uint64_t realtime_ns() {
	timespec now{};
	clock_gettime(CLOCK_REALTIME, &now);
	return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t pid_space() {
	struct stat space{};
	return stat("/proc/self/ns/pid", &space) == 0 ? space.st_ino : 0;
}

int32_t process_id() { return static_cast<int32_t>(syscall(SYS_getpid)); }

uint64_t start_time_of(int32_t pid, bool* zombie, uint32_t* threads) {
	char path[32];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	int fd = open_raw(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return 0;
	char text[1024];
	ssize_t n = syscall(SYS_read, fd, text, sizeof text - 1);
	close_raw(fd);
	if (n <= 0) return 0;
	text[n] = 0;
	// Counted behind the command name, which may hold anything: state, threads, start.
	char* at = strrchr(text, ')');
	bool ended = at && at[1] && (at[2] == 'Z' || at[2] == 'X');
	for (int field = 2; at && field < 20; field++) at = strchr(at + 1, ' ');
	// A main thread that has ended looks the same while others go on.
	if (threads) *threads = at ? static_cast<uint32_t>(strtoul(at, nullptr, 10)) : 0;
	if (zombie) *zombie = ended && at && strtoull(at, nullptr, 10) <= 1;
	for (int field = 20; at && field < 22; field++) at = strchr(at + 1, ' ');
	return at ? strtoull(at, nullptr, 10) : 0;
}

UniqueFd process_handle(int32_t pid) {
	return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

UniqueFd descriptor_of(int process, int fd) {
	return UniqueFd(static_cast<int>(syscall(SYS_pidfd_getfd, process, fd, 0)));
}

int same_open_file(int32_t pid, int fd) {
	long order = syscall(SYS_kcmp, pid, static_cast<pid_t>(syscall(SYS_getpid)), KCMP_FILE, fd, fd);
	if (order >= 0) return order == 0;
	return errno == ESRCH || errno == EBADF ? 0 : -1;
}

bool thread_gone(int32_t pid, uint32_t tid) {
	// EINVAL: nothing has such an id.
	return syscall(SYS_tgkill, pid, static_cast<pid_t>(tid), 0) != 0 && (errno == ESRCH || errno == EINVAL);
}

bool thread_stopped(int32_t pid, uint32_t tid) {
	char path[48];
	snprintf(path, sizeof path, "/proc/%d/task/%u/stat", pid, tid);
	UniqueFd file(open_raw(path, O_RDONLY | O_CLOEXEC));
	char text[512];
	ssize_t n = file.get() < 0 ? 0 : syscall(SYS_read, file.get(), text, sizeof text - 1);
	if (n <= 0) return true;
	text[n] = 0;
	const char* at = strrchr(text, ')'); // behind the command name
	return !at || !at[1] || at[2] == 'T' || at[2] == 't';
}

namespace {

// How many namespaces deep it lives, as this /proc sees it; 0: unknown.
int pid_depth(const char* status) {
	char text[4096];
	UniqueFd file(open_raw(status, O_RDONLY | O_CLOEXEC));
	ssize_t n = file.get() < 0 ? 0 : syscall(SYS_read, file.get(), text, sizeof text - 1);
	if (n <= 0) return 0;
	text[n] = 0;
	const char* at = strstr(text, "\nNSpid:");
	int depth = 0;
	for (at = at ? at + 7 : ""; *at == '\t'; at += 1 + strspn(at + 1, "0123456789")) depth++;
	return depth;
}

} // namespace

bool shares_pid_space(int32_t pid) {
	char path[32];
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	int depth = pid_depth(path);
	return depth != 0 && depth == pid_depth("/proc/self/status");
}

bool process_dead(int32_t pid, uint64_t start_time) {
	if (pid <= 0) return true;
	UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
	if (process.get() < 0 && kill(pid, 0) != 0 && errno == ESRCH) return true;
	bool zombie = false;
	uint64_t started = start_time_of(pid, &zombie);
	if (started != 0 && started != start_time) return true; // another's by now
	if (process.get() < 0) return zombie; // before Linux 5.3, or refused by a filter
	pollfd ended{process.get(), POLLIN, 0};
	timespec now{};
	return syscall(SYS_ppoll, &ended, 1, &now, nullptr, 8) == 1;
}

} // namespace evp::sys
