// peers/libkqueue.hpp - libkqueue, one-shot: EV_DISPATCH enabled again, or EV_ONESHOT added again;
// the changes ride on the next kevent call, as its users do it.
#pragma once

#include <sys/event.h>

#include <array>

#include "../fd_pool.hpp"

namespace bench {

class Libkqueue {
public:
	Libkqueue(std::span<const int> fds, unsigned short add, unsigned short again)
	    : queue_(check(kqueue(), "kqueue")), again_(again) {
		for (const int fd : fds) {
			struct kevent change;
			EV_SET(&change, static_cast<uintptr_t>(fd), EVFILT_READ, add, 0, 0, nullptr);
			check(kevent(queue_, &change, 1, nullptr, 0, nullptr), "kevent");
		}
	}

	~Libkqueue() { close(queue_); }

	Libkqueue(const Libkqueue &) = delete;
	Libkqueue &operator=(const Libkqueue &) = delete;

	unsigned step() {
		std::array<struct kevent, 256> ready;
		const int count = check(kevent(queue_, changes_.data(), changed_, ready.data(),
		                            static_cast<int>(ready.size()), nullptr), "kevent");
		for (int i = 0; i < count; i++) {
			FdPool::drain(static_cast<int>(ready[i].ident));
			EV_SET(&changes_[i], ready[i].ident, EVFILT_READ, again_, 0, 0, nullptr);
		}
		changed_ = count;
		return static_cast<unsigned>(count);
	}

private:
	int queue_;
	unsigned short again_;
	std::array<struct kevent, 256> changes_;
	int changed_ = 0;
};

struct KqueueDispatch : Libkqueue {
	explicit KqueueDispatch(std::span<const int> fds)
	    : Libkqueue(fds, EV_ADD | EV_DISPATCH, EV_ENABLE | EV_DISPATCH) {}
};

struct KqueueOneshot : Libkqueue {
	explicit KqueueOneshot(std::span<const int> fds)
	    : Libkqueue(fds, EV_ADD | EV_ONESHOT, EV_ADD | EV_ONESHOT) {}
};

} // namespace bench
