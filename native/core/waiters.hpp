// Who waits, in which order, and who is woken (3.10 ... 3.17).
//
// Waiters stand in a list: smallest nget first, the newest first among equals.
// Roles of a sleeping thread: follower (futex) or leader (the inner set; at most
// one). A post hands the queue to the first waiter it satisfies; while that one
// has not come for it (`handed`) nobody else is woken, and whoever leaves hands
// on. Event loops are rung by the doorbell, and only when no thread can take.
#pragma once
#include "core/types.hpp"
#include "shm/region.hpp"

namespace evp::waiters {

using shm::Region;

// System calls that a change of state asks for, made after the lock is released.
struct Wakes {
	enum : uint32_t {
		KICK = 1,      // the leader sleeps in the inner set
		UNKICK = 2,    // it is awake without the kick that was meant for it
		RING = 4,      // an event loop, though the doorbell is high already
		ALL = 8,       // every waiter that carries SIGNAL_ALERT or SIGNAL_LOOK
		SLOTS = 16,    // whoever waits for a slot
		BELL = 32,     // the doorbell's level changed
		BELL_HIGH = 64,
	};
	uint32_t asked = 0;
	uint32_t count = 0; // of `futex`
	uint32_t futex[3];
	uint32_t bell_version; // with BELL

	bool any() const { return (asked | count) != 0; }
};

// All with the port's lock held.

// A record for a new waiter, in its place. 0: none left (ENOMEM).
uint32_t add(Region& region, shm::WaiterKind kind, uint32_t wanted, uint32_t member, int number,
             uint32_t tid);

// Takes a waiter out, with whatever role or hand-over it holds; settle() passes
// those on (3.13). The signal bits it had not seen.
uint32_t remove(Region& region, uint32_t waiter);

// The waiter has come: takes its signal bits, and ends a hand-over to it.
uint32_t consume(Region& region, uint32_t waiter);

// Adds signal bits; notes the system call needed.
void signal(Region& region, uint32_t waiter, uint32_t bits, Wakes& wakes);

// Brings hand-over, leadership and doorbell in line with the queue. To be called
// before the lock is released by whoever changed queue, waiters or sources.
void settle(Region& region, Wakes& wakes);
// Whether it would find anything to do: mostly not.
inline bool unsettled(Region& region);

// Gives every waiter its copy of the alert (3.15).
void alert_all(Region& region, Wakes& wakes);

// Has every waiter look up.
void call_all(Region& region, Wakes& wakes);

// Every waiter, in order.
template <class Do>
void each(Region& region, Do what) {
	uint32_t at = region.header().waiter_first.load();
	for (uint32_t steps = 0; at != 0 && steps < shm::MAX_WAITERS; steps++) {
		what(at, region.waiter(at));
		at = region.waiter(at).next.load();
	}
}

inline bool unsettled(Region& region) {
	shm::Header& header = region.header();
	uint32_t queued = header.queued.load();
	if ((header.foreign.load() | header.slot_waiters.load() | header.loops_rung.load()) != 0) return true;
	if (header.waiter_count.load() != 0 &&
	    (queued != 0 || (header.leader.load() == 0 && header.pollable.load() != 0)))
		return true;
	return header.bell_high.load() != (queued != 0);
}

} // namespace evp::waiters
