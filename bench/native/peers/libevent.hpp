// peers/libevent.hpp - libevent, one-shot: an event without EV_PERSIST, added again in its callback.
#pragma once

#include <event2/event.h>

#include "../fd_pool.hpp"

namespace bench {

class Libevent {
public:
	explicit Libevent(std::span<const int> fds) : base_(event_base_new()) {
		for (const int fd : fds) {
			event *one = event_new(base_, fd, EV_READ, on_ready, event_self_cbarg());
			event_add(one, nullptr);
			events_.push_back(one);
		}
	}

	~Libevent() {
		for (event *one : events_)
			event_free(one);
		event_base_free(base_);
	}

	Libevent(const Libevent &) = delete;
	Libevent &operator=(const Libevent &) = delete;

	unsigned step() {
		handled_ = 0;
		event_base_loop(base_, EVLOOP_ONCE);
		return handled_;
	}

private:
	static void on_ready(evutil_socket_t fd, short, void *self) {
		FdPool::drain(fd);
		event_add(static_cast<event *>(self), nullptr);
		handled_++;
	}

	event_base *base_;
	std::vector<event *> events_;
	static inline unsigned handled_ = 0; // the callback has room for the event alone
};

} // namespace bench
