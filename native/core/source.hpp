// The interface of an event source. One source is one file under sources/.
//
// A source turns what the kernel reports into queued slots. Its objects live in
// slots of the port (shm/layout.hpp), so the port bounds, orders, wakes, repairs
// and accounts for them; what is private to a process (descriptors, heaps) lives
// in the Source object of that process and never crosses fork.
//
// States of a slot: ARMED --post--> QUEUED --deliver--> CACHED (retained) or FREE;
// associating again arms it from any state and drops a queued event (3.8).
// Locks: "locked" means the port's lock is held: no system call, no allocation
// there. Everything else is called with no lock of the port held.
// Fork: revive() is called in a child before its first use; the objects of the
// parent stay the parent's.
#pragma once
#include "core/types.hpp"
#include "shm/layout.hpp"
#include "sys/freed_later.hpp"

#include <atomic>

namespace evp {

class Port;

class Source : public sys::FreedLater {
public:
	virtual ~Source() = default;
	virtual SourceKind kind() const = 0;

	// port_associate and port_dissociate (2.2, 2.3). EINVAL: not for this source.
	virtual Result<void> associate(Port& port, uint64_t object, int32_t events, uint64_t user);
	virtual Result<void> dissociate(Port& port, uint64_t object);
	// Many at once; each as if alone, in no promised order. How many succeeded.
	virtual uint32_t associate_list(Port& port, Association* list, uint32_t count);

	// The descriptor this process registered with Port::watch_private() is ready:
	// turn it into queued events, then Port::watch_again(). Budget: as much as the
	// kernel has now, at most some hundred events, the rest at the next collection.
	virtual void collect(Port&) {}

	// Set for good by the first that has the kernel work for it: at_hand() and interrupts() are
	// asked from then on. Whoever has it work sees it set before that.
	static std::atomic<bool> kernel_works;

	// Whether the kernel has done something that can be queued without asking it. Any thread,
	// locked or not.
	virtual bool at_hand() { return false; }
	// Does so; the descriptor stays armed. Not locked.
	virtual void collect_at_hand(Port&) {}

	// The last word before an event with SLOT_LATE is handed over: refresh it
	// (a timer's count) or refuse it (false: the slot is released or armed again by
	// the source, nothing is delivered). Locked.
	virtual bool deliver(Port&, shm::Slot&, Event&) { return true; }

	// After the critical section in which Port::call_after() was asked for: what
	// deliver() may not do itself.
	virtual void after(Port&) {}

	// Whether the kernel may do work for the source within threads of this process, which
	// interrupts some system calls as a signal would. Any thread.
	virtual bool interrupts() { return false; }

	// A descriptor of this process is about to close: what is bound to it goes (4.13).
	virtual void descriptor_closing(Port&, int) {}

	// The port is full: give up slots of objects that are gone unseen (14.1.11).
	// True: there may be room now. Not locked.
	virtual bool reclaim(Port&) { return false; }

	// This process lets go of the port: end what it owns in the kernel. Its slots
	// are released by the port afterwards.
	virtual void close(Port&) {}
	// Whether close() can't do so yet: this is a signal handler over a call that holds what it needs.
	virtual bool held_up() { return false; }

	// One-shot registrations of this process may have been used up by a process that
	// died or stopped before it told: load them again. Not locked.
	virtual void rearm(Port& port) { collect(port); }

	// The first use in a forked child: forget the parent's private objects.
	virtual void revive(Port&) {}

	// This process had the port before exec: what exec closed goes, as by any close (4.15). Not locked.
	virtual void resume(Port&) {}
};

} // namespace evp
