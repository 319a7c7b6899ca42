#include "core/slots.hpp"

#include <cerrno>

namespace evp::slots {

using shm::Header;
using shm::QueueWords;

namespace {

QueueWords& queue_of(Region& region, Slot& slot) {
	return slot.flags.load() & shm::SLOT_SHARED ? region.header().shared
	                                            : region.member(slot.owner.load()).queue;
}

template <class T>
void add(shm::Cell<T>& cell, T amount) {
	cell.store(static_cast<T>(cell.load() + amount));
}

template <class T>
void subtract(shm::Cell<T>& cell, T amount) { // a scribbled counter stops at 0
	T now = cell.load();
	cell.store(now > amount ? static_cast<T>(now - amount) : 0);
}

} // namespace

uint32_t take(Region& region, int* error) {
	Header& header = region.header();
	uint32_t index = header.free_head.load();
	if (header.used.load() + header.reserved.load() >= region.limit()) {
		*error = EAGAIN;
		return 0;
	}
	if (index != 0) {
		header.free_head.store(region.slot(index).next.load());
	} else {
		index = header.fresh.load();
		if (index > region.limit() || !region.need_slots(index + 1)) {
			*error = ENOMEM;
			return 0;
		}
		header.fresh.store(index + 1);
	}
	add(header.used, 1u);
	return index;
}

void publish(Region& region, uint32_t index, SlotState state) {
	region.slot(index).state.store_release(state);
}

void release(Region& region, uint32_t index) {
	Header& header = region.header();
	Slot& slot = region.slot(index);
	slot.state.store_release(SlotState::FREE);
	slot.next.store(header.free_head.load());
	header.free_head.store(index);
	subtract(header.used, 1u);
}

void enqueue(Region& region, uint32_t index) {
	Header& header = region.header();
	Slot& slot = region.slot(index);
	QueueWords& queue = queue_of(region, slot);
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
	add(queue.count, 1u);
	add(header.queued, 1u);
}

void dequeue(Region& region, uint32_t index) {
	Slot& slot = region.slot(index);
	QueueWords& queue = queue_of(region, slot);
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
	subtract(queue.count, 1u);
	subtract(region.header().queued, 1u);
}

uint32_t oldest(Region& region, uint32_t member) {
	uint32_t own = region.member(member).queue.head.load();
	uint32_t any = region.header().shared.head.load();
	if (own == 0) return any;
	if (any == 0) return own;
	return region.slot(own).seq.load() < region.slot(any).seq.load() ? own : any;
}

uint32_t deliverable(Region& region, uint32_t member) {
	return region.member(member).queue.count.load() + region.header().shared.count.load();
}

uint64_t table_hash(uint8_t source, uint64_t object) {
	// Descriptors are dense and small: their own number keeps the table's used
	// part as small as they are. Addresses are mixed.
	if (source == static_cast<uint8_t>(SourceKind::FD)) return object;
	uint64_t mixed = (object >> 4) * 0x9E3779B97F4A7C15u;
	return mixed >> 32;
}

void table_insert(Region& region, uint32_t index) {
	Slot& slot = region.slot(index);
	auto& bucket = region.bucket(table_hash(slot.source.load(), slot.object.load()));
	slot.chain.store(bucket.load());
	bucket.store(index);
}

void table_remove(Region& region, uint32_t index) {
	Slot& slot = region.slot(index);
	auto& bucket = region.bucket(table_hash(slot.source.load(), slot.object.load()));
	uint32_t after = slot.chain.load();
	uint32_t at = bucket.load();
	if (at == index) {
		bucket.store(after);
		return;
	}
	for (uint32_t steps = 0; at != 0 && steps <= region.limit(); steps++) {
		Slot& before = region.slot(at);
		at = before.chain.load();
		if (at == index) {
			before.chain.store(after);
			return;
		}
	}
}

namespace {

template <class Match>
uint32_t search(Region& region, uint8_t source, uint64_t object, Match match) {
	uint64_t hash = table_hash(source, object);
	// A bucket beyond the backed part was never used.
	if (region.bucket_index(hash) >= region.header().buckets_committed.load()) return 0;
	uint32_t at = region.bucket(hash).load();
	for (uint32_t steps = 0; at != 0 && steps <= region.limit(); steps++) {
		Slot& slot = region.slot(at);
		if (slot.object.load() == object && slot.source.load() == source && match(slot)) return at;
		at = slot.chain.load();
	}
	return 0;
}

} // namespace

uint32_t table_find(Region& region, uint8_t source, uint64_t object, uint32_t owner) {
	return search(region, source, object, [&](Slot& s) { return s.owner.load() == owner; });
}

uint32_t table_find_other(Region& region, uint8_t source, uint64_t object, uint32_t owner) {
	return search(region, source, object, [&](Slot& s) { return s.owner.load() != owner; });
}

} // namespace evp::slots
