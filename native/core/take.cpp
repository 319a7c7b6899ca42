// Taking: events leave the queue in the critical section of whoever retrieves them.

#include "core/blocks.hpp"
#include "core/port.hpp"
#include "core/slots.hpp"

#include <algorithm>

namespace evp {

using shm::Header;
using shm::Slot;
using shm::SlotState;

namespace {

// Hands over what a message carries; its block, which the caller releases.
uint32_t read_bytes(shm::Region& region, const Slot& slot, uint32_t event, ByteSink* sink) {
	uint32_t block = slot.link.load();
	uint32_t length = std::min(slot.asked.load(), shm::BLOCK_BYTES);
	void* to = sink ? sink->room(event, length) : nullptr;
	if (to) region.block(block).bytes.load(to, length);
	return block;
}

} // namespace

// Moves messages from the head of everyone's queue into `out`, up to `max` and up to what came after
// an event of this process alone. The chain that they are becomes the end of the free list as it is.
// Locked.
uint32_t Port::take_messages(Event* out, uint32_t max) {
	uint32_t own = region_.member(member_).queue.head.load();
	const uint64_t end = own == 0 ? UINT64_MAX : region_.slot(own).seq.load();
	const uint32_t first = region_.header().shared.head.load();
	uint32_t at = first, last = 0, taken = 0;
	while (taken < max && at != 0) {
		Slot& slot = region_.slot(at);
		bool message = slot.source.load() == static_cast<uint8_t>(SourceKind::USER) &&
		               slot.flags.load() == shm::SLOT_SHARED;
		if (!message || slot.seq.load() > end) break;
		uint32_t next = slot.next.load();
		slots::fetch_ahead(region_, at, next, slots::TAKING_AHEAD);
		out[taken++] = {slot.events.load(), static_cast<uint16_t>(SourceKind::USER), 0, slot.object.load(),
		                slot.user.load()};
		slot.state.store_release(SlotState::FREE);
		last = at;
		at = next;
	}
	if (taken == 0) return 0;
	slots::free_first(region_, first, last, at, taken);
	auto& delivered = region_.header().delivered[static_cast<int>(SourceKind::USER)];
	delivered.store(delivered.load() + taken);
	return taken;
}

// Moves events that this process may have into `out`, behind the `had` that are there, up to max in all, and
// answers how many there are. Locked.
uint32_t Port::take(Event* out, uint32_t max, Others& others, ByteSink* sink, uint32_t had) {
	Header& header = region_.header();
	uint32_t taken = had;
	// Bounded also where a queue leads round in a circle and its events are refused.
	for (uint64_t looked = 0; taken < max && looked <= uint64_t{region_.limit()} + max; looked++) {
		if (!others.any_kept()) taken += take_messages(out + taken, max - taken);
		if (taken == max) break;
		uint32_t index = others.older(region_, slots::oldest(region_, member_));
		if (index == 0) break;
		Slot& slot = region_.slot(index);
		Event& event = out[taken];
		uint8_t source = slot.source.load() % SOURCE_KINDS;
		uint16_t flags = slot.flags.load();
		event.events = slot.events.load();
		event.source = source;
		event.pad = 0;
		event.object = slot.object.load();
		event.user = slot.user.load();
		slots::dequeue(region_, index);
		if (flags & shm::SLOT_LATE) {
			if (sources_[source] && !sources_[source]->deliver(*this, slot, event)) continue;
		}
		uint32_t block = 0;
		if (flags & shm::SLOT_BYTES) [[unlikely]]
			block = read_bytes(region_, slot, taken, sink);
		if (flags & shm::SLOT_STANDING) {
			event.pad = EVENT_STANDING;
			slots::publish(region_, index, SlotState::ARMED);
		} else if (flags & shm::SLOT_RETAINED)
			slots::publish(region_, index, SlotState::CACHED);
		else
			slots::release(region_, index);
		blocks::release(region_, block);
		header.delivered[source].store(header.delivered[source].load() + 1);
		taken++;
	}
	header.since_collect.store(header.since_collect.load() + taken - had);
	(void)others.count(region_, member_);
	return taken;
}

} // namespace evp
