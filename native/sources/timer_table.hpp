// The timers of a process and their ids.
//
// A record is type-stable: once made it is never unmapped, only used again, so an
// id that has gone stale can be looked up without a lock. What a record says is
// guarded by the lock of its set (timer_set.hpp); which records are free, by the
// table's own. Fork: a child has none of its parent's timers (6.9), so it starts
// with a table of its own.
#pragma once
#include "core/types.hpp"
#include "sources/timer.hpp"
#include "sys/private_lock.hpp"

namespace evp {

struct TimerSet;

struct alignas(64) Timer {
	static constexpr int64_t NEVER = INT64_MAX;

	enum Flag : uint8_t {
		RIPE = 1,   // expired, about to be queued by a collection
		QUEUED = 2, // its event is in the port's queue
	};

	int64_t due = NEVER;   // next expiration on the clock it is armed on; NEVER: disarmed
	int64_t interval = 0;  // 0: once
	int64_t placed = 0;    // where the wheel keeps it: never later than due
	std::atomic<TimerSet*> set{nullptr};
	std::atomic<uint32_t> generation{0}; // of its id
	uint32_t slot = 0;     // in the port's region
	uint32_t next = 0;     // in a list of the wheel, or of free records
	uint32_t prev = 0;
	std::atomic<uint32_t> sequence{0}; // of its valid entry among the near ones of a wheel
	uint32_t pending = 0;  // expirations not retrieved yet, at most INT_MAX
	uint16_t where = 0;    // in the wheel (timer_wheel.hpp); 0: nowhere
	uint8_t absolute = 0;  // the sys::Clock it is armed on by an absolute time,
	uint8_t relative = 0;  // and by a relative one, which no step of a clock moves
	uint8_t clock = 0;     // of these, the one it was last armed on
	uint8_t flags = 0;
};
static_assert(sizeof(Timer) == 64);

class TimerTable {
public:
	// Of this process image.
	static TimerTable* current(const sys::Thread& thread = sys::self()) {
		TimerTable* now = newest.load(std::memory_order_acquire);
		if (now && now->image_ == thread.epoch.load(std::memory_order_relaxed)) [[likely]]
			return now;
		return make_current();
	}

	// 0: no memory, or more timers than ids.
	uint32_t take();
	// One whose generations are used up is not used again: no id is given out twice.
	void give_back(uint32_t index);

	Timer& at(uint32_t index) const {
		return chunks_[index / CHUNK].load(std::memory_order_acquire)[index % CHUNK];
	}

	// Ids: bit 62, the generation, the index: 53 bits below the mark, which a double holds.
	uint64_t id_of(uint32_t index) const {
		uint64_t generation = at(index).generation.load(std::memory_order_relaxed);
		return MARK | generation << INDEX_BITS | index;
	}
	// The record an id was given for, 0 for none.
	uint32_t index_of(uint64_t id) const {
		uint32_t index = id % (1u << INDEX_BITS);
		return timers::ours(id) && index < fresh_.load(std::memory_order_acquire) ? index : 0;
	}
	// The record an id names now, 0 for none.
	uint32_t find(uint64_t id) const {
		uint32_t index = index_of(id);
		if (index == 0) return 0;
		const Timer& timer = at(index);
		return names(id, timer) && timer.set.load(std::memory_order_acquire) ? index : 0;
	}
	static bool names(uint64_t id, const Timer& timer) {
		return timer.generation.load(std::memory_order_relaxed) == generation_of(id);
	}

	// Ends what an id names; the record is given back afterwards.
	static void retire(Timer& timer) {
		uint32_t generation = timer.generation.load(std::memory_order_relaxed);
		timer.generation.store(generation + 1, std::memory_order_relaxed);
		timer.set.store(nullptr, std::memory_order_release);
	}

	// Sets that nobody uses; they are type-stable too.
	TimerSet* take_set();
	void give_back_set(TimerSet* set);

private:
	static constexpr uint64_t MARK = 1ull << 62;
	static constexpr int INDEX_BITS = 26; // lib/timers.ts knows it
	static constexpr uint32_t GENERATIONS = 1u << (53 - INDEX_BITS);
	static constexpr uint32_t CHUNK = 1u << 15;  // two megabytes, a huge page of most machines
	static constexpr uint32_t CHUNKS = (1u << INDEX_BITS) / CHUNK; // 67 million timers

	static TimerTable* make_current();
	static uint64_t generation_of(uint64_t id) { return (id ^ MARK) >> INDEX_BITS; }

	static std::atomic<TimerTable*> newest;

	uint64_t image_ = 0;
	sys::PrivateLock lock_;
	std::atomic<uint32_t> fresh_{1};
	uint32_t free_ = 0;
	TimerSet* free_sets_ = nullptr;
	std::atomic<Timer*> chunks_[CHUNKS]{};
};

} // namespace evp
