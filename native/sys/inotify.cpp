#include "sys/inotify.hpp"

#include <cerrno>
#include <climits>
#include <cstring>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

static_assert(note::ACCESS == IN_ACCESS && note::MODIFY == IN_MODIFY && note::ATTRIB == IN_ATTRIB);
static_assert(note::MOVED_FROM == IN_MOVED_FROM && note::MOVED_TO == IN_MOVED_TO);
static_assert(note::CREATE == IN_CREATE && note::REMOVED == IN_DELETE);
static_assert(note::DELETE_SELF == IN_DELETE_SELF && note::MOVE_SELF == IN_MOVE_SELF);
static_assert(note::UNMOUNT == IN_UNMOUNT && note::QUEUE_OVERFLOW == IN_Q_OVERFLOW);
static_assert(note::IGNORED == IN_IGNORED);

Result<UniqueFd> inotify_make() {
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0) return Error{errno};
	return UniqueFd(fd);
}

Result<int> inotify_add(int fd, const char* path, uint32_t mask, bool follow) {
	int wd = inotify_add_watch(fd, path, mask | IN_MASK_ADD | (follow ? 0 : IN_DONT_FOLLOW));
	if (wd < 0) return Error{errno};
	return wd;
}

bool inotify_remove(int fd, int wd) {
	int saved = errno;
	bool was_there = inotify_rm_watch(fd, wd) == 0;
	errno = saved;
	return was_there;
}

// The end of a watch has a note. Of a file that nobody else watches: not of a kind that reports changes.
void inotify_stir(int fd) {
	if (Result<int> wd = inotify_add(fd, "/proc/self/status", IN_DELETE_SELF, true)) (void)inotify_remove(fd, *wd);
}

bool inotify_pending(int fd) {
	int bytes = 0;
	return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0; // half the price of a read in vain
}

// What it is comes before where the path lies.
bool is_inotify(int fd) {
	return syscall(SYS_inotify_add_watch, fd, nullptr, IN_MODIFY) < 0 && errno == EFAULT;
}

size_t Notes::read(int fd, bool* emptied) {
	// Raw: the libc wrapper is a cancellation point.
	long n;
	do {
		n = syscall(SYS_read, fd, buffer_, SIZE);
	} while (n < 0 && errno == EINTR);
	filled_ = n > 0 ? static_cast<size_t>(n) : 0;
	at_ = 0;
	*emptied = filled_ + sizeof(inotify_event) + NAME_MAX + 1 < SIZE;
	return filled_;
}

bool Notes::next(Note* out) {
	if (at_ + sizeof(inotify_event) > filled_) return false;
	inotify_event event;
	std::memcpy(&event, buffer_ + at_, sizeof event);
	out->wd = event.wd;
	out->mask = event.mask;
	out->name = event.len != 0 ? buffer_ + at_ + sizeof event : nullptr;
	at_ += sizeof event + event.len;
	return true;
}

} // namespace evp::sys
