#include "sources/timer_set.hpp"

#include <algorithm>
#include <climits>

namespace evp {

// After a collection of `count` timers; `more` have expired already.
void TimerEngine::pace(int64_t now, uint32_t count, bool more) {
	constexpr uint32_t ENOUGH = 4;
	// One that is armed anew each time it has come is not dense, however short its time.
	bool dense = count >= 2 || wheel.earliest() < now + WINDOW / 2;
	if (quick >= ENOUGH && count < 2)
		quick = 0; // sparse again
	else if (quick < ENOUGH)
		quick = dense && now - collected < WINDOW / 2 ? quick + 1 : 0;
	collected = now;
	not_before = quick >= ENOUGH && !more ? now + WINDOW : 0;
}

int64_t TimerEngine::next() {
	int64_t earliest = wheel.earliest();
	return earliest == TimerWheel::NONE ? earliest : std::max(earliest, not_before);
}

void TimerSet::count_expired(Timer& timer, int64_t now) {
	if (timer.due > now) return;
	int64_t times = 1;
	if (timer.interval == 0) {
		timer.due = Timer::NEVER;
	} else {
		times += (now - timer.due) / timer.interval;
		timer.due = add(timer.due + (times - 1) * timer.interval, timer.interval);
	}
	timer.pending = static_cast<uint32_t>(std::min<int64_t>(timer.pending + times, INT_MAX));
}

TimerSetting TimerSet::remaining(const Timer& timer, int64_t now) const {
	if (timer.due == Timer::NEVER) return {};
	int64_t left = timer.due - now;
	if (left <= 0) {
		if (timer.interval == 0) return {};
		left += ((now - timer.due) / timer.interval + 1) * timer.interval;
	}
	return {left, timer.interval};
}

TimerSetting TimerSet::get_time(const Timer& timer) {
	if (timer.due == Timer::NEVER) return {};
	return remaining(timer, sys::clock_ns(clock_of(timer)));
}

// Of one that lies somewhere already.
bool TimerSet::put_elsewhere(uint32_t index, Timer& timer, TimerEngine& in) {
	if (timer.pending != 0 || TimerWheel::held(timer)) return false;
	in.wheel.remove(index);
	in.wheel.place(index, timer, timer.due);
	return in.is_late_for(timer.due);
}

// The present time or a little later: a relative timer is never early.
int64_t TimerSet::most(uint8_t clock) {
	auto which = static_cast<sys::Clock>(clock);
	return which == sys::Clock::MONOTONIC ? monotonic.most() : sys::clock_ns(which);
}

// Times that have passed when a timer is armed are one expiration, the last of them; but the
// high-resolution clock makes up for what is no more than a second ago (6.13).
int64_t TimerSet::first_due(int64_t due, int64_t interval, uint8_t clock) {
	constexpr int64_t MADE_UP = 1'000'000'000;
	auto which = static_cast<sys::Clock>(clock);
	int64_t now = sys::clock_ns(which);
	if (due >= now) return due;
	bool recent = which == sys::Clock::MONOTONIC && now - due - interval <= MADE_UP;
	return recent ? due : now - (now - due) % interval;
}

bool TimerSet::set_any_time(uint32_t index, Timer& timer, const TimerSetting& setting, bool absolute,
                            TimerSetting* old) {
	uint8_t clock = absolute ? timer.absolute : timer.relative;
	bool armed = timer.due != Timer::NEVER;
	bool relative = setting.value != 0 && !absolute;
	int64_t now = armed || relative ? most(armed ? timer.clock : clock) : 0;
	if (old) *old = get_time(timer);
	if (armed && timer.due <= now) [[unlikely]] // by the exact time, then
		count_expired(timer, sys::clock_ns(clock_of(timer))); // for one count with what comes (6.6)
	if (armed && relative && clock != timer.clock) now = most(clock);
	if (setting.value == 0) return disarm(timer);
	int64_t due = absolute ? std::min(setting.value, FARTHEST) : add(now, setting.value);
	if (absolute && setting.interval != 0) due = first_due(due, setting.interval, clock);
	if (clock == timer.clock) return arm(index, timer, due, setting.interval);
	// Over to the other clock; expirations not yet posted are so at once.
	bool placed = timer.where != 0;
	if (TimerEngine* from = engine(timer); from && placed) from->wheel.remove(index);
	timer.clock = clock;
	TimerEngine* to = engine(timer);
	if (to && placed && timer.pending != 0) {
		timer.due = due;
		timer.interval = setting.interval;
		to->wheel.place(index, timer, 0);
		return true;
	}
	return arm(index, timer, due, setting.interval);
}

uint32_t TimerSet::ripen(TimerEngine& from, int64_t now, uint32_t* out, uint32_t max) {
	uint32_t count = from.wheel.pop(now, out, max);
	for (uint32_t i = 0; i < count; i++) {
		Timer& timer = table->at(out[i]);
		count_expired(timer, now);
		timer.flags = Timer::RIPE;
	}
	return count;
}

int32_t TimerSet::retrieve(uint32_t index, bool* held) {
	Timer& timer = table->at(index);
	timer.flags = 0;
	if (timer.due != Timer::NEVER) count_expired(timer, sys::clock_ns(clock_of(timer)));
	TimerEngine* in = engine(timer);
	*held = in && timer.due != Timer::NEVER && timer.where == 0;
	if (*held) in->wheel.hold(index, timer);
	auto count = static_cast<int32_t>(timer.pending);
	timer.pending = 0;
	return count;
}

} // namespace evp
