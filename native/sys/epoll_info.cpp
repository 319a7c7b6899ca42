#include "sys/epoll_info.hpp"

#include "sys/fd.hpp"

#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

namespace {

// Lines of a file under /proc, with a buffer of our own: no stdio, which would call close(2).
class Lines {
public:
	explicit Lines(const char* path) : fd_(open_raw(path, O_RDONLY | O_CLOEXEC)) {}
	bool open_for_reading() const { return fd_.get() >= 0; }
	char* next() {
		for (;;) {
			char* end = static_cast<char*>(memchr(buffer_ + at_, '\n', filled_ - at_));
			if (end) {
				char* line = buffer_ + at_;
				*end = 0;
				at_ = static_cast<size_t>(end - buffer_) + 1;
				return line;
			}
			memmove(buffer_, buffer_ + at_, filled_ - at_);
			filled_ -= at_;
			at_ = 0;
			long n = filled_ == sizeof buffer_
			             ? 0
			             : syscall(SYS_read, fd_.get(), buffer_ + filled_, sizeof buffer_ - filled_);
			if (n <= 0) return nullptr;
			filled_ += static_cast<size_t>(n);
		}
	}

private:
	UniqueFd fd_;
	char buffer_[1024];
	size_t at_ = 0, filled_ = 0;
};

} // namespace

bool shows_registered(int set) {
	char path[40];
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", set);
	return UniqueFd(open_raw(path, O_RDONLY | O_CLOEXEC)).get() >= 0;
}

bool each_registered_raw(int set, bool (*seen)(int fd, uint64_t tag, void* data), void* data) {
	char path[40];
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", set);
	Lines lines(path);
	if (!lines.open_for_reading()) return false;
	bool any = false;
	while (char* line = lines.next()) {
		int fd;
		unsigned events;
		unsigned long long tag;
		if (sscanf(line, "tfd: %d events: %x data: %llx", &fd, &events, &tag) != 3) continue;
		any = true;
		if (!seen(fd, tag, data)) break;
	}
	return any;
}

} // namespace evp::sys
