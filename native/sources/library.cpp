// Slots of other libraries' sources. States of one: CACHED (reserved), QUEUED (posted),
// then free, or CACHED again if it is kept. One that is to be shared is its process's
// until it is posted, so that it goes with a process that dies before.
// Slot::asked is the source's number, for whoever delivers it; Slot::link the record.

#include "sources/library.hpp"

#include "core/port.hpp"
#include "core/registry.hpp"
#include "core/slots.hpp"
#include "sources/library_table.hpp"

#include <cerrno>

namespace evp::library {

using shm::Slot;
using shm::SlotState;
using sys::PrivateLock;

namespace {

bool in_handler() { return sys::self().critical.load(std::memory_order_relaxed) != 0; }

bool belongs_to(const SourceRecord* source, const Port& port) { return source && source->port == &port; }

class LibrarySource final : public Source {
public:
	SourceKind kind() const override { return KIND; }
	bool deliver(Port& port, Slot& slot, Event& event) override;
	void close(Port& port) override;
};

// The port's lock keeps source and slot as they are while foreign code runs.
bool LibrarySource::deliver(Port& port, Slot& slot, Event& event) {
	auto number = static_cast<uint16_t>(slot.asked.load());
	event.source = number;
	if (slot.flags.load() & shm::SLOT_SHARED) return true;
	Table* table = Table::existing();
	SlotRecord* record = nullptr;
	if (table) {
		PrivateLock::Guard guard(table->lock);
		record = table->slots.at(slot.link.load());
		bool named = record && belongs_to(record->source, port) && &port.region().slot(record->slot) == &slot;
		if (!named) record = nullptr;
	}
	if (!record) { // let go of at this moment, or a peer scribbled on it
		slot.state.store_release(SlotState::CACHED);
		return false;
	}
	const Callbacks& callbacks = record->source->callbacks;
	auto* seen = reinterpret_cast<port_event*>(&event);
	bool wanted = !callbacks.deliver || callbacks.deliver(record->arg, seen) != 0;
	event.source = number;
	uint32_t index = record->slot;
	bool kept = record->kept;
	if (!kept) {
		PrivateLock::Guard guard(table->lock);
		table->detach(*record);
	}
	if (wanted) return true;
	kept ? slots::publish(port.region(), index, SlotState::CACHED) : slots::release(port.region(), index);
	return false;
}

void LibrarySource::close(Port& port) {
	Table* table = Table::existing();
	if (!table) return;
	SourceRecord* told = nullptr;
	{
		Port::Guard guard(port);
		PrivateLock::Guard within(table->lock);
		for (SourceRecord* at = table->first; at;) {
			SourceRecord* source = at;
			at = at->next;
			if (source->port != &port) continue;
			while (source->first) table->detach(*source->first);
			source->port = nullptr;
			table->remove(*source);
			source->next = told;
			told = source;
		}
	}
	while (told) {
		SourceRecord* source = told;
		told = told->next;
		if (source->callbacks.close) source->callbacks.close(source->arg);
		PrivateLock::Guard guard(table->lock);
		table->sources.give_back(*source);
	}
}

// What a handle names, with its port held for the length of a call. Empty: ENOENT.
class Found {
public:
	static Found source(uint64_t id) { return Found(id, Table::existing(), true); }
	static Found slot(uint64_t id) { return Found(id, Table::existing(), false); }

	explicit operator bool() const { return port_ && &*port_ == expected_; }
	Table& table() const { return *table_; }
	Port& port() const { return *port_; }

	// Both locks held: what the handle still names.
	SourceRecord* source() const {
		SourceRecord* record = table_->find(table_->sources, id_);
		return belongs_to(record, *port_) ? record : nullptr;
	}
	SlotRecord* slot() const {
		SlotRecord* record = table_->find(table_->slots, id_);
		return record && belongs_to(record->source, *port_) ? record : nullptr;
	}

private:
	Found(uint64_t id, Table* table, bool is_source)
	    : id_(id), table_(table), port_(table ? hold(is_source) : PortRef()) {}

	PortRef hold(bool is_source) {
		const std::atomic<Port*>* anchor = nullptr;
		{
			PrivateLock::Guard guard(table_->lock);
			SlotRecord* slot = is_source ? nullptr : table_->find(table_->slots, id_);
			SourceRecord* source = is_source ? table_->find(table_->sources, id_) : slot ? slot->source : nullptr;
			if (!source) return {};
			expected_ = source->port;
			anchor = source->anchor;
		}
		return registry::hold(*anchor);
	}

	uint64_t id_;
	Table* table_;
	const Port* expected_ = nullptr; // the anchor may be a later port's by now
	PortRef port_;
};

struct Locked {
	explicit Locked(const Found& found) : port(found.port()), within(found.table().lock) {}
	Port::Guard port;
	PrivateLock::Guard within;
};

// Both locks held.
void let_go(Table& table, Port& port, SlotRecord& record) {
	if (port.region().slot(record.slot).state.load() == SlotState::QUEUED)
		slots::dequeue(port.region(), record.slot);
	slots::release(port.region(), record.slot);
	table.detach(record);
}

Result<uint64_t> reserve_once(const Found& found, const Reservation& wanted) {
	Table& table = found.table();
	shm::Region& region = found.port().region();
	Locked locked(found);
	SourceRecord* source = found.source();
	if (!source) return Error{ENOENT};
	SlotRecord* record = table.slots.take();
	if (!record) return Error{ENOMEM};
	int error = 0;
	uint32_t index = slots::take(region, &error);
	if (index == 0) {
		table.slots.give_back(*record);
		return Error{error};
	}
	table.attach(*record, *source);
	record->slot = index;
	record->shared = wanted.shared;
	record->kept = wanted.kept;
	record->arg = wanted.arg;
	Slot& slot = region.slot(index);
	slot.source.store(static_cast<uint8_t>(KIND));
	slot.flags.store(static_cast<uint16_t>(shm::SLOT_LATE | (wanted.kept ? shm::SLOT_RETAINED : 0)));
	slot.owner.store(found.port().member());
	slot.object.store(wanted.object);
	slot.user.store(wanted.user);
	slot.events.store(0);
	slot.asked.store(source->number);
	slot.link.store(record->index);
	slots::publish(region, index, SlotState::CACHED);
	return table.id_of(*record);
}

} // namespace

std::unique_ptr<Source> make_source() { return std::make_unique<LibrarySource>(); }

Result<uint64_t> open(Port& port, uint32_t number, const Callbacks& callbacks, void* arg) {
	if (in_handler()) return Error{EAGAIN};
	const std::atomic<Port*>* anchor = registry::anchor(port);
	if (!anchor) return Error{EBADF}; // closed at this moment
	Table* table = Table::current();
	if (!table) return Error{ENOMEM};
	PrivateLock::Guard guard(table->lock);
	SourceRecord* source = table->sources.take();
	if (!source) return Error{ENOMEM};
	source->port = &port;
	source->anchor = anchor;
	source->number = number;
	source->callbacks = callbacks;
	source->arg = arg;
	source->first = nullptr;
	table->add(*source);
	return table->id_of(*source);
}

Result<void> close(uint64_t id) {
	if (in_handler()) return Error{EAGAIN};
	Found found = Found::source(id);
	if (!found) return Error{ENOENT};
	Locked locked(found);
	SourceRecord* source = found.source();
	if (!source) return Error{ENOENT};
	Table& table = found.table();
	while (source->first) let_go(table, found.port(), *source->first);
	source->port = nullptr;
	table.remove(*source);
	table.sources.give_back(*source);
	return {};
}

Result<uint64_t> reserve(uint64_t id, const Reservation& wanted) {
	if (in_handler()) return Error{EAGAIN};
	if (wanted.shared && wanted.kept) return Error{EINVAL};
	Found found = Found::source(id);
	if (!found) return Error{ENOENT};
	return found.port().with_room([&] { return reserve_once(found, wanted); });
}

Result<void> post(uint64_t id, int32_t events) {
	if (in_handler()) return Error{EAGAIN};
	Found found = Found::slot(id);
	if (!found) return Error{ENOENT};
	found.port().collect_armed();
	shm::Region& region = found.port().region();
	Locked locked(found);
	SlotRecord* record = found.slot();
	if (!record) return Error{ENOENT};
	uint32_t index = record->slot;
	Slot& slot = region.slot(index);
	if (slot.state.load() == SlotState::QUEUED) {
		slot.events.store(slot.events.load() | events);
		return {};
	}
	if (record->shared) {
		// Nobody's while it changes hands: dying here, this process takes it along.
		slot.state.store_release(SlotState::FREE);
		slot.flags.store(shm::SLOT_LATE | shm::SLOT_SHARED);
		found.table().detach(*record);
	}
	slot.events.store(events);
	slots::enqueue(region, index);
	return {};
}

Result<void> release(uint64_t id) {
	if (in_handler()) return Error{EAGAIN};
	Found found = Found::slot(id);
	if (!found) return Error{ENOENT};
	Locked locked(found);
	SlotRecord* record = found.slot();
	if (!record) return Error{ENOENT};
	let_go(found.table(), found.port(), *record);
	return {};
}

} // namespace evp::library
