// The timers of one port in this process, and the rules of section 6.
//
// States of a timer: disarmed (due NEVER) or armed; apart from that quiet, RIPE
// (expired, a collection is about to post it) or QUEUED. Only a quiet timer is in
// the wheel: one whose event waits just counts, by arithmetic, when it is read.
// Locks: all under `lock`, which nests inside the port's. No system calls but
// reading clocks.
// After the port is closed timers go on without notification (6.11): `port` is
// null, there are no engines, and time is still told by arithmetic.
#pragma once
#include "sources/timer.hpp"
#include "sources/timer_wheel.hpp"
#include "sys/fast_clock.hpp"
#include "sys/timerfd.hpp"

#include <memory>

namespace evp {

class Port;

// The timers of one clock: one descriptor in the port's inner set.
struct TimerEngine {
	TimerEngine(TimerTable& table, sys::UniqueFd made) : wheel(table), fd(std::move(made)) {}

	TimerWheel wheel;
	sys::UniqueFd fd;
	int64_t programmed = TimerWheel::NONE; // what fd is set to, or was when it fired
	bool watched = false; // it has not fired since it was armed in the inner set
	bool counted = false; // a reason to sleep in the inner set
	bool syncing = false; // a thread brings fd in line with the wheel

	// Sparse timers are woken for exactly; dense ones, whose wake-ups would cost
	// more than they, at most every WINDOW.
	static constexpr int64_t WINDOW = 256'000;
	int64_t collected = 0;  // when they were last
	int64_t not_before = 0; // when they are to be again, at the earliest
	uint32_t quick = 0;     // collections in succession with less than WINDOW / 2 between
	void pace(int64_t now, uint32_t count, bool more);
	int64_t next();         // what fd should be set to
	// Whether fd is not set to tell of it in time.
	bool is_late_for(int64_t due) const { return due < programmed || !watched; }
};

struct TimerSet {
	sys::PrivateLock lock;
	TimerTable* table = nullptr;
	std::atomic<Port*> port{nullptr};              // null: closed
	const std::atomic<Port*>* anchor = nullptr;    // by which the port is held
	std::shared_ptr<TimerEngine> engines[sys::CLOCKS]; // kept by who works on one
	sys::FastClock monotonic;
	uint32_t timers = 0; // that name this set
	TimerSet* next_free = nullptr;

	TimerEngine* engine(const Timer& timer) { return engines[timer.clock].get(); }
	static sys::Clock clock_of(const Timer& timer) { return static_cast<sys::Clock>(timer.clock); }
	// Whether one timer more can be armed on a clock.
	bool has_room(sys::Clock clock) {
		const TimerEngine* in = engines[static_cast<int>(clock)].get();
		return in && in->wheel.has_room(timers + 1);
	}
	// One timer less. True: nobody uses the set any more.
	bool leave() { return --timers == 0 && !port.load(); }

	// Arms or disarms. True: the engine must be brought in line (sync). Inlined: what
	// nearly all calls are, by as few looks at a clock as will do.
	[[gnu::always_inline]] bool set_time(uint32_t index, Timer& timer, const TimerSetting& setting,
	                                     bool absolute, TimerSetting* old) {
		if (timer.clock == MONOTONIC && timer.relative == MONOTONIC && !absolute && !old) [[likely]] {
			if (setting.value == 0) {
				if (timer.due == Timer::NEVER || sys::FastClock::far_off(timer.due)) [[likely]]
					return disarm(timer);
			} else if (int64_t now = monotonic.most(); timer.due > now) [[likely]] {
				return arm(index, timer, add(now, setting.value), setting.interval);
			}
		}
		return set_any_time(index, timer, setting, absolute, old);
	}
	TimerSetting get_time(const Timer& timer);
	// Counts what expired by now.
	void count_expired(Timer& timer, int64_t now);
	// The number for an event that is being retrieved; the timer is quiet again.
	// *held: it waits to be placed by admit().
	int32_t retrieve(uint32_t index, bool* held);
	// Takes timers that expired by now from an engine, as RIPE.
	uint32_t ripen(TimerEngine& engine, int64_t now, uint32_t* out, uint32_t max);

private:
	static constexpr auto MONOTONIC = static_cast<uint8_t>(sys::Clock::MONOTONIC);
	static constexpr int64_t FARTHEST = Timer::NEVER - 1; // 292 years

	static int64_t add(int64_t a, int64_t b) { return a > FARTHEST - b ? FARTHEST : a + b; }
	// Dropped from the wheel when its place comes up.
	static bool disarm(Timer& timer) {
		timer.due = Timer::NEVER;
		timer.interval = 0;
		return false;
	}
	bool arm(uint32_t index, Timer& timer, int64_t due, int64_t interval) {
		timer.due = due;
		timer.interval = interval;
		// Looked at in time where it lies.
		if (timer.where != 0 && timer.pending == 0 && timer.placed <= due) return false;
		return put(index, timer);
	}
	bool set_any_time(uint32_t index, Timer& timer, const TimerSetting& setting, bool absolute,
	                  TimerSetting* old);
	int64_t most(uint8_t clock);
	static int64_t first_due(int64_t due, int64_t interval, uint8_t clock);
	// Sees to it that an armed timer is looked at in time. True: sooner than its
	// descriptor is set to.
	[[gnu::always_inline]] bool put(uint32_t index, Timer& timer) {
		TimerEngine* in = engine(timer);
		if (!in || timer.flags != 0) return false;
		if (timer.where != 0) return put_elsewhere(index, timer, *in);
		in->wheel.place(index, timer, timer.due);
		return in->is_late_for(timer.due);
	}
	bool put_elsewhere(uint32_t index, Timer& timer, TimerEngine& in);
	TimerSetting remaining(const Timer& timer, int64_t now) const;
};

} // namespace evp
