#include "sources/fd_registration.hpp"

#include "core/slots.hpp"

#include <cerrno>

namespace evp::fd {

using shm::Header;
using shm::Slot;
using shm::SlotState;

SlotState disarm(Port& port, uint32_t index) {
	shm::Region& region = port.region();
	Slot& slot = region.slot(index);
	SlotState was = slot.state.load();
	if (was == SlotState::QUEUED) slots::dequeue(region, index);
	if (was == SlotState::ARMED && slot.flags.load() & shm::SLOT_REGISTERED) port.pollable_add(-1);
	return was;
}

SlotState drop(Port& port, uint32_t index) {
	shm::Region& region = port.region();
	SlotState was = disarm(port, index);
	slots::table_remove(region, index);
	slots::release(region, index);
	return was;
}

bool sweep_closed(Port& port, uint32_t most) {
	shm::Region& region = port.region();
	Header& header = region.header();
	bool freed = false;
	uint32_t at = header.sweep.load();
	for (uint32_t looked = 0; looked < most && looked < region.limit() && looked < header.fresh.load(); looked++) {
		if (++at > region.limit() || at >= header.fresh.load()) at = 1;
		Slot& slot = region.slot(at);
		auto own = [&] {
			return slot.state.load() != SlotState::FREE && slot.source.load() == FD && slot.owner.load() == port.member();
		};
		uint32_t arm = slot.arm.load_acquire();
		if (!own() || sys::is_open(static_cast<int>(slot.object.load()))) continue;
		Port::Guard guard(port);
		if (!own() || slot.arm.load() != arm) continue; // another association by now, perhaps of the number
		drop(port, at);
		freed = true;
	}
	header.sweep.store(at);
	return freed;
}

int enter_kernel(Port& port, int fd, uint32_t asked, const Armed& armed) {
	uint32_t events = sys::registered_for(asked);
	uint64_t tag = tag_slot(armed.index, armed.arm);
	// What is ready anew stands behind what was (3.8): a modification would leave it where it is.
	if (armed.waited) sys::epoll_del(port.inner(), fd);
	int rc = armed.registered && !armed.waited ? sys::epoll_mod(port.inner(), fd, events, tag)
	                                           : sys::epoll_add(port.inner(), fd, events, tag);
	// Left behind by a close of the port it has its place by what was ready then.
	if (rc == EEXIST) {
		sys::epoll_del(port.inner(), fd);
		rc = sys::epoll_add(port.inner(), fd, events, tag);
	}
	// Unknown: another file has the number now. Known: left behind by a dissociation
	// that is still under way, or by another member. Either may change meanwhile.
	while (rc == ENOENT || rc == EEXIST)
		rc = rc == ENOENT ? sys::epoll_add(port.inner(), fd, events, tag)
		                  : sys::epoll_mod(port.inner(), fd, events, tag);
	return rc;
}

void reconcile(Port& port, int fd, uint32_t owner) {
	shm::Region& region = port.region();
	bool deleted = false; // perhaps what another has registered meanwhile
	for (;;) {
		Armed seen{};
		uint32_t asked;
		{
			Port::Guard guard(port);
			seen.index = slots::table_find(region, FD, static_cast<uint64_t>(fd), owner);
			Slot& slot = region.slot(seen.index);
			bool fired = slot.state.load() != SlotState::ARMED;
			if (seen.index != 0 && fired && !deleted) return;
			seen.arm = slot.arm.load();
			asked = fired ? 0 : slot.asked.load();
		}
		if (seen.index == 0) {
			if (deleted) return;
			sys::epoll_del(port.inner(), fd);
			deleted = true;
			continue;
		}
		seen.registered = !deleted;
		deleted = false;
		enter_kernel(port, fd, asked, seen);
		if (still(port, tag_slot(seen.index, seen.arm))) return;
	}
}

void reload(Port& port, int fd) {
	shm::Region& region = port.region();
	for (;;) {
		uint64_t tag;
		uint32_t asked;
		{
			Port::Guard guard(port);
			uint32_t index = slots::table_find(region, FD, static_cast<uint64_t>(fd), port.member());
			Slot& slot = region.slot(index);
			if (index == 0 || slot.state.load() != SlotState::ARMED) return;
			if (!(slot.flags.load() & shm::SLOT_REGISTERED)) return;
			tag = tag_slot(index, slot.arm.load());
			asked = slot.asked.load();
		}
		sys::epoll_mod(port.inner(), fd, sys::registered_for(asked), tag);
		if (still(port, tag)) return;
	}
}

} // namespace evp::fd
