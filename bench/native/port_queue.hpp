// port_queue.hpp - ours as a Queue of messages.
#pragma once

#include <port.h>
#include <port_linux.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "port_reactor.hpp"

namespace bench {

class PortQueue {
public:
	void send(const port_event_t &event) {
		while (port_send(port_, event.portev_events, event.portev_user) != 0) {
			if (errno != EAGAIN)
				throw std::system_error(errno, std::generic_category(), "port_send");
			sched_yield(); // full
		}
	}

	unsigned receive(port_event_t *events, unsigned most) {
		unsigned count = 1;
		check(port_getn(port_, events, most, &count, nullptr), "port_getn");
		return count;
	}

	uint64_t wakes() const {
		port_info_t info{};
		info.pi_size = sizeof info;
		check(port_getinfo(port_, &info), "port_getinfo");
		return info.pi_wakeups;
	}

protected:
	Port port_;
};

// The same with a descriptor associated, which makes the retriever sleep in epoll.
class PortQueueWithFd : public PortQueue {
public:
	PortQueueWithFd() : never_ready_(check(eventfd(0, EFD_CLOEXEC), "eventfd")) {
		check(port_associate(port_, PORT_SOURCE_FD, static_cast<uintptr_t>(never_ready_), POLLIN,
		          nullptr), "port_associate");
	}

	~PortQueueWithFd() { close(never_ready_); }

private:
	int never_ready_;
};

} // namespace bench
