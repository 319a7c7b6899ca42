// PORT_SOURCE_TIMER (section 6): what the port sees of it.
//
// Interface: create and sync for the calls (timer_calls.cpp); collect, deliver, after,
// close, revive for the port. A timer has one slot from create to remove, CACHED or
// QUEUED, which only its process may retrieve.
// Files: timer_table (ids), timer_set (the rules), timer_wheel (what is due).
// Locks: the port's, then the set's. System calls are made with neither; the one
// thread that brings a timerfd in line with its wheel goes on until it is (sync).
// Fork: a child forgets the set and closes its copies of the descriptors.
#pragma once
#include "sources/timer.hpp"
#include "sources/timer_set.hpp"

#include <optional>

namespace evp {

class TimerSource final : public Source {
public:
	~TimerSource() override { forget(); }
	SourceKind kind() const override { return SourceKind::TIMER; }
	void collect(Port& port) override;
	bool deliver(Port& port, shm::Slot& slot, Event& event) override;
	void after(Port& port) override;
	void close(Port& port) override;
	void revive(Port&) override { forget(); }

	Result<void> create(Port& port, uint32_t index, sys::ClockUse clocks, uint64_t user);
	// Brings a timerfd and its registration in line with the wheel.
	void sync(Port& port, TimerSet& set, sys::Clock clock);

private:
	std::optional<Result<void>> create_more(Port& port, uint32_t index, sys::ClockUse clocks, uint64_t user);
	Result<TimerSet*> join_set(Port& port, TimerTable& table);
	static void leave_set(TimerSet& set);
	Result<void> attach(Port& port, TimerSet& set, uint32_t index, uint64_t user);
	Result<void> need_engine(Port& port, TimerSet& set, sys::Clock clock);
	bool fired(TimerSet& set, sys::Clock clock);
	void post(Port& port, TimerSet& set, const uint32_t* ripe, const uint32_t* generations, uint32_t count);
	void forget();

	std::atomic<TimerSet*> set_{nullptr};
};

} // namespace evp
