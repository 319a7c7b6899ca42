// port_timers.hpp - as many SIGEV_PORT timers on one port.
#pragma once

#include <port.h>
#include <port_linux.h>
#include <signal.h>
#include <unistd.h>

#include "check.hpp"
#include "timer_load.hpp"

namespace bench {

class PortTimers {
public:
	explicit PortTimers(size_t count) : timers_(count) {
		port_ = check(port_create_limit(static_cast<unsigned>(count), 1), "port_create_limit");
		for (size_t i = 0; i < count; i++) {
			port_notify_t notify{port_, reinterpret_cast<void *>(i)};
			sigevent event{};
			event.sigev_notify = SIGEV_PORT;
			event.sigev_value.sival_ptr = &notify;
			check(timer_create(CLOCK_MONOTONIC, &event, &timers_[i]), "timer_create");
		}
	}

	~PortTimers() {
		for (const auto &timer : timers_)
			timer_delete(timer);
		close(port_);
	}

	PortTimers(const PortTimers &) = delete;
	PortTimers &operator=(const PortTimers &) = delete;

	void begin() {}
	uint64_t now() const { return wall_ns(); }
	void arm(size_t index, uint64_t delay_ns) {
		const itimerspec setting{{0, 0},
		    {static_cast<time_t>(delay_ns / 1'000'000'000), static_cast<long>(delay_ns % 1'000'000'000)}};
		timer_settime(timers_[index], 0, &setting, nullptr);
	}
	void cancel(size_t index) {
		const itimerspec off{};
		timer_settime(timers_[index], 0, &off, nullptr);
	}

	void step(Arrivals &arrivals) {
		port_event_t events[64];
		unsigned count = 1;
		check(port_getn(port_, events, 64, &count, nullptr), "port_getn");
		for (unsigned i = 0; i < count; i++)
			arrivals.note(reinterpret_cast<size_t>(events[i].portev_user));
	}

private:
	int port_;
	std::vector<timer_t> timers_;
};

} // namespace bench
