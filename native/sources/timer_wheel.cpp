#include "sources/timer_wheel.hpp"

#include <bit>

namespace evp {

bool TimerWheel::reserve(uint32_t timers) {
	if (has_room(timers)) return true;
	uint32_t room = std::max(timers, room_ + room_ / 2 + 64);
	// In the heap as many outdated ones, see place().
	if (!run_.reserve(room) || !heap_.reserve(2 * size_t{room})) return false;
	room_ = room;
	return true;
}

// When to look at a timer that lies here: at once if it has something to tell.
int64_t TimerWheel::wanted(const Timer& timer) {
	return timer.pending != 0 ? timer.placed : timer.due;
}

bool TimerWheel::empty(uint32_t list) const {
	const uint32_t* heads = heads_[list];
	return (heads[0] | heads[1] | heads[2] | heads[3]) == 0;
}

void TimerWheel::unlink(uint32_t index, Timer& timer) {
	uint32_t list = list_of(timer);
	if (timer.next != 0) table_.at(timer.next).prev = timer.prev;
	if (timer.prev != 0)
		table_.at(timer.prev).next = timer.next;
	else
		heads_[list][index % CHAINS] = timer.next;
	timer.where = 0;
	if (list != HELD && empty(list)) emptied(list);
}

void TimerWheel::emptied(uint32_t list) {
	earliest_[list] = NONE;
	uint64_t* words = filled_[list / LISTS];
	words[list % LISTS / 64] &= ~(1ull << list % 64);
	if ((words[0] | words[1] | words[2] | words[3]) == 0) levels_ &= ~(1u << list / LISTS);
}

// A record that has left this wheel may be another set's by now: its sequence alone may
// be read, and has moved on.
bool TimerWheel::outdated(const Entry& entry) const {
	return table_.at(entry.index).sequence.load(std::memory_order_relaxed) != entry.sequence;
}

uint32_t TimerWheel::move_on(Timer& timer) {
	uint32_t next = timer.sequence.load(std::memory_order_relaxed) + 1;
	timer.sequence.store(next, std::memory_order_relaxed);
	return next;
}

TimerWheel::Entry TimerWheel::enter(uint32_t index, Timer& timer, int64_t at) {
	timer.placed = at;
	timer.where = NEAR;
	return {at, index, move_on(timer)};
}

void TimerWheel::place_near(uint32_t index, Timer& timer, int64_t at) {
	if (heap_.full()) { // at least half of it is outdated
		auto old = [this](const Entry& entry) { return outdated(entry); };
		heap_.cut(std::remove_if(heap_.begin(), heap_.end(), old));
		std::make_heap(heap_.begin(), heap_.end(), Later());
	}
	heap_.push_back(enter(index, timer, at));
	std::push_heap(heap_.begin(), heap_.end(), Later());
}

void TimerWheel::remove(uint32_t index) {
	Timer& timer = table_.at(index);
	if (timer.where == NEAR) {
		timer.where = 0;
		move_on(timer);
	} else if (timer.where != 0) {
		unlink(index, timer);
	}
}

void TimerWheel::admit() {
	for (uint32_t& head : heads_[HELD]) {
		while (uint32_t index = head) {
			Timer& timer = table_.at(index);
			unlink(index, timer);
			if (timer.pending != 0) // expired again while it waited here
				place(index, timer, 0);
			else if (timer.due != Timer::NEVER)
				place(index, timer, timer.due);
		}
	}
}

void TimerWheel::drop_outdated() {
	while (!run_.empty() && outdated(run_.back())) run_.pop_back();
	while (!heap_.empty() && outdated(heap_.front())) {
		std::pop_heap(heap_.begin(), heap_.end(), Later());
		heap_.pop_back();
	}
}

// The earliest of the near timers, and takes it out if asked. False: there is none.
bool TimerWheel::next_near(Entry* entry, bool take) {
	drop_outdated();
	if (run_.empty() && heap_.empty()) return false;
	bool from_run = heap_.empty() || (!run_.empty() && run_.back().at <= heap_.front().at);
	*entry = from_run ? run_.back() : heap_.front();
	if (!take) return true;
	if (from_run) {
		run_.pop_back();
	} else {
		std::pop_heap(heap_.begin(), heap_.end(), Later());
		heap_.pop_back();
	}
	table_.at(entry->index).where = 0;
	return true;
}

// The list whose time comes first. levels_ is not 0.
uint32_t TimerWheel::first_list() const {
	auto level = static_cast<uint32_t>(std::countr_zero(levels_));
	uint32_t word = 0;
	while (word < LISTS / 64 - 1 && filled_[level][word] == 0) word++;
	return level * LISTS + word * 64 + static_cast<uint32_t>(std::countr_zero(filled_[level][word]));
}

int64_t TimerWheel::earliest() {
	Entry entry;
	if (next_near(&entry, false)) return entry.at;
	return levels_ == 0 ? NONE : earliest_[first_list()];
}

// Moves the present tick on to the next list that has begun by `now`, and what is
// in it to where it belongs. False: there is no such list. No timer is near.
bool TimerWheel::pull(int64_t now) {
	if (levels_ == 0) {
		tick_ = tick_of(now); // back too, if the clock was set back
		return false;
	}
	uint32_t list = first_list();
	uint32_t level = list / LISTS;
	uint32_t shift = level * DIGIT_BITS;
	uint64_t start = (tick_ >> shift >> DIGIT_BITS << DIGIT_BITS | list % LISTS) << shift;
	if (start > tick_of(now)) {
		tick_ = std::max(tick_, tick_of(now));
		return false;
	}
	tick_ = start;
	uint32_t next[CHAINS];
	std::copy_n(heads_[list], CHAINS, next);
	std::fill_n(heads_[list], CHAINS, 0u);
	emptied(list);
	while ((next[0] | next[1] | next[2] | next[3]) != 0) {
		for (uint32_t& at_chain : next) {
			uint32_t index = at_chain;
			if (index == 0) continue;
			Timer& timer = table_.at(index);
			at_chain = timer.next;
			timer.where = 0;
			int64_t at = wanted(timer);
			if (at == Timer::NEVER) continue; // cancelled
			if (tick_of(at) <= tick_)
				run_.push_back(enter(index, timer, at));
			else
				place(index, timer, at);
		}
	}
	std::sort(run_.begin(), run_.end(), Later());
	return true;
}

uint32_t TimerWheel::pop(int64_t now, uint32_t* out, uint32_t max) {
	uint32_t count = 0;
	Entry entry;
	while (count < max) {
		if (!next_near(&entry, false)) {
			if (!pull(now)) break;
			continue;
		}
		if (entry.at > now) break;
		next_near(&entry, true);
		Timer& timer = table_.at(entry.index);
		int64_t at = wanted(timer);
		if (at == Timer::NEVER) continue; // cancelled
		if (at > entry.at)
			place(entry.index, timer, at); // armed for later since, if only by a little: in its order
		else
			out[count++] = entry.index;
	}
	return count;
}

} // namespace evp
