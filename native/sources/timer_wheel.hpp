// When the timers of one clock are to be looked at: a hierarchical wheel that is
// exact.
//
// Ticks of 2^20 ns (about a millisecond); six levels of 256 lists, each level's
// lists 256 times as long as those of the level below. A timer lies in the level
// of the highest digit in which its tick differs from the present one, so every
// list of a level comes before all of the next level. Timers of the present tick
// or earlier ("near") are sorted: a list of level 0 when its tick comes (the
// run), what is placed later than that in a heap. Each list knows the earliest
// time in it, so the one timerfd is set to the very expiration, never to a tick.
//
// Cancelling and re-arming for later leave a timer where it is: it is dropped or
// moved on when its place comes up, at the latest at its former time.
// Locks: that of the timer set. Memory: only reserve() allocates.
#pragma once
#include "sources/timer_table.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdlib>

namespace evp {

class TimerWheel {
public:
	static constexpr int64_t NONE = INT64_MAX;

	explicit TimerWheel(TimerTable& table) : table_(table) { std::fill_n(earliest_, LEVELS * LISTS, NONE); }

	// Room for so many timers in all. False: no memory, nothing changed.
	bool reserve(uint32_t timers);
	bool has_room(uint32_t timers) const { return timers <= room_; }

	// To be looked at then. The timer is nowhere now. Inlined: of many timers each is a cache miss, and the
	// processor fetches the next one's only if it sees that far ahead.
	[[gnu::always_inline]] void place(uint32_t index, Timer& timer, int64_t at) {
		uint64_t tick = tick_of(at);
		if (tick <= tick_) [[unlikely]]
			place_near(index, timer, at);
		else
			place_far(index, timer, at, tick);
	}
	// Kept aside, to be placed when it is due by the next admit().
	void hold(uint32_t index, Timer& timer) { link(index, timer, HELD); }
	void admit();
	void remove(uint32_t index);
	// Of what remove() will touch.
	void prefetch(const Timer& timer) const {
		if (timer.where == 0 || timer.where == NEAR) return;
		if (timer.next != 0) __builtin_prefetch(&table_.at(timer.next), 1);
		if (timer.prev != 0) __builtin_prefetch(&table_.at(timer.prev), 1);
	}
	static bool held(const Timer& timer) { return list_of(timer) == HELD; }

	// No timer is to be looked at before; NONE: there is none. May be too early,
	// for one that was cancelled since.
	int64_t earliest();

	// Takes out up to `max` timers that have expired, or have expirations to be
	// told of, by `now`: the earliest first.
	uint32_t pop(int64_t now, uint32_t* out, uint32_t max);

private:
	static constexpr int TICK_BITS = 20;
	static constexpr int DIGIT_BITS = 8;
	static constexpr uint32_t LISTS = 1u << DIGIT_BITS; // a level
	static constexpr uint32_t LEVELS = 6;               // 2^(20 + 6 * 8) ns and more
	static constexpr uint32_t HELD = LEVELS * LISTS;
	// Each list is several chains, walked side by side: their cache misses overlap.
	static constexpr uint32_t CHAINS = 4;
	static constexpr uint16_t NEAR = UINT16_MAX;

	struct Entry {
		int64_t at;
		uint32_t index;
		uint32_t sequence;
	};
	// Grows by reserve() alone, which says so when there is no memory.
	class Entries {
	public:
		Entries() = default;
		Entries(const Entries&) = delete;
		~Entries() { std::free(first_); }
		bool reserve(size_t room) {
			void* grown = std::realloc(first_, room * sizeof(Entry));
			if (!grown) return false;
			first_ = static_cast<Entry*>(grown);
			room_ = room;
			return true;
		}
		bool empty() const { return size_ == 0; }
		bool full() const { return size_ == room_; }
		Entry* begin() { return first_; }
		Entry* end() { return first_ + size_; }
		const Entry& front() const { return first_[0]; }
		const Entry& back() const { return first_[size_ - 1]; }
		void push_back(const Entry& entry) { first_[size_++] = entry; }
		void pop_back() { size_--; }
		void cut(const Entry* end) { size_ = static_cast<size_t>(end - first_); }

	private:
		Entry* first_ = nullptr;
		size_t size_ = 0;
		size_t room_ = 0;
	};
	struct Later { // order of the run, and of the heap
		bool operator()(const Entry& a, const Entry& b) const { return a.at > b.at; }
	};

	static uint64_t tick_of(int64_t at) { return static_cast<uint64_t>(at) >> TICK_BITS; }
	static uint32_t list_of(const Timer& timer) { return (timer.where - 1u) / CHAINS; }
	static int64_t wanted(const Timer& timer);
	void place_near(uint32_t index, Timer& timer, int64_t at);
	[[gnu::always_inline]] void place_far(uint32_t index, Timer& timer, int64_t at, uint64_t tick) {
		uint32_t level = static_cast<uint32_t>(std::bit_width(tick ^ tick_) - 1) / DIGIT_BITS;
		uint32_t digit = static_cast<uint32_t>(tick >> level * DIGIT_BITS) % LISTS;
		uint32_t list = level * LISTS + digit;
		if (at < earliest_[list]) {
			earliest_[list] = at;
			filled_[level][digit / 64] |= 1ull << digit % 64;
			levels_ |= 1u << level;
		}
		timer.placed = at;
		link(index, timer, list);
	}
	[[gnu::always_inline]] void link(uint32_t index, Timer& timer, uint32_t list) {
		uint32_t chain = index % CHAINS;
		uint32_t& head = heads_[list][chain];
		timer.next = head;
		timer.prev = 0;
		timer.where = static_cast<uint16_t>(list * CHAINS + chain + 1);
		if (head != 0) table_.at(head).prev = index;
		head = index;
	}
	void unlink(uint32_t index, Timer& timer);
	bool empty(uint32_t list) const;
	void emptied(uint32_t list);
	bool outdated(const Entry& entry) const;
	static uint32_t move_on(Timer& timer);
	static Entry enter(uint32_t index, Timer& timer, int64_t at);
	void drop_outdated();
	bool next_near(Entry* entry, bool take);
	uint32_t first_list() const;
	bool pull(int64_t now);

	TimerTable& table_;
	uint64_t tick_ = 0; // the present one
	uint32_t heads_[LEVELS * LISTS + 1][CHAINS]{};
	int64_t earliest_[LEVELS * LISTS]; // of each list; NONE: it is empty
	uint64_t filled_[LEVELS][LISTS / 64]{};
	uint32_t levels_ = 0; // which have a list that is not empty
	Entries run_; // the latest first
	Entries heap_;
	uint32_t room_ = 0;
};

} // namespace evp
