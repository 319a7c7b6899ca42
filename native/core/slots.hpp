// Slots and queues of a port: what bounds everything and orders everything.
// All with the port's lock held.
// Inline: these few stores are the cost of a message.
#pragma once
#include "core/types.hpp"
#include "shm/region.hpp"

#include <cerrno>

namespace evp::slots {

using shm::Region;
using shm::Slot;
using shm::SlotState;

namespace detail {

inline shm::QueueWords& queue_of(Region& region, Slot& slot) {
	return slot.flags.load() & shm::SLOT_SHARED ? region.header().shared
	                                            : region.member(slot.owner.load()).queue;
}

template <class T>
inline void add(shm::Cell<T>& cell, T amount) {
	cell.store(static_cast<T>(cell.load() + amount));
}

template <class T>
inline void subtract(shm::Cell<T>& cell, T amount) { // a scribbled counter stops at 0
	T now = cell.load();
	cell.store(now > amount ? static_cast<T>(now - amount) : 0);
}

} // namespace detail

// Slots promised to signal handlers. The members' own counts are the truth; the header
// just says that there may be some, so no death leaves a promise behind. A handler makes
// its count first and says so then; who counts takes the word down first.
inline uint64_t promised(Region& region) {
	shm::Header& header = region.header();
	if (header.promising.load() == 0) [[likely]]
		return 0;
	header.promising.exchange(0);
	uint64_t sum = 0;
	for (uint32_t i = 1; i < header.members_committed.load() && i < shm::MAX_MEMBERS; i++)
		if (region.member(i).state.load() == shm::MemberState::LIVE)
			sum += region.member(i).reserved.load();
	if (sum != 0) header.promising.exchange(1);
	return sum;
}

// Slots are used again in the order in which they were freed, so that those of a stream of messages
// stay neighbours: on their way from the processor that had them last while others are worked on.
inline constexpr uint32_t SENDING_AHEAD = 8;
inline constexpr uint32_t TAKING_AHEAD = 16; // less is done with each
inline void fetch_ahead(Region& region, uint32_t index, uint32_t next, uint32_t ahead) {
	if (next == index + 1) __builtin_prefetch(&region.slot(index + ahead), 1);
}

// A chain of FREE slots.
inline void append_free(Region& region, uint32_t first, uint32_t last) {
	shm::Header& header = region.header();
	uint32_t tail = header.free_tail.load();
	region.slot(last).next.store(0);
	if (tail != 0)
		region.slot(tail).next.store(first);
	else
		header.free_head.store(first);
	header.free_tail.store(last);
}

// A free slot's index, 0 with *error ENOMEM (memory) or EAGAIN (limit) (12.5).
// Its state stays FREE until publish().
inline uint32_t take(Region& region, int* error) {
	shm::Header& header = region.header();
	uint32_t index = header.free_head.load();
	if (header.used.load() + promised(region) >= region.limit()) {
		*error = EAGAIN;
		return 0;
	}
	if (index != 0) {
		uint32_t next = region.slot(index).next.load();
		header.free_head.store(next);
		if (next == 0) header.free_tail.store(0);
		fetch_ahead(region, index, next, SENDING_AHEAD);
	} else {
		index = header.fresh.load();
		if (index == 0 || index > region.limit() || !region.need_slots(index + 1)) {
			*error = ENOMEM;
			return 0;
		}
		header.fresh.store(index + 1);
	}
	detail::add(header.used, 1u);
	return index;
}

// Whether the kernel may have news for the slot: counted in Header::pollable.
inline bool pollable(const Slot& slot) {
	SlotState state = slot.state.load();
	uint16_t flags = slot.flags.load();
	if (!(flags & shm::SLOT_REGISTERED)) return false;
	return state == SlotState::ARMED || (state == SlotState::QUEUED && flags & shm::SLOT_STANDING);
}

// Makes a filled slot exist: everything but `state` was stored before.
inline void publish(Region& region, uint32_t index, SlotState state) {
	region.slot(index).state.store_release(state);
}

// Frees a slot that is in no queue and in no table.
inline void release(Region& region, uint32_t index) {
	shm::Header& header = region.header();
	Slot& slot = region.slot(index);
	slot.state.store_release(SlotState::FREE);
	append_free(region, index, index);
	detail::subtract(header.used, 1u);
}

// Puts a slot at the tail of the queue it belongs to, as QUEUED.
inline void enqueue(Region& region, uint32_t index) {
	shm::Header& header = region.header();
	Slot& slot = region.slot(index);
	shm::QueueWords& queue = detail::queue_of(region, slot);
	uint64_t seq = header.next_seq.load();
	header.next_seq.store(seq + 1);
	slot.seq.store(seq);
	uint32_t tail = queue.tail.load();
	slot.next.store(0);
	slot.prev.store(tail);
	publish(region, index, SlotState::QUEUED);
	if (tail != 0)
		region.slot(tail).next.store(index);
	else
		queue.head.store(index);
	queue.tail.store(index);
	detail::add(queue.count, 1u);
	detail::add(header.queued, 1u);
}

// Takes a QUEUED slot out of its queue; its new state is the caller's to store.
inline void dequeue(Region& region, uint32_t index) {
	Slot& slot = region.slot(index);
	shm::QueueWords& queue = detail::queue_of(region, slot);
	uint32_t next = slot.next.load();
	uint32_t prev = slot.prev.load();
	if (prev != 0)
		region.slot(prev).next.store(next);
	else
		queue.head.store(next);
	if (next != 0)
		region.slot(next).prev.store(prev);
	else
		queue.tail.store(prev);
	detail::subtract(queue.count, 1u);
	detail::subtract(region.header().queued, 1u);
}

// Takes the `count` slots that stand first in everyone's queue out of it, from `first` to `last`, and frees
// them; they are FREE by then, and `next` stands behind them.
inline void free_first(Region& region, uint32_t first, uint32_t last, uint32_t next, uint32_t count) {
	shm::Header& header = region.header();
	header.shared.head.store(next);
	if (next != 0)
		region.slot(next).prev.store(0);
	else
		header.shared.tail.store(0);
	detail::subtract(header.shared.count, count);
	detail::subtract(header.queued, count);
	append_free(region, first, last);
	detail::subtract(header.used, count);
}

// The oldest event that `member` may have, 0 if none.
inline uint32_t oldest(Region& region, uint32_t member) {
	uint32_t own = region.member(member).queue.head.load();
	uint32_t any = region.header().shared.head.load();
	if (own == 0) return any;
	if (any == 0) return own;
	return region.slot(own).seq.load() < region.slot(any).seq.load() ? own : any;
}

// How many events `member` may have.
inline uint32_t deliverable(Region& region, uint32_t member) {
	return region.member(member).queue.count.load() + region.header().shared.count.load();
}

// The table: slots found by their object (an fd number, an address).
void table_insert(Region& region, uint32_t index);   // its bucket must be backed
void table_remove(Region& region, uint32_t index);
uint64_t table_hash(uint8_t source, uint64_t object);
uint32_t table_search(Region& region, uint8_t source, uint64_t object, uint32_t owner) noexcept;
inline uint32_t table_find(Region& region, uint8_t source, uint64_t object, uint32_t owner) {
	// Descriptors have a bucket each, mostly.
	if (source == static_cast<uint8_t>(SourceKind::FD) &&
	    region.bucket_index(object) < region.header().buckets_committed.load()) [[likely]] {
		uint32_t at = region.bucket(object).load();
		Slot& slot = region.slot(at);
		if (slot.object.load() == object && slot.source.load() == source &&
		    slot.owner.load() == owner && at != 0) [[likely]]
			return at;
	}
	return table_search(region, source, object, owner);
}
uint32_t table_find_other(Region& region, uint8_t source, uint64_t object, uint32_t owner);
template <class Do>
void table_each(Region& region, uint8_t source, uint64_t object, Do what) { // whoever owns them
	uint64_t hash = table_hash(source, object);
	if (region.bucket_index(hash) >= region.header().buckets_committed.load()) return;
	uint32_t at = region.bucket(hash).load();
	for (uint32_t steps = 0; at != 0 && steps <= region.limit(); steps++) {
		Slot& slot = region.slot(at);
		at = slot.chain.load();
		if (slot.object.load() == object && slot.source.load() == source) what(slot);
	}
}

} // namespace evp::slots
