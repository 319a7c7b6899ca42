// timerfd(2) and the clocks behind it, in nanoseconds.
#pragma once
#include "sys/fd.hpp"

#include <cstdint>

namespace evp::sys {

// Clocks a timerfd may have. An alarm wakes the machine from suspend.
enum class Clock : uint8_t { MONOTONIC, REALTIME, BOOTTIME, REALTIME_ALARM, BOOTTIME_ALARM };
inline constexpr int CLOCKS = 5;

int64_t clock_ns(Clock clock);

// Which clock an absolute and a relative time on a CLOCK_* are told by: a step of
// the wall clock moves the former only (14.3.4). EINVAL: no such clock; ENOTSUP:
// one that no timerfd can follow.
struct ClockUse {
	Clock absolute;
	Clock relative;
};
Result<ClockUse> clock_use(int id);

// EPERM (an alarm without CAP_WAKE_ALARM) EINVAL (unknown to this kernel) EMFILE ENFILE ENOMEM.
Result<UniqueFd> timerfd_make(Clock clock);

// Sets the one expiration, absolute, in place of what was set or has expired. A
// step of CLOCK_REALTIME moves it as the clock goes; a time that has passed expires at once.
void timerfd_set(int fd, int64_t at);
bool is_timerfd(int fd);

} // namespace evp::sys
