// Taking without a wait, and what a call of port_get or port_getn (get.cpp) shares with that; the end of
// waits that don't return.

#include "core/port.hpp"
#include "core/registry.hpp"
#include "core/slots.hpp"
#include "sys/futex.hpp"

#include <algorithm>
#include <cerrno>

namespace evp {

using shm::Header;
using shm::WaiterKind;

// Another process's word is about to be taken: true if it is gone, and what it owned
// with it. Locked before and after.
bool Port::doubtful(Guard& guard, uint32_t member) {
	if (member == member_ || !shared()) return false;
	guard.unlock();
	bool any = bury_dead();
	guard.lock();
	return any;
}

// Few, from a sender that goes on: more of them at once cost both sides less. Not where descriptors
// are waited for: what comes then comes from the kernel mostly.
bool Port::may_gather(sys::Thread& thread, uint32_t ready, uint32_t max) const {
	return region_.header().pollable.load() == 0 && thread.gathering.worthwhile(ready, max);
}

// What can be had without the kernel is queued, for this thread: with a record of its own among
// the waiters, so that the bell stays low.
void Port::collect_at_hand(Guard& guard, uint32_t tid) {
	if (!at_hand()) [[likely]]
		return;
	constexpr int NUMBER = -1; // of no descriptor that could be closed under it
	uint32_t waiter = waiters::add(region_, WaiterKind::THREAD, 1, member_, NUMBER, tid);
	if (waiter == 0) return;
	guard.unlock();
	source(SourceKind::AIO)->collect_at_hand(*this);
	guard.lock();
	waiters::remove(region_, waiter);
}

Taken Port::try_get(Event* out, uint32_t max, uint32_t wanted, ByteSink* sink, bool ask) {
	sys::Thread& thread = sys::self();
	if (thread.critical.load(std::memory_order_relaxed)) [[unlikely]]
		return {EINTR, 0};
	rearm_if_asked();
	Guard guard(*this, thread);
	collect_at_hand(guard, thread.tid);
	Others others;
	auto missing = [&] {
		return !satisfies(slots::deliverable(region_, member_) + others.count(region_, member_), wanted);
	};
	// Edges of a loop's set are taken already: what the kernel has is left there only
	// when enough came.
	if (kick_left(0)) [[unlikely]]
		take_kick(guard);
	bool more = (ask || !missing()) && collection_due(wanted == 0 || missing(), false) && collect(guard);
	while (more && missing()) more = collect(guard);
	if (others.unseen(region_, member_)) look_at_others(guard, others);
	Header& header = region_.header();
	uint32_t ready = slots::deliverable(region_, member_);
	bool gathers = wanted != 0 && ready >= wanted && header.alert_events.load() == 0 && may_gather(thread, ready, max);
	if (gathers) {
		guard.unlock();
		thread.gathering.wait();
		guard.lock();
	}
	if (header.alert_events.load() != 0) (void)doubtful(guard, header.alert_member.load());
	if (rearm_due()) [[unlikely]] { // as in get(); what it finds rings again
		guard.unlock();
		(void)rearm_if_asked();
		guard.lock();
	}
	if (int32_t events = header.alert_events.load(); events != 0) {
		out[0] = alert_event(events, header.alert_user.load());
		count_delivered(SourceKind::ALERT);
		return {0, 1};
	}
	if (missing()) return {0, 0};
	uint32_t taken = take(out, max, others, sink);
	if (gathers) thread.gathering.learn(ready, taken, max);
	return {0, taken};
}

void Port::count_delivered(SourceKind kind) {
	auto& counter = region_.header().delivered[static_cast<int>(kind)];
	counter.store(counter.load() + 1);
}

// --- The end of a wait that does not return: its thread ends, or its number is closed.

void Port::end_waits(sys::Thread& thread) {
	// The handler came over the critical section: the kernel tells the next who locks.
	if (thread.critical.load(std::memory_order_relaxed)) return;
	{
		Guard guard(*this, thread);
		auto own = [&] {
			uint32_t found = 0;
			waiters::each(region_, [&](uint32_t at, const shm::Waiter& record) {
				if (record.kind.load() == WaiterKind::THREAD && record.member.load() == member_ &&
				    record.tid.load() == thread.tid)
					found = at;
			});
			return found;
		};
		while (uint32_t waiter = own()) withdraw(guard, thread, waiter);
	}
	departed();
}

void Port::departed() {
	departures_.fetch_add(1, std::memory_order_release);
	sys::futex_wake(&departures_, INT32_MAX);
}

void Port::wake_number(int number) {
	sys::futex_wake(region_.header().used.word(), INT32_MAX); // who waits for a slot
	uint32_t me = sys::self().tid;
	// A handler over one of them may wait for the call that this one came over.
	bool over_call = sys::over_call(sys::self());
	for (;;) {
		uint32_t seen = departures_.load(std::memory_order_acquire);
		uint32_t waiting = 0;
		{
			Guard guard(*this);
			uint32_t at = region_.header().waiter_first.load();
			for (uint32_t steps = 0; at != 0 && steps < shm::MAX_WAITERS; steps++) {
				shm::Waiter& record = region_.waiter(at);
				if (record.number.load() == number && record.member.load() == member_ &&
				    record.kind.load() == WaiterKind::THREAD) {
					// A handler closes the number that its own thread waits on: that call ends after it. And who is in
					// no call was scribbled there by a peer, and never leaves.
					uint32_t tid = record.tid.load();
					waiting += tid != me && sys::uses(tid, this);
					waiters::Wakes one;
					waiters::signal(region_, at, shm::SIGNAL_CLOSED, one);
					guard.wakes().asked |= one.asked;
					if (one.count != 0) sys::futex_wake(record.word.word(), 1);
				}
				at = record.next.load();
			}
		}
		if (waiting == 0 || over_call) return;
		sys::futex_wait(&departures_, seen, sys::monotonic_ns() + 1'000'000'000);
	}
}

} // namespace evp
