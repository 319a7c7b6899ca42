#include "sources/timer_source.hpp"

#include "core/port.hpp"
#include "core/registry.hpp"
#include "core/slots.hpp"
#include "sys/no_memory.hpp"

#include <cerrno>

namespace evp {

using shm::Slot;
using shm::SlotState;
using sys::Clock;
using sys::PrivateLock;

namespace {

constexpr uint32_t BATCH = 64;   // posted in one critical section
constexpr uint32_t BUDGET = 512; // in one collection
// What is set to expire within this has, for all we know.
constexpr int64_t CLOCK_SLACK = 1'000'000;

bool can_step_back(Clock clock) { return clock == Clock::REALTIME || clock == Clock::REALTIME_ALARM; }

} // namespace

// --- Making.

// The set of this port, counting one timer more.
Result<TimerSet*> TimerSource::join_set(Port& port, TimerTable& table) {
	for (;;) {
		TimerSet* set = set_.load(std::memory_order_acquire);
		if (!set) {
			const std::atomic<Port*>* anchor = registry::anchor(port);
			if (!anchor) return Error{EBADF}; // closed at this moment
			TimerSet* fresh = table.take_set();
			if (!fresh) return Error{ENOMEM};
			{
				PrivateLock::Guard guard(fresh->lock);
				fresh->table = &table;
				fresh->anchor = anchor;
				fresh->port.store(&port);
				(void)fresh->monotonic.most(); // by the time it is asked in earnest it is calibrated
			}
			if (!set_.compare_exchange_strong(set, fresh)) {
				fresh->port.store(nullptr);
				table.give_back_set(fresh);
				continue;
			}
			set = fresh;
		}
		PrivateLock::Guard guard(set->lock);
		if (set->port.load() != &port) continue; // let go of at this moment
		set->timers++;
		return set;
	}
}

void TimerSource::leave_set(TimerSet& set) {
	bool unused;
	{
		PrivateLock::Guard guard(set.lock);
		unused = set.leave();
	}
	if (unused) set.table->give_back_set(&set);
}

// Also makes room in it for every timer of the set.
Result<void> TimerSource::need_engine(Port& port, TimerSet& set, Clock clock) {
	std::shared_ptr<TimerEngine>& engine = set.engines[static_cast<int>(clock)];
	PrivateLock::Guard guard(set.lock);
	if (!engine) {
		guard.unlock();
		Result<sys::UniqueFd> made = sys::timerfd_make(clock);
		if (!made) return Error{made.error()};
		sys::UniqueFd high = sys::move_high(std::move(*made));
		int fd = high.get();
		using Made = Result<std::shared_ptr<TimerEngine>>;
		Made fresh = sys::or_no_memory(
		    [&]() -> Made { return std::make_shared<TimerEngine>(*set.table, std::move(high)); });
		if (!fresh) return Error{fresh.error()};
		// Before there are timers: later nobody could be told that they will not be heard of.
		if (Result<void> r = port.watch_private(SourceKind::TIMER, fd); !r) return r;
		guard.lock(set.lock);
		if (!engine && set.port.load()) {
			engine = std::move(*fresh);
			registry::note_internal(fd, true);
		}
	}
	if (engine && !engine->wheel.reserve(set.timers)) return Error{ENOMEM};
	return {};
}

// The slot, and the record's part in the set. Both locked.
Result<void> TimerSource::attach(Port& port, TimerSet& set, uint32_t index, uint64_t user) {
	shm::Region& region = port.region();
	if (set.port.load() != &port) return Error{EBADF}; // let go of at this moment
	int error = 0;
	uint32_t at = slots::take(region, &error);
	if (at == 0) return Error{error};
	uint64_t id = set.table->id_of(index);
	Timer& timer = set.table->at(index);
	timer.slot = at;
	timer.set.store(&set, std::memory_order_release);
	Slot& slot = region.slot(at);
	slot.source.store(static_cast<uint8_t>(SourceKind::TIMER));
	slot.flags.store(shm::SLOT_RETAINED | shm::SLOT_LATE);
	slot.owner.store(port.member());
	slot.object.store(id);
	slot.user.store(user);
	slot.events.store(0);
	slots::publish(region, at, SlotState::CACHED);
	return {};
}

// Into a set that has all it takes already, as all but the first few do. Nothing: it has not.
std::optional<Result<void>> TimerSource::create_more(Port& port, uint32_t index, sys::ClockUse clocks,
                                                     uint64_t user) {
	TimerSet* set = set_.load(std::memory_order_acquire);
	if (!set) return {};
	Port::Guard guard(port);
	PrivateLock::Guard within(set->lock);
	if (!set->has_room(clocks.relative) || !set->has_room(clocks.absolute)) return {};
	Result<void> made = attach(port, *set, index, user);
	if (made) set->timers++;
	return made;
}

Result<void> TimerSource::create(Port& port, uint32_t index, sys::ClockUse clocks, uint64_t user) {
	TimerTable* table = TimerTable::current();
	Timer& timer = table->at(index);
	timer.absolute = static_cast<uint8_t>(clocks.absolute);
	timer.clock = timer.relative = static_cast<uint8_t>(clocks.relative);
	if (auto made = create_more(port, index, clocks, user)) return *made;
	Result<TimerSet*> joined = join_set(port, *table);
	if (!joined) return Error{joined.error()};
	TimerSet& set = **joined;
	Result<void> made = need_engine(port, set, clocks.relative);
	if (made && clocks.absolute != clocks.relative) made = need_engine(port, set, clocks.absolute);
	// The slot is tested before the clock's back end (6.1).
	bool full = port.region().header().used.load() >= port.region().limit();
	if (!made && full) made = Error{EAGAIN};
	if (made) {
		Port::Guard guard(port);
		PrivateLock::Guard within(set.lock);
		made = attach(port, set, index, user);
	}
	if (!made) leave_set(set);
	return made;
}

// --- From the timerfd to the queue.

void TimerSource::sync(Port& port, TimerSet& set, Clock clock) {
	PrivateLock::Guard guard(set.lock);
	std::shared_ptr<TimerEngine> engine = set.engines[static_cast<int>(clock)];
	if (!engine || engine->syncing) return;
	engine->syncing = true;
	for (;;) {
		int64_t want = engine->next();
		bool watch = want != TimerWheel::NONE && !engine->watched;
		bool program = watch ? want != engine->programmed : want < engine->programmed;
		bool leave = want == TimerWheel::NONE && !engine->watched && engine->counted;
		if (set.port.load() != &port || !(watch || program || leave)) break;
		bool count = watch && !engine->counted;
		// Said before it is done: a collection that comes in between takes it back.
		if (program) engine->programmed = want;
		if (watch) engine->watched = engine->counted = true;
		if (leave) engine->counted = false;
		guard.unlock();
		if (program) sys::timerfd_set(engine->fd.get(), want);
		if (count || leave) {
			Port::Guard locked(port);
			port.private_add(count ? 1 : -1);
		}
		if (watch) port.watch_again(SourceKind::TIMER, engine->fd.get());
		guard.lock(set.lock);
	}
	engine->syncing = false;
}

// Whether this clock's descriptor may be the one that was ready; it is disarmed then.
bool TimerSource::fired(TimerSet& set, Clock clock) {
	PrivateLock::Guard guard(set.lock);
	TimerEngine* engine = set.engines[static_cast<int>(clock)].get();
	if (!engine || !engine->watched) return false;
	if (!can_step_back(clock) && engine->programmed > sys::clock_ns(clock) + CLOCK_SLACK) return false;
	engine->watched = false;
	return true;
}

void TimerSource::collect(Port& port) {
	TimerSet* set = set_.load(std::memory_order_acquire);
	if (!set) return;
	uint32_t ripe[BATCH];
	uint32_t generations[BATCH];
	for (int c = 0; c < sys::CLOCKS; c++) {
		Clock clock = static_cast<Clock>(c);
		if (!fired(*set, clock)) continue;
		int64_t now = sys::clock_ns(clock);
		for (uint32_t count = BATCH, sum = 0; count == BATCH && sum < BUDGET; sum += count) {
			{
				PrivateLock::Guard guard(set->lock);
				TimerEngine* engine = set->engines[c].get();
				if (!engine) break;
				count = set->ripen(*engine, now, ripe, BATCH);
				bool last = count < BATCH || sum + count >= BUDGET;
				// A clock that is set back must not make them wait for it.
				if (last && !can_step_back(clock)) engine->pace(now, sum + count, count == BATCH);
				for (uint32_t i = 0; i < count; i++)
					generations[i] = set->table->at(ripe[i]).generation.load(std::memory_order_relaxed);
			}
			if (count != 0) post(port, *set, ripe, generations, count);
		}
		sync(port, *set, clock);
	}
}

void TimerSource::post(Port& port, TimerSet& set, const uint32_t* ripe, const uint32_t* generations,
                       uint32_t count) {
	Port::Guard guard(port);
	PrivateLock::Guard within(set.lock);
	if (set.port.load() != &port) return;
	auto deleted = [&](uint32_t i) { // its record may be another set's by now
		return set.table->at(ripe[i]).generation.load(std::memory_order_relaxed) != generations[i];
	};
	for (uint32_t i = 0; i < count; i++)
		if (!deleted(i)) __builtin_prefetch(&port.region().slot(set.table->at(ripe[i]).slot), 1);
	for (uint32_t i = 0; i < count; i++) {
		if (deleted(i)) continue;
		Timer& timer = set.table->at(ripe[i]);
		timer.flags = Timer::QUEUED;
		slots::enqueue(port.region(), timer.slot);
	}
}

bool TimerSource::deliver(Port& port, Slot& slot, Event& event) {
	TimerSet* set = set_.load(std::memory_order_acquire);
	TimerTable* table = set ? set->table : nullptr;
	uint32_t index = table ? table->find(event.object) : 0;
	bool held = false;
	int32_t count = 0;
	if (index != 0) {
		PrivateLock::Guard guard(set->lock);
		Timer& timer = table->at(index);
		if (timer.set.load() == set && timer.flags == Timer::QUEUED &&
		    &port.region().slot(timer.slot) == &slot)
			count = set->retrieve(index, &held);
	}
	if (held) port.call_after(SourceKind::TIMER);
	if (count == 0) slot.state.store_release(SlotState::CACHED); // a peer scribbled on it
	event.events = count;
	return count != 0;
}

void TimerSource::after(Port& port) {
	TimerSet* set = set_.load(std::memory_order_acquire);
	if (!set) return;
	{
		PrivateLock::Guard guard(set->lock);
		for (auto& engine : set->engines)
			if (engine) engine->wheel.admit();
	}
	for (int c = 0; c < sys::CLOCKS; c++) sync(port, *set, static_cast<Clock>(c));
}

// --- Letting go.

void TimerSource::close(Port& port) {
	TimerSet* set = set_.exchange(nullptr);
	if (!set) return;
	std::shared_ptr<TimerEngine> engines[sys::CLOCKS];
	bool unused;
	{
		PrivateLock::Guard guard(set->lock);
		set->port.store(nullptr);
		for (int c = 0; c < sys::CLOCKS; c++) engines[c] = std::move(set->engines[c]);
		unused = set->timers == 0;
	}
	for (auto& engine : engines) {
		if (!engine) continue;
		if (sys::epoll_del(port.inner(), engine->fd.get()) == EBADF)
			registry::give_up_internal(engine->fd, false);
		else
			registry::note_internal(engine->fd.get(), false); // another thread may be about to set it
	}
	if (unused) set->table->give_back_set(set);
}

// In a child, of what is its parent's: the lock may be held by a thread that does
// not exist here.
void TimerSource::forget() {
	TimerSet* set = set_.exchange(nullptr);
	if (!set) return;
	for (auto& engine : set->engines)
		if (engine) registry::give_up_internal(engine->fd, sys::is_timerfd(engine->fd.get()));
}

std::unique_ptr<Source> make_timer_source() { return std::make_unique<TimerSource>(); }

} // namespace evp
