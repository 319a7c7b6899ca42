// The timer calls of <port_linux.h>, which <port.h> programs call by their POSIX
// names: through the header in a static program, through interposition else
// (timer_interpose.cpp). A timer that is not of a port is libc's.

#include "capi/errno.hpp"
#include "capi/trace.hpp"
#include "sources/timer.hpp"

#include <port_linux.h>

#include <climits>

using namespace evp;
using namespace evp::capi;

#define PUBLIC extern "C" __attribute__((visibility("default")))

namespace {

constexpr int64_t SECOND = 1'000'000'000;

uint64_t id_of(timer_t timer) { return reinterpret_cast<uintptr_t>(timer); }

bool read_time(const timespec& from, int64_t* to) {
	if (from.tv_sec < 0 || from.tv_nsec < 0 || from.tv_nsec >= SECOND) return false;
	*to = from.tv_sec >= INT64_MAX / SECOND ? INT64_MAX : from.tv_sec * SECOND + from.tv_nsec;
	return true;
}

// Whether the second expiration lies beyond what the high-resolution clock can show. It alone is asked.
bool overflows(uint64_t id, bool absolute, const TimerSetting& setting) {
	if (setting.interval == 0 || setting.value / 2 + setting.interval / 2 < INT64_MAX / 4) [[likely]]
		return false; // by far not
	Result<sys::Clock> clock = timers::clock(id);
	if (!clock || *clock != sys::Clock::MONOTONIC) return false;
	int64_t most = INT64_MAX - (absolute ? 0 : sys::clock_ns(*clock));
	return setting.value > most - setting.interval;
}

timespec write_time(int64_t ns) {
	timespec to{};
	to.tv_sec = static_cast<time_t>(ns / SECOND);
	to.tv_nsec = static_cast<long>(ns % SECOND);
	return to;
}

itimerspec write_setting(const TimerSetting& setting) {
	return {write_time(setting.interval), write_time(setting.value)};
}

} // namespace

PUBLIC int port_timer_create(clockid_t clock, struct sigevent* event, timer_t* timer) {
	if (trace::due("port_timer_create")) [[unlikely]] return trace::told_timer_create(clock, event, timer);
	Outcome outcome;
	if (!event || event->sigev_notify != SIGEV_PORT) return outcome.libc(timer_create(clock, event, timer));
	Result<sys::ClockUse> clocks = sys::clock_use(clock);
	if (!clocks) return outcome.fail(clocks.error());
	auto* notify = static_cast<const port_notify_t*>(event->sigev_value.sival_ptr);
	if (!notify) return outcome.fail(EFAULT);
	Result<uint64_t> id =
	    timers::create(*clocks, notify->portnfy_port, reinterpret_cast<uintptr_t>(notify->portnfy_user));
	if (!id) return outcome.fail(id.error());
	if (!timer) {
		(void)timers::remove(*id);
		return outcome.fail(EFAULT);
	}
	*timer = reinterpret_cast<timer_t>(*id);
	return 0;
}

PUBLIC int port_timer_delete(timer_t timer) {
	if (trace::due("port_timer_delete")) [[unlikely]] return trace::told_timer_delete(timer);
	Outcome outcome;
	if (!timers::ours(id_of(timer))) return outcome.libc(timer_delete(timer));
	return outcome.answer(timers::remove(id_of(timer)));
}

PUBLIC int port_timer_settime(timer_t timer, int flags, const struct itimerspec* value,
                              struct itimerspec* old) {
	if (trace::due("port_timer_settime")) [[unlikely]] return trace::told_timer_settime(timer, flags, value, old);
	Outcome outcome;
	if (!timers::ours(id_of(timer))) return outcome.libc(timer_settime(timer, flags, value, old));
	if (!value) return outcome.fail(EFAULT);
	TimerSetting setting;
	bool valid = read_time(value->it_value, &setting.value) &&
	             (setting.value == 0 || read_time(value->it_interval, &setting.interval));
	int error = !valid ? EINVAL : overflows(id_of(timer), flags & TIMER_ABSTIME, setting) ? EOVERFLOW : 0;
	if (error != 0) { // the old setting is told all the same
		Result<TimerSetting> now = old ? timers::get(id_of(timer)) : TimerSetting{};
		if (old && now) *old = write_setting(*now);
		return outcome.fail(error);
	}
	TimerSetting before;
	Result<void> done =
	    timers::set(id_of(timer), flags & TIMER_ABSTIME, setting, old ? &before : nullptr);
	if (!done) return outcome.fail(done.error());
	if (old) *old = write_setting(before);
	return 0;
}

PUBLIC int port_timer_gettime(timer_t timer, struct itimerspec* value) {
	Outcome outcome;
	if (!timers::ours(id_of(timer))) return outcome.libc(timer_gettime(timer, value));
	Result<TimerSetting> setting = timers::get(id_of(timer));
	if (!setting) return outcome.fail(setting.error());
	if (!value) return outcome.fail(EFAULT);
	*value = write_setting(*setting);
	return 0;
}

PUBLIC int port_timer_getoverrun(timer_t timer) {
	Outcome outcome;
	if (!timers::ours(id_of(timer))) return outcome.libc(timer_getoverrun(timer));
	return outcome.answer(timers::check(id_of(timer))); // 0: the event has the count (6.5)
}
