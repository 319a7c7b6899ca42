// peers/locked_queue.hpp - messages through a deque under a mutex, with a condition variable.
#pragma once

#include <port.h>

#include <condition_variable>
#include <deque>
#include <mutex>

namespace bench {

class LockedQueue {
public:
	void send(const port_event_t &event) {
		{
			const std::lock_guard lock(mutex_);
			events_.push_back(event);
		}
		not_empty_.notify_one();
	}

	unsigned receive(port_event_t *events, unsigned most) {
		std::unique_lock lock(mutex_);
		not_empty_.wait(lock, [this] { return !events_.empty(); });
		unsigned count = 0;
		for (; count < most && !events_.empty(); count++) {
			events[count] = events_.front();
			events_.pop_front();
		}
		return count;
	}

private:
	std::mutex mutex_;
	std::condition_variable not_empty_;
	std::deque<port_event_t> events_;
};

} // namespace bench
