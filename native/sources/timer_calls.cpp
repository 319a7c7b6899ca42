// The calls on timers: a timer found by its id, its set locked, its port held.

#include "core/port.hpp"
#include "core/registry.hpp"
#include "core/slots.hpp"
#include "sources/timer_source.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

namespace evp::timers {

using sys::Clock;
using sys::PrivateLock;

namespace {

TimerSource& source_of(Port& port) { return *static_cast<TimerSource*>(port.source(SourceKind::TIMER)); }

bool in_handler(const sys::Thread& thread = sys::self()) {
	return thread.critical.load(std::memory_order_relaxed) != 0;
}

// Which port a set is of, to be held when the set's lock is let go of.
struct Home {
	Port* port = nullptr; // null: closed
	const std::atomic<Port*>* anchor = nullptr;

	PortRef hold() const {
		if (!port) return {};
		PortRef held = registry::hold(*anchor);
		if (held && &*held != port) return {};
		return held;
	}
};

// A timer found by its id, its set locked.
class Found {
public:
	[[gnu::always_inline]] explicit Found(uint64_t id, sys::Thread& thread = sys::self()) {
		TimerTable* table = TimerTable::current(thread);
		index_ = table ? table->index_of(id) : 0;
		if (index_ == 0) return;
		timer_ = &table->at(index_);
		TimerSet* set = timer_->set.load(std::memory_order_acquire);
		if (!set) return;
		guard_.lock(set->lock, thread);
		if (timer_->set.load(std::memory_order_relaxed) == set && TimerTable::names(id, *timer_))
			set_ = set;
		else
			guard_.unlock(); // deleted meanwhile
	}
	Found(const Found&) = delete;
	explicit operator bool() const { return set_ != nullptr; }
	Timer& timer() const { return *timer_; }
	TimerSet& set() const { return *set_; }
	uint32_t index() const { return index_; }
	Home home() const { return {set_->port.load(), set_->anchor}; }

private:
	Timer* timer_ = nullptr;
	uint32_t index_ = 0;
	TimerSet* set_ = nullptr;
	PrivateLock::Guard guard_;
};

PortRef port_of(uint64_t id) {
	Home home;
	if (Found found(id); found) {
		// To be taken out of the wheel: its neighbours are fetched meanwhile.
		TimerSet& set = found.set();
		if (TimerEngine* engine = set.engine(found.timer())) engine->wheel.prefetch(found.timer());
		home = found.home();
	}
	return home.hold();
}

int create_in(Port& port, uint32_t index, sys::ClockUse clocks, uint64_t user) {
	return port.with_room([&] { return source_of(port).create(port, index, clocks, user); }).error();
}

// Finds the port when there is an id for the timer: in the order of 6.1.
template <class WithPort>
Result<uint64_t> create_on(WithPort with_port) {
	if (in_handler()) return Error{EAGAIN};
	TimerTable* table = TimerTable::current();
	uint32_t index = table ? table->take() : 0;
	if (index == 0) return Error{EAGAIN};
	int error = with_port(index);
	if (error == 0) return table->id_of(index);
	table->give_back(index);
	return Error{error};
}

} // namespace

Result<uint64_t> create(sys::ClockUse clocks, int number, uint64_t user) {
	return create_on([&](uint32_t index) {
		int error = 0;
		PortRef port = registry::find(number, &error);
		return port ? create_in(*port, index, clocks, user) : error;
	});
}

Result<uint64_t> create(sys::ClockUse clocks, Port& port, uint64_t user) {
	return create_on([&](uint32_t index) { return create_in(port, index, clocks, user); });
}

Result<void> set(uint64_t id, bool absolute, const TimerSetting& setting, TimerSetting* old) noexcept {
	sys::Thread& thread = sys::self();
	if (in_handler(thread)) [[unlikely]] return Error{EAGAIN};
	TimerSet* set;
	Clock clock;
	Home home;
	{
		Found found(id, thread);
		if (!found) [[unlikely]] return Error{EINVAL};
		set = &found.set();
		if (!set->set_time(found.index(), found.timer(), setting, absolute, old)) [[likely]]
			return {};
		clock = TimerSet::clock_of(found.timer());
		home = found.home();
	}
	if (PortRef port = home.hold()) source_of(*port).sync(*port, *set, clock);
	return {};
}

Result<TimerSetting> get(uint64_t id) {
	if (in_handler()) return Error{EAGAIN};
	Found found(id);
	if (!found) return Error{EINVAL};
	return found.set().get_time(found.timer());
}

Result<Clock> clock(uint64_t id) {
	if (in_handler()) return Error{EAGAIN};
	Found found(id);
	if (!found) return Error{EINVAL};
	return static_cast<Clock>(found.timer().absolute);
}

Result<void> check(uint64_t id) {
	TimerTable* table = TimerTable::current();
	if (!table || table->find(id) == 0) return Error{EINVAL};
	return {};
}

Result<void> remove(uint64_t id) {
	if (in_handler()) return Error{EAGAIN};
	PortRef port = port_of(id);
	uint32_t index;
	TimerSet* set;
	TimerTable* table;
	bool unused;
	{
		std::optional<Port::Guard> guard; // before the set's lock
		if (port) guard.emplace(*port);
		Found found(id);
		if (!found) return Error{EINVAL};
		index = found.index();
		set = &found.set();
		Timer& timer = found.timer();
		if (TimerEngine* engine = set->engine(timer)) engine->wheel.remove(index);
		// Of a port that is going the slot goes with all others.
		if (port && set->port.load() == &*port) {
			if (timer.flags == Timer::QUEUED) slots::dequeue(port->region(), timer.slot);
			slots::release(port->region(), timer.slot);
		}
		table = set->table;
		table->retire(timer);
		unused = set->leave(); // another's, from when the lock is given up
	}
	if (unused) table->give_back_set(set);
	table->give_back(index);
	return {};
}

void remove_all(Port& port) {
	constexpr uint32_t BATCH = 64;
	shm::Region& region = port.region();
	uint64_t ids[BATCH];
	for (uint32_t at = 1, count = BATCH; count == BATCH;) {
		count = 0;
		{
			Port::Guard guard(port);
			uint32_t end = std::min(region.header().fresh.load(), region.limit() + 1);
			for (; at < end && count < BATCH; at++) {
				shm::Slot& slot = region.slot(at);
				if (slot.state.load() != shm::SlotState::FREE && slot.owner.load() == port.member() &&
				    slot.source.load() == static_cast<uint8_t>(SourceKind::TIMER))
					ids[count++] = slot.object.load();
			}
		}
		for (uint32_t i = 0; i < count; i++) (void)remove(ids[i]); // another thread may be first
	}
}

} // namespace evp::timers
