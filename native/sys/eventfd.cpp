#include "sys/eventfd.hpp"

#include "sys/raw_call.hpp"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

Result<UniqueFd> eventfd_create() {
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0) return Error{errno};
	return UniqueFd(fd);
}

bool eventfd_usable(int fd, const FileId& nameless) {
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && flags & O_NONBLOCK && nameless != FileId() && file_id(fd) == nameless;
}

// Raw calls: read and write are cancellation points in libc, and neither may
// end a thread here; nor is errno theirs to set.
void eventfd_raise(int fd) {
	uint64_t one = 1;
	raw_call(SYS_write, fd, raw_address(&one), sizeof one, 0);
}

void eventfd_lower(int fd) {
	uint64_t count;
	raw_call(SYS_read, fd, raw_address(&count), sizeof count, 0);
}

} // namespace evp::sys
