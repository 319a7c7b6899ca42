// peers/epoll.hpp - raw epoll: the literal one-shot loop, and the level loop that is its floor.
#pragma once

#include <sys/epoll.h>

#include <array>

#include "../fd_pool.hpp"

namespace bench {

class EpollLoop {
public:
	EpollLoop(std::span<const int> fds, uint32_t events)
	    : events_(events), epoll_(check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
		for (const int fd : fds)
			control(EPOLL_CTL_ADD, fd);
	}

	~EpollLoop() { close(epoll_); }

	EpollLoop(const EpollLoop &) = delete;
	EpollLoop &operator=(const EpollLoop &) = delete;

	unsigned step() { return step(FdPool::drain); }

	// Handles what is ready, at least one, and arms it again.
	unsigned step(auto handle) {
		std::array<epoll_event, 256> ready;
		const int count = check(epoll_wait(epoll_, ready.data(), ready.size(), -1), "epoll_wait");
		for (int i = 0; i < count; i++) {
			handle(ready[i].data.fd);
			if (events_ & EPOLLONESHOT)
				control(EPOLL_CTL_MOD, ready[i].data.fd);
		}
		return static_cast<unsigned>(count);
	}

private:
	void control(int operation, int fd) {
		epoll_event event{};
		event.events = events_;
		event.data.fd = fd;
		check(epoll_ctl(epoll_, operation, fd, &event), "epoll_ctl");
	}

	uint32_t events_;
	int epoll_;
};

struct EpollOneshot : EpollLoop {
	explicit EpollOneshot(std::span<const int> fds) : EpollLoop(fds, EPOLLIN | EPOLLONESHOT) {}
};

struct EpollLevel : EpollLoop {
	explicit EpollLevel(std::span<const int> fds) : EpollLoop(fds, EPOLLIN) {}
};

} // namespace bench
