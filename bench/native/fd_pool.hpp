// fd_pool.hpp - descriptors that a bench makes readable at will: eventfds or socket pairs.
//
// One pool serves all contenders, one after the other: 15,000 descriptors for each would not fit
// under the usual hard limit, and every contender watches the very same objects.
#pragma once

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "check.hpp"

namespace bench {

class FdPool {
public:
	enum class Kind { eventfd, socket };

	FdPool(Kind kind, size_t count) {
		for (size_t i = 0; i < count; i++)
			kind == Kind::eventfd ? add_eventfd() : add_socket();
	}

	~FdPool() {
		for (size_t i = 0; i < watched_.size(); i++) {
			close(watched_[i]);
			if (writable_[i] != watched_[i])
				close(writable_[i]);
		}
	}

	FdPool(const FdPool &) = delete;
	FdPool &operator=(const FdPool &) = delete;

	static size_t descriptors_each(Kind kind) { return kind == Kind::eventfd ? 1 : 2; }
	static const char *name(Kind kind) { return kind == Kind::eventfd ? "eventfd" : "socket"; }

	std::span<const int> first(size_t count) const {
		return std::span(watched_).first(count);
	}

	void make_ready(size_t index) const {
		const uint64_t one = 1;
		check(write(writable_[index], &one, sizeof one), "write");
	}

	// What every contender does with a ready descriptor.
	static void drain(int fd) {
		uint64_t value;
		check(read(fd, &value, sizeof value), "read");
	}

private:
	void add_eventfd() {
		const int fd = check(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd");
		watched_.push_back(fd);
		writable_.push_back(fd);
	}

	void add_socket() {
		int ends[2];
		check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
		    "socketpair");
		watched_.push_back(ends[0]);
		writable_.push_back(ends[1]);
	}

	std::vector<int> watched_;
	std::vector<int> writable_;
};

} // namespace bench
