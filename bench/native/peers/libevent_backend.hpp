// peers/libevent_backend.hpp - libevent on a backend of choice, as an application has it: events
// without EV_PERSIST that are added again, or with it, which leaves re-arming to the backend.
#pragma once

#include <event2/event.h>

#include <cstring>
#include <stdexcept>
#include <string>

#include "../fd_pool.hpp"

namespace bench {

class LibeventBackend {
public:
	LibeventBackend(std::span<const int> fds, const char *backend, bool persist)
	    : base_(base_on(backend)) {
		for (const int fd : fds) {
			const short what = static_cast<short>(EV_READ | (persist ? EV_PERSIST : 0));
			event *one = event_new(base_, fd, what, persist ? on_ready : on_ready_once, event_self_cbarg());
			event_add(one, nullptr);
			events_.push_back(one);
		}
	}

	~LibeventBackend() {
		for (event *one : events_)
			event_free(one);
		event_base_free(base_);
	}

	LibeventBackend(const LibeventBackend &) = delete;
	LibeventBackend &operator=(const LibeventBackend &) = delete;

	unsigned step() {
		handled_ = 0;
		event_base_loop(base_, EVLOOP_ONCE);
		return handled_;
	}

private:
	static event_base *base_on(const char *backend) {
		event_config *config = event_config_new();
		for (const char **name = event_get_supported_methods(); *name; name++)
			if (std::strcmp(*name, backend) != 0)
				event_config_avoid_method(config, *name);
		event_base *base = event_base_new_with_config(config);
		event_config_free(config);
		if (!base)
			throw std::runtime_error(std::string("libevent has no ") + backend);
		return base;
	}

	static void on_ready(evutil_socket_t fd, short, void *) {
		FdPool::drain(fd);
		handled_++;
	}

	static void on_ready_once(evutil_socket_t fd, short what, void *self) {
		on_ready(fd, what, self);
		event_add(static_cast<event *>(self), nullptr);
	}

	event_base *base_;
	std::vector<event *> events_;
	static inline unsigned handled_ = 0; // the callback has room for the event alone
};

} // namespace bench
