#include "sources/timer_table.hpp"

#include "sources/timer_set.hpp"
#include "sys/memory.hpp"

#include <new>

namespace evp {

std::atomic<TimerTable*> TimerTable::newest{nullptr};

TimerTable* TimerTable::make_current() {
	uint64_t image = sys::process_epoch();
	for (;;) {
		TimerTable* now = newest.load(std::memory_order_acquire);
		if (now && now->image_ == image) [[likely]]
			return now;
		// The parent's, if any, stays where it is: another thread of it may have
		// been anywhere inside.
		auto* fresh = new (std::nothrow) TimerTable;
		if (!fresh) return nullptr;
		fresh->image_ = image;
		if (!newest.compare_exchange_strong(now, fresh)) delete fresh;
	}
}

uint32_t TimerTable::take() {
	sys::PrivateLock::Guard guard(lock_);
	uint32_t index = free_;
	if (index != 0) {
		free_ = at(index).next;
	} else {
		index = fresh_.load(std::memory_order_relaxed);
		if (index / CHUNK >= CHUNKS) return 0;
		auto& chunk = chunks_[index / CHUNK];
		if (!chunk.load(std::memory_order_relaxed)) {
			// Who has that many timers uses them in no order: huge pages save the
			// walks to find them. The first chunk is for everyone, and small.
			Result<void*> records = sys::map_private(CHUNK * sizeof(Timer), index >= CHUNK);
			if (!records) return 0;
			chunk.store(static_cast<Timer*>(*records), std::memory_order_release);
		}
		new (static_cast<void*>(&at(index))) Timer;
		fresh_.store(index + 1, std::memory_order_release);
	}
	Timer& timer = at(index);
	timer.due = Timer::NEVER;
	timer.interval = 0;
	timer.pending = 0;
	timer.where = 0;
	timer.flags = 0;
	return index;
}

void TimerTable::give_back(uint32_t index) {
	if (at(index).generation.load(std::memory_order_relaxed) == GENERATIONS) return;
	sys::PrivateLock::Guard guard(lock_);
	at(index).next = free_;
	free_ = index;
}

TimerSet* TimerTable::take_set() {
	sys::PrivateLock::Guard guard(lock_);
	TimerSet* set = free_sets_;
	if (set)
		free_sets_ = set->next_free;
	else
		set = new (std::nothrow) TimerSet;
	return set;
}

void TimerTable::give_back_set(TimerSet* set) {
	sys::PrivateLock::Guard guard(lock_);
	set->next_free = free_sets_;
	free_sets_ = set;
}

} // namespace evp
