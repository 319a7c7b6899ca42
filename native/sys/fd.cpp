#include "sys/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

void close_raw(int fd) {
	int saved = errno;
	syscall(SYS_close, fd);
	errno = saved;
}

UniqueFd move_high(UniqueFd fd) {
	rlimit limit{};
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return fd;
	// Not higher than needed: the kernel's table grows with the highest number.
	int base = static_cast<int>(std::min<rlim_t>(1024, limit.rlim_cur / 2));
	if (fd.get() >= base) return fd;
	int moved = fcntl(fd.get(), F_DUPFD_CLOEXEC, base);
	return moved < 0 ? std::move(fd) : UniqueFd(moved);
}

bool is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

Result<void> set_cloexec(int fd, bool on) {
	if (fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) != 0) return Error{errno};
	return {};
}

} // namespace evp::sys
