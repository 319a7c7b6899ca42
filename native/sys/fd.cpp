#include "sys/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

#if defined(EVP_TSAN)
// TSan must see that a number is free again; the wrapped name is close.
extern "C" int __close(int fd);
static int close_unwrapped(int fd) { return __close(fd); }
#else
static long close_unwrapped(int fd) { return syscall(SYS_close, fd); }
#endif

void close_raw(int fd) {
	int saved = errno;
	close_unwrapped(fd);
	errno = saved;
}

int open_raw(const char* path, int flags, unsigned mode) {
	return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

// Not by the wrapped name, which would take a duplicate of a port for the program's.
static int duplicate_raw(int fd, int least) {
	return static_cast<int>(syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, least));
}

Result<UniqueFd> duplicate(int fd) {
	int copy = duplicate_raw(fd, 0);
	if (copy < 0) return Error{errno};
	return UniqueFd(copy);
}

FileId file_id(int fd) {
	struct stat file{};
	return fstat(fd, &file) == 0 ? FileId{file.st_dev, file.st_ino} : FileId();
}

bool same_file(int a, int b) {
	FileId one = file_id(a);
	return one != FileId() && one == file_id(b);
}

std::atomic<bool> place_high{true};

UniqueFd move_high(UniqueFd fd, bool cloexec) {
	rlimit limit{};
	if (place_high.load(std::memory_order_relaxed) && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		// Not higher than needed: the kernel's table grows with the highest number.
		int base = static_cast<int>(std::min<rlim_t>(1024, limit.rlim_cur / 2));
		int moved = fd.get() < base ? duplicate_raw(fd.get(), base) : -1;
		if (moved >= 0) fd.reset(moved);
	}
	if (!cloexec) (void)set_cloexec(fd.get(), false);
	return fd;
}

bool lock_byte(int fd, long at) {
	struct flock byte{};
	byte.l_type = F_WRLCK;
	byte.l_start = at;
	byte.l_len = 1;
	return fcntl(fd, F_SETLK, &byte) == 0;
}

int32_t byte_holder(int fd, long at) {
	struct flock byte{};
	byte.l_type = F_WRLCK;
	byte.l_start = at;
	byte.l_len = 1;
	return fcntl(fd, F_GETLK, &byte) == 0 && byte.l_type != F_UNLCK ? byte.l_pid : -1;
}

bool byte_locked(int fd, long at) { return byte_holder(fd, at) >= 0; }

void share_byte(int fd, long at, bool on) {
	struct flock byte{};
	byte.l_type = on ? F_RDLCK : F_UNLCK;
	byte.l_start = at;
	byte.l_len = 1;
	(void)fcntl(fd, F_SETLK, &byte);
}

bool is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

bool is_readable(int fd) {
	pollfd one{fd, POLLIN, 0};
	return poll(&one, 1, 0) > 0;
}

Result<void> set_cloexec(int fd, bool on) {
	if (fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) != 0) return Error{errno};
	return {};
}

bool kept_over_exec(int fd) {
	int flags = fcntl(fd, F_GETFD);
	return flags >= 0 && !(flags & FD_CLOEXEC);
}

} // namespace evp::sys
