#include "sys/epoll.hpp"

#include "sys/eventfd.hpp"
#include "sys/raw_call.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

static_assert(sizeof(Ready) == sizeof(epoll_event));
static_assert(EPOLL_ONESHOT == EPOLLONESHOT && EPOLL_EDGE == EPOLLET);
static_assert(EPOLL_READABLE == EPOLLIN);

namespace {

int control(int set, int op, int fd, uint32_t events, uint64_t data) {
	Ready event{events, data};
	// Raw: the numbers are the program's, and another thread may close one meanwhile;
	// the kernel has an answer to that, TSan a report.
	return static_cast<int>(-raw_call(SYS_epoll_ctl, set, op, fd, raw_address(&event)));
}

// Raw calls: the libc wrappers are cancellation points.
int wait_raw(int set, Ready* out, int max, int64_t remaining_ns, const uint64_t* mask) {
#ifdef SYS_epoll_pwait2
	static std::atomic<bool> absent{false}; // before Linux 5.11, or refused by a filter
	if (!absent.load(std::memory_order_relaxed)) {
		timespec left{remaining_ns / 1'000'000'000, remaining_ns % 1'000'000'000};
		long n = raw_call(SYS_epoll_pwait2, set, raw_address(out), max,
		                  raw_address(remaining_ns < 0 ? nullptr : &left), raw_address(mask), 8);
		if (n != -ENOSYS && n != -EPERM) return static_cast<int>(n);
		absent.store(true, std::memory_order_relaxed);
	}
#endif
	int64_t ms = remaining_ns < 0 ? -1 : std::min<int64_t>((remaining_ns + 999'999) / 1'000'000,
	                                                       INT32_MAX);
	return static_cast<int>(
	    raw_call(SYS_epoll_pwait, set, raw_address(out), max, static_cast<int>(ms), raw_address(mask), 8));
}

} // namespace

Result<UniqueFd> epoll_make(bool cloexec) {
	int fd = epoll_create1(cloexec ? EPOLL_CLOEXEC : 0);
	if (fd < 0) return Error{errno};
	return UniqueFd(fd);
}

int epoll_add(int set, int fd, uint32_t events, uint64_t data) {
	return control(set, EPOLL_CTL_ADD, fd, events, data);
}

int epoll_mod(int set, int fd, uint32_t events, uint64_t data) {
	return control(set, EPOLL_CTL_MOD, fd, events, data);
}

bool is_epoll(int fd) {
	Result<UniqueFd> stranger = eventfd_create();
	return stranger && epoll_del(fd, stranger->get()) == ENOENT;
}

int epoll_del(int set, int fd) { return control(set, EPOLL_CTL_DEL, fd, 0, 0); }

// A set forgets a file with the last number for it; what it holds is told by fdinfo, in a
// line each. One look, however many descriptors there are.
bool epoll_outlives(int fd, int stand_in) {
	Result<UniqueFd> set = epoll_make();
	if (!set || epoll_add(set->get(), fd, 0, 0) != 0) return true; // too deep, perhaps
	if (syscall(SYS_dup3, stand_in, fd, O_CLOEXEC) < 0) return true;
	char path[48];
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", set->get());
	UniqueFd info(open_raw(path, O_RDONLY | O_CLOEXEC));
	char text[512];
	ssize_t n = info.get() < 0 ? 0 : syscall(SYS_read, info.get(), text, sizeof text - 1);
	if (n <= 0) return true;
	text[n] = 0;
	return strstr(text, "tfd:") != nullptr;
}

int epoll_collect(int set, Ready* out, int max, const Deadline& deadline, const uint64_t* mask) {
	if (deadline.poll || deadline.infinite()) [[likely]] { // no clock to be read
		const int timeout = deadline.poll ? 0 : -1;
#ifdef SYS_epoll_wait // older machines have it, 20 ns cheaper; who filters calls may know only the other
		long n = mask ? -ENOSYS : raw_call(SYS_epoll_wait, set, raw_address(out), max, timeout);
		if (n != -ENOSYS && n != -EPERM) [[likely]]
			return static_cast<int>(n);
#endif
		return static_cast<int>(raw_call(SYS_epoll_pwait, set, raw_address(out), max, timeout, raw_address(mask), 8));
	}
	for (;;) {
		int64_t left = std::max<int64_t>(deadline.at - monotonic_ns(), 0);
		int n = wait_raw(set, out, max, left, mask);
		if (n != 0 || deadline.passed()) return n;
	}
}

// The kernel itself restarts ppoll where no handler ran, with the time that was left.
int epoll_collect_undisturbed(int set, Ready* out, int max, const Deadline& deadline, const uint64_t* mask) {
	pollfd ready{set, POLLIN, 0};
	int64_t left_ns = std::max<int64_t>(deadline.at - monotonic_ns(), 0);
	timespec left{left_ns / 1'000'000'000, left_ns % 1'000'000'000};
	timespec* limit = deadline.infinite() ? nullptr : &left;
	if (!deadline.poll && syscall(SYS_ppoll, &ready, 1, limit, mask, 8) < 0) return -errno;
	return epoll_collect(set, out, max, Deadline::now());
}

} // namespace evp::sys
