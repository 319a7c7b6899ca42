#include "sys/timerfd.hpp"

#include <cerrno>
#include <ctime>
#include <sys/timerfd.h>

namespace evp::sys {

namespace {

constexpr int64_t SECOND = 1'000'000'000;

constexpr clockid_t ids[CLOCKS] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME,
                                   CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM};
// An alarm clock can't be read where the machine has no real-time clock.
constexpr clockid_t readable[CLOCKS] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME,
                                        CLOCK_REALTIME, CLOCK_BOOTTIME};

} // namespace

int64_t clock_ns(Clock clock) {
	timespec now{};
	clock_gettime(readable[static_cast<int>(clock)], &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

Result<ClockUse> clock_use(int id) {
	switch (id) {
	case CLOCK_MONOTONIC: return ClockUse{Clock::MONOTONIC, Clock::MONOTONIC};
	case CLOCK_REALTIME: return ClockUse{Clock::REALTIME, Clock::MONOTONIC};
	case CLOCK_BOOTTIME: return ClockUse{Clock::BOOTTIME, Clock::BOOTTIME};
	case CLOCK_REALTIME_ALARM: return ClockUse{Clock::REALTIME_ALARM, Clock::BOOTTIME_ALARM};
	case CLOCK_BOOTTIME_ALARM: return ClockUse{Clock::BOOTTIME_ALARM, Clock::BOOTTIME_ALARM};
	}
	timespec resolution;
	return Error{clock_getres(id, &resolution) == 0 ? ENOTSUP : EINVAL};
}

Result<UniqueFd> timerfd_make(Clock clock) {
	int fd = timerfd_create(ids[static_cast<int>(clock)], TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0) return Error{errno};
	return UniqueFd(fd);
}

bool is_timerfd(int fd) {
	itimerspec spec;
	return timerfd_gettime(fd, &spec) == 0;
}

void timerfd_set(int fd, int64_t at) {
	if (at < 1) at = 1; // 0 would disarm
	itimerspec spec{};
	spec.it_value.tv_sec = at / SECOND;
	spec.it_value.tv_nsec = at % SECOND;
	timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, nullptr);
}

} // namespace evp::sys
