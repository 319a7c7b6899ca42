#include "sys/mounts.hpp"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

Result<UniqueFd> mounts_open() {
	int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
	if (fd < 0) return Error{errno};
	return UniqueFd(fd);
}

bool mounts_changed(int fd) {
	pollfd item{fd, POLLPRI, 0};
	timespec now{0, 0};
	return syscall(SYS_ppoll, &item, 1, &now, nullptr, 8) > 0 && item.revents & (POLLPRI | POLLERR);
}

} // namespace evp::sys
