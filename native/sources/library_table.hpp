// The records behind handles of library.hpp.
//
// Type-stable: used again, never freed, so that any handle can be looked up. All is
// guarded by the table's lock, which is taken inside a port's, never the other way; what
// ties a slot to a source and a source to a port changes only under that port's lock as
// well, so holding either keeps it as it is.
// Fork: a child starts with a table of its own, whose handles are unlike its parent's.
#pragma once
#include "sources/library.hpp"
#include "sys/private_lock.hpp"

#include <deque>

namespace evp::library {

struct SlotRecord;

// What handles are made of; the record itself is either of the two below.
struct Record {
	uint32_t index = 0;
	uint32_t generation = 0; // odd: in use
	Record* next_free = nullptr;
};

struct SourceRecord : Record {
	Port* port = nullptr; // compared only: it is held by its anchor. Null: let go of
	const std::atomic<Port*>* anchor = nullptr;
	uint32_t number = 0;
	Callbacks callbacks;
	void* arg = nullptr;
	SlotRecord* first = nullptr;
	SourceRecord* next = nullptr; // in use, or about to be told that its port is closed
	SourceRecord* prev = nullptr;
};

struct SlotRecord : Record {
	SourceRecord* source = nullptr;
	uint32_t slot = 0; // in the port's region
	bool shared = false;
	bool kept = false;
	void* arg = nullptr;
	SlotRecord* next = nullptr; // of the same source
	SlotRecord* prev = nullptr;
};

template <class T>
class Pool {
public:
	// Null: no memory, or four million are in use.
	T* take();
	// One whose generations are used up names nothing any more: handles are never given out twice.
	void give_back(T& record) {
		record.generation++;
		if (record.generation == GENERATIONS) return;
		record.next_free = free_;
		free_ = &record;
	}
	T* at(uint32_t index) { return index < records_.size() ? &records_[index] : nullptr; }

private:
	static constexpr size_t MOST = 1u << 22;
	static constexpr uint32_t GENERATIONS = 1u << 24;
	std::deque<T> records_; // its elements stay where they are
	Record* free_ = nullptr;
};

class Table {
public:
	// Of this process image; null: no memory.
	static Table* current();
	// The same, if there is one.
	static Table* existing();

	// Handles: the image, the generation, the index. 0 is none.
	uint64_t id_of(const Record& record) const {
		return (image_ & 0xffff) << 48 | uint64_t{record.generation & 0xffffff} << 24 | (record.index + 1);
	}
	// What a handle names now, or null.
	template <class T>
	T* find(Pool<T>& pool, uint64_t id) {
		T* record = pool.at(static_cast<uint32_t>(id & 0xffffff) - 1);
		return record && record->generation & 1 && id_of(*record) == id ? record : nullptr;
	}

	void add(SourceRecord& source);
	void remove(SourceRecord& source);
	void attach(SlotRecord& slot, SourceRecord& source);
	void detach(SlotRecord& slot); // and gives it back; the port's slot is the caller's matter

	sys::PrivateLock lock;
	Pool<SourceRecord> sources;
	Pool<SlotRecord> slots;
	SourceRecord* first = nullptr; // in use

private:
	static std::atomic<Table*> newest;
	uint64_t image_ = 0;
	Table* inherited_ = nullptr; // the parent's: unused, and not lost
};

} // namespace evp::library
