// PORT_SOURCE_TIMER (section 6): any number of timers over one timerfd a clock.
//
// Any thread. A timer belongs to the process that created it: not inherited by
// fork, gone with exec and exit (6.9). It outlives its port (6.11).
// In a signal handler over a critical section of this library: EAGAIN.
#pragma once
#include "core/source.hpp"
#include "sys/timerfd.hpp"

#include <memory>

namespace evp {

std::unique_ptr<Source> make_timer_source();

struct TimerSetting { // as of timer_settime, in nanoseconds
	int64_t value = 0; // 0: disarmed
	int64_t interval = 0; // 0: once
};

namespace timers {

// A disarmed timer that reports to a port: its id, which is the object of its
// events. EAGAIN (ids), EBADF EBADFD, ENOMEM, EAGAIN (slots), EPERM EMFILE ENFILE (6.1).
Result<uint64_t> create(sys::ClockUse clocks, int port, uint64_t user);
// The same for a port that the caller holds.
Result<uint64_t> create(sys::ClockUse clocks, Port& port, uint64_t user);

// Whether an id is one that create() gives; all others are libc's. glibc's and musl's are small
// numbers, addresses of user space, or have bit 63 set.
inline bool ours(uint64_t id) { return id >> 62 == 1; }

// EINVAL: no such timer. Times are not negative.
Result<void> set(uint64_t id, bool absolute, const TimerSetting& setting, TimerSetting* old) noexcept;
Result<TimerSetting> get(uint64_t id);
Result<void> check(uint64_t id);
// The clock it was made for: that of its absolute times.
Result<sys::Clock> clock(uint64_t id);
Result<void> remove(uint64_t id);
// All that this process created for the port, which the caller holds and is about to let go of.
void remove_all(Port& port);

} // namespace timers
} // namespace evp
