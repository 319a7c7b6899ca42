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
	uint32_t futex[3];
	uint32_t count = 0;
	bool kick = false;     // the leader sleeps in the inner set
	bool unkick = false;   // it is awake without the kick that was meant for it
	bool ring = false;     // an event loop, though the doorbell is high already
	bool all = false;      // every waiter that carries SIGNAL_ALERT or SIGNAL_LOOK
	bool slots = false;    // whoever waits for a slot
	bool bell = false;     // the doorbell's level changed
	bool bell_high = false;
	uint32_t bell_version = 0;

	bool any() const { return count != 0 || kick || unkick || slots || all || bell; }
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
inline void settle(Region& region, Wakes& wakes);

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

// --- Inline: most changes ask for nothing.

namespace detail {
void settle_waiters(Region& region, uint32_t queued, Wakes& wakes);
void move_bell(Region& region, uint32_t high, Wakes& wakes);
} // namespace detail

inline void settle(Region& region, Wakes& wakes) {
	shm::Header& header = region.header();
	uint32_t queued = header.queued.load();
	if (header.waiter_count.load() != 0) detail::settle_waiters(region, queued, wakes);
	// A rung loop needs the level until it comes: an edge of a bell that was
	// lowered again is not reported.
	uint32_t high = (queued != 0 && header.handed.load() == 0) || header.loops_rung.load() != 0 ||
	                header.foreign.load() != 0;
	if (header.bell_high.load() != high || (wakes.ring && high)) detail::move_bell(region, high, wakes);
	if (header.slot_waiters.load() != 0) [[unlikely]]
		wakes.slots = header.used.load() < region.limit();
}

} // namespace evp::waiters
