#include "sys/features.hpp"

#include "sys/fd.hpp"

#include <cerrno>
#include <cstring>
#include <linux/kcmp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace evp::sys {

namespace {

// As <linux/io_uring.h> has it; older headers lack the file.
constexpr size_t URING_PARAMS_SIZE = 120;

int result(long rc) { return rc < 0 ? errno : 0; }

// A call that makes a descriptor.
int made(long rc) {
	int error = result(rc);
	UniqueFd fd(static_cast<int>(rc));
	return error;
}

int probe_uring() {
	alignas(8) char params[URING_PARAMS_SIZE];
	memset(params, 0, sizeof params);
	return made(syscall(SYS_io_uring_setup, 2, params));
}

int probe_nested_epoll() {
	UniqueFd outer(epoll_create1(EPOLL_CLOEXEC));
	UniqueFd inner(epoll_create1(EPOLL_CLOEXEC));
	if (outer.get() < 0 || inner.get() < 0) return errno;
	epoll_event event{};
	event.events = EPOLLIN | EPOLLONESHOT;
	return result(epoll_ctl(outer.get(), EPOLL_CTL_ADD, inner.get(), &event));
}

int probe_pidfd_getfd() {
	UniqueFd self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
	if (self.get() < 0) return errno;
	return made(syscall(SYS_pidfd_getfd, self.get(), self.get(), 0));
}

int probe_kcmp() {
	pid_t me = getpid();
	return result(syscall(SYS_kcmp, me, me, KCMP_FILE, 0, 0));
}

int probe_wipe_on_fork() {
	auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
	void* page = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED) return errno;
	int error = result(madvise(page, size, MADV_WIPEONFORK));
	munmap(page, size);
	return error;
}

} // namespace

std::vector<Feature> probe_features() {
	return {
		{"memfd_create", made(memfd_create("event-ports", MFD_CLOEXEC | MFD_ALLOW_SEALING))},
		{"eventfd", made(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))},
		{"epoll", probe_nested_epoll()},
		{"wipe_on_fork", probe_wipe_on_fork()},
		{"timerfd", made(timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK))},
		{"inotify", made(inotify_init1(IN_CLOEXEC | IN_NONBLOCK))},
		{"pidfd_open", made(syscall(SYS_pidfd_open, getpid(), 0))},
		{"pidfd_getfd", probe_pidfd_getfd()},
		{"kcmp", probe_kcmp()},
		{"io_uring", probe_uring()},
	};
}

} // namespace evp::sys
