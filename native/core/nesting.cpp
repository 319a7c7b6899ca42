// A port watched by ports of this process (2.10.3, 4.18, 14.1.12).
//
// The kernel nests sets to a small depth and never in a circle; illumos has
// neither limit. So a port also tells the ports that watch it itself, whenever
// its queue holds something: for a watcher that the kernel refused this is the
// only way, for the others the sooner one of two (its one shot makes them one).
// What only the kernel of a refused nesting could report, a descriptor ready
// three sets down that nobody collected, stays unseen (docs/divergences.md).

#include "core/port.hpp"
#include "core/registry.hpp"
#include "core/slots.hpp"
#include "core/tags.hpp"

namespace evp {

using shm::Slot;
using shm::SlotState;

bool Port::add_watcher(Port& outer, uint32_t slot) {
	const std::atomic<Port*>* name = registry::anchor(outer);
	for (Watcher& watcher : watchers_)
		if (watcher.port.load() == name && watcher.slot.load() == slot) return true;
	for (bool pruned = false;; pruned = true) {
		for (Watcher& watcher : watchers_) {
			const std::atomic<Port*>* none = nullptr;
			if (!watcher.port.compare_exchange_strong(none, name)) continue;
			watcher.slot.store(slot, std::memory_order_release);
			watched_.store(true, std::memory_order_release);
			return true;
		}
		if (pruned) return false;
		// Some may watch no more: nothing was queued since that they could have been told.
		for (Watcher& watcher : watchers_) (void)tell(watcher, false);
	}
}

// In a circle a call comes back to where it is telling already: those who watch are told there. But
// an `associated` one that came meanwhile, in a handler, may stand before the place that was reached.
void Port::tell_watchers(bool associated) {
	sys::Thread& thread = sys::self();
	uint32_t depth = thread.depth.load(std::memory_order_relaxed);
	for (uint32_t i = 0; i <= depth; i++) {
		if (thread.telling[i].port != this) continue;
		if (associated) thread.telling[i].again = true;
		return;
	}
	sys::Thread::Telling& telling = thread.telling[depth];
	sys::Thread::Telling outer = telling;
	do {
		telling = {this, false};
		for (Watcher& watcher : watchers_)
			while (!tell(watcher, true)) {}
	} while (telling.again);
	telling = outer;
}

// False: the place is another watcher's by now, which has to be told. `ready`: else it is only asked
// whether it watches yet.
bool Port::tell(Watcher& watcher, bool ready) {
	uint32_t slot = watcher.slot.load(std::memory_order_acquire);
	const std::atomic<Port*>* name = watcher.port.load();
	if (slot == 0 || !name) return true;
	PortRef outer = registry::hold(*name);
	// It is there, but this thread nests too deep to reach it.
	if (!outer && name->load()) return true;
	if (outer && outer->told_by(*this, slot, ready)) return true;
	// It watches no more. Another thread may find the same, and the place a new watcher.
	uint32_t expected = slot;
	if (!watcher.slot.compare_exchange_strong(expected, 0)) return true;
	if (watcher.port.load() != name) {
		watcher.slot.store(slot, std::memory_order_release);
		return false;
	}
	watcher.port.store(nullptr);
	// Associated anew in the meantime, it has found itself here still.
	if (outer && outer->told_by(*this, slot, ready)) add_watcher(*outer, slot);
	return true;
}

// False: the slot no longer is an association of that port.
bool Port::told_by(Port& inner, uint32_t index, bool ready) {
	constexpr uint32_t READABLE = 0x1 | 0x40; // POLLIN, POLLRDNORM
	Slot& slot = region_.slot(index);
	{
		Guard guard(*this);
		if (slot.state.load() == SlotState::FREE || slot.owner.load() != member_) return false;
		if (slot.source.load() != static_cast<uint8_t>(SourceKind::FD)) return false;
		if (!registry::names(static_cast<int>(slot.object.load()), &inner)) return false;
		uint32_t events = slot.asked.load() & READABLE;
		if (!ready || slot.state.load() != SlotState::ARMED || events == 0) return true;
		bool registered = slot.flags.load() & shm::SLOT_REGISTERED;
		if (registered) pollable_add(-1);
		post_fd(index, events);
		if (!registered) return true;
	}
	unload(index);
	return true;
}

// The kernel's one shot of an association that fired without it: left loaded, it would keep
// this port readable for nothing. Whoever associates again meanwhile loads it again.
void Port::unload(uint32_t index) {
	Slot& slot = region_.slot(index);
	for (;;) {
		int fd;
		uint32_t arm, asked;
		bool armed;
		{
			Guard guard(*this);
			fd = static_cast<int>(slot.object.load());
			arm = slot.arm.load();
			asked = slot.asked.load();
			armed = slot.state.load() == SlotState::ARMED;
		}
		sys::epoll_mod(inner_.get(), fd, armed ? sys::registered_for(asked) : sys::EPOLL_ONESHOT,
		               tag_slot(index, arm));
		if (slot.arm.load_acquire() == arm) return;
	}
}

} // namespace evp
