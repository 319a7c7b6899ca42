#include "sources/library_table.hpp"

#include "sys/no_memory.hpp"

#include <new>

namespace evp::library {

std::atomic<Table*> Table::newest{nullptr};

Table* Table::existing() {
	Table* now = newest.load(std::memory_order_acquire);
	return now && now->image_ == sys::process_epoch() ? now : nullptr;
}

Table* Table::current() {
	for (;;) {
		Table* now = newest.load(std::memory_order_acquire);
		if (now && now->image_ == sys::process_epoch()) return now;
		auto* fresh = new (std::nothrow) Table;
		if (!fresh) return nullptr;
		fresh->image_ = sys::process_epoch();
		fresh->inherited_ = now; // somebody may have held its lock
		if (newest.compare_exchange_strong(now, fresh)) return fresh;
		delete fresh;
	}
}

template <class T>
T* Pool<T>::take() {
	T* record = static_cast<T*>(free_);
	if (record) {
		free_ = record->next_free;
	} else {
		if (records_.size() == MOST) return nullptr;
		Result<T*> made = sys::or_no_memory([&]() -> Result<T*> { return &records_.emplace_back(); });
		if (!made) return nullptr;
		record = *made;
		record->index = static_cast<uint32_t>(records_.size() - 1);
	}
	record->generation++;
	return record;
}

template class Pool<SourceRecord>;
template class Pool<SlotRecord>;

void Table::add(SourceRecord& source) {
	source.prev = nullptr;
	source.next = first;
	if (first) first->prev = &source;
	first = &source;
}

void Table::remove(SourceRecord& source) {
	(source.prev ? source.prev->next : first) = source.next;
	if (source.next) source.next->prev = source.prev;
}

void Table::attach(SlotRecord& slot, SourceRecord& source) {
	slot.source = &source;
	slot.prev = nullptr;
	slot.next = source.first;
	if (source.first) source.first->prev = &slot;
	source.first = &slot;
}

void Table::detach(SlotRecord& slot) {
	(slot.prev ? slot.prev->next : slot.source->first) = slot.next;
	if (slot.next) slot.next->prev = slot.prev;
	slot.source = nullptr;
	slots.give_back(slot);
}

} // namespace evp::library
