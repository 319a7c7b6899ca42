#include "core/waiters.hpp"

#include "core/slots.hpp"
#include "sys/thread.hpp"

namespace evp::waiters {

using shm::Header;
using shm::Waiter;
using shm::WaiterKind;

uint32_t add(Region& region, WaiterKind kind, uint32_t wanted, uint32_t member, int number,
             uint32_t tid) {
	Header& header = region.header();
	uint32_t index = header.waiter_free.load();
	if (index != 0) {
		header.waiter_free.store(region.waiter(index).next.load());
	} else {
		index = header.waiter_fresh.load();
		if (index >= shm::MAX_WAITERS || !region.need_waiters(index + 1)) return 0;
		header.waiter_fresh.store(index + 1);
	}
	Waiter& record = region.waiter(index);
	record.word.store(0);
	record.wanted.store(wanted);
	record.member.store(member);
	record.number.store(number);
	record.tid.store(tid);

	uint32_t before = 0;
	uint32_t at = header.waiter_first.load();
	for (uint32_t steps = 0; at != 0 && steps < shm::MAX_WAITERS; steps++) {
		if (region.waiter(at).wanted.load() >= wanted) break;
		before = at;
		at = region.waiter(at).next.load();
	}
	if (at == 0 && before != 0 && header.strict.load()) [[unlikely]] { // before the last, not behind it (3.12)
		at = before;
		before = region.waiter(at).prev.load();
	}
	record.next.store(at);
	record.prev.store(before);
	record.kind.store(kind);
	if (before != 0)
		region.waiter(before).next.store(index);
	else
		header.waiter_first.store(index);
	if (at != 0) region.waiter(at).prev.store(index);
	header.waiter_count.store(header.waiter_count.load() + 1);
	return index;
}

uint32_t remove(Region& region, uint32_t index) {
	Header& header = region.header();
	Waiter& record = region.waiter(index);
	uint32_t bits = consume(region, index);
	record.kind.store(WaiterKind::FREE);
	uint32_t next = record.next.load();
	uint32_t prev = record.prev.load();
	if (prev != 0)
		region.waiter(prev).next.store(next);
	else
		header.waiter_first.store(next);
	if (next != 0) region.waiter(next).prev.store(prev);
	header.waiter_count.store(header.waiter_count.load() - 1);
	if (header.leader.load() == index) header.leader.store(0);
	record.next.store(header.waiter_free.load());
	header.waiter_free.store(index);
	return bits;
}

uint32_t consume(Region& region, uint32_t index) {
	Header& header = region.header();
	Waiter& record = region.waiter(index);
	uint32_t bits = record.word.load(); // nobody writes it but in the critical section
	record.word.store(0);
	if (bits != 0 && record.kind.load() == WaiterKind::LOOP && header.loops_rung.load() != 0)
		header.loops_rung.store(header.loops_rung.load() - 1);
	if (header.handed.load() == index) header.handed.store(0);
	return bits;
}

void signal(Region& region, uint32_t index, uint32_t bits, Wakes& wakes) {
	Waiter& record = region.waiter(index);
	auto kick = [&] {
		wakes.asked |= Wakes::KICK;
		region.header().kicked.store(1);
	};
	uint32_t seen = record.word.load();
	if (seen & (shm::SLEEPING | shm::POLLING)) record.waker.store(sys::Yielding::processor());
	record.word.store((seen | bits) & ~(shm::SLEEPING | shm::POLLING));
	if (record.kind.load() == WaiterKind::LOOP) {
		if (seen == 0) region.header().loops_rung.store(region.header().loops_rung.load() + 1);
		wakes.asked |= Wakes::RING;
	} else if (seen & shm::POLLING)
		kick();
	else if (seen & shm::SLEEPING && wakes.count < 3)
		wakes.futex[wakes.count++] = index;
	else if (seen & shm::SIGNAL_LOOK && wakes.count < 3) {
		// Not come although called: the process that joined may have taken the leader's
		// kick from the set, and died with it. Until it comes this one sleeps unwatched.
		kick();
		wakes.futex[wakes.count++] = index;
	}
}

namespace {

// The first thread in order whose nget the queue satisfies; failing that the
// first event loop. Loops come second because a loop may be busy in JavaScript
// for long, while a sleeping thread has nothing else to do.
//
// Of descriptors' events that belong to another process only the waiter's own can
// find out whether it may have them (others.hpp): one that has not looked yet is
// called if nobody is known to be satisfied.
uint32_t first_satisfied(Region& region) {
	uint32_t queued = region.header().queued.load();
	uint32_t loop = 0, perhaps = 0;
	uint32_t at = region.header().waiter_first.load();
	for (uint32_t steps = 0; at != 0 && steps < shm::MAX_WAITERS; steps++) {
		Waiter& record = region.waiter(at);
		if (record.wanted.load() > queued) break; // and so do all behind it; strict: they starve (3.12)
		uint32_t member = record.member.load();
		uint32_t sure = slots::deliverable(region, member);
		bool looked = true;
		if (sure < queued) [[unlikely]] {
			looked = region.member(member).looked.load() == region.header().fd_posted.load();
			if (looked) sure += region.member(member).entitled.load();
			// What it may not have counts too (2.5.13); to come for nothing would be in vain.
			if (sure != 0 && region.header().strict.load()) sure = queued;
		}
		if (sure >= record.wanted.load()) {
			// Called before and not come: stopped perhaps (core/watch.cpp).
			bool called = record.word.load() & shm::SIGNAL_TAKE;
			if (!called && record.kind.load() != WaiterKind::LOOP) return at;
			if (!called && loop == 0) loop = at;
		} else if (!looked && perhaps == 0 && !(record.word.load() & shm::SIGNAL_TAKE)) {
			perhaps = at;
		}
		at = record.next.load();
	}
	return loop != 0 ? loop : perhaps;
}

void hand_over(Region& region, Wakes& wakes) {
	Header& header = region.header();
	uint32_t taker = first_satisfied(region);
	if (taker == 0) return;
	// A loop is not waited for: others may be handed the queue before it runs.
	if (region.waiter(taker).kind.load() != WaiterKind::LOOP) {
		header.handed.store(taker);
		header.handovers.store(header.handovers.load() + 1);
		region.waiter(taker).awake.store(0);
	}
	signal(region, taker, shm::SIGNAL_TAKE, wakes);
}

// Whether one is on its way to the queue, as far as is known: it settles when it has come.
bool comes(Region& region) {
	uint32_t handed = region.header().handed.load();
	if (handed == 0) return false;
	sys::full_fence(); // see Port::not_asleep()
	return region.waiter(handed).awake.load() == 0;
}

void appoint_leader(Region& region, Wakes& wakes) {
	Header& header = region.header();
	uint32_t at = header.waiter_first.load();
	for (uint32_t steps = 0; at != 0 && steps < shm::MAX_WAITERS; steps++) {
		Waiter& record = region.waiter(at);
		// One that was called and has not come leads when it comes, if nobody does.
		constexpr uint32_t CALLED = shm::SIGNAL_TAKE | shm::SIGNAL_LEAD | shm::SIGNAL_ALERT |
		                            shm::SIGNAL_CLOSED;
		if (record.kind.load() == WaiterKind::THREAD && !(record.word.load() & CALLED)) {
			header.leader.store(at);
			signal(region, at, shm::SIGNAL_LEAD, wakes);
			return;
		}
		at = record.next.load();
	}
}

// The first waiter whose process has a descriptor to read that another found ready:
// it comes and does so. Its own leaving then calls the next one; so does whoever
// finds it called already, because it may be stopped.
void call_owner(Region& region, Wakes& wakes) {
	uint32_t called = 0;
	uint32_t at = region.header().waiter_first.load();
	for (uint32_t steps = 0; at != 0 && steps < shm::MAX_WAITERS; steps++) {
		Waiter& record = region.waiter(at);
		uint32_t member = record.member.load();
		if (member != called && region.member(member).fired.load() != 0) {
			if (!(record.word.load() & ~(shm::SLEEPING | shm::POLLING))) {
				signal(region, at, shm::SIGNAL_LEAD, wakes);
				return;
			}
			called = member;
		}
		at = record.next.load();
	}
}

void move_bell(Region& region, uint32_t high, Wakes& wakes) {
	Header& header = region.header();
	header.bell_high.store(high);
	wakes.bell_version = header.bell_version.load() + 1;
	header.bell_version.store_release(wakes.bell_version);
	wakes.asked |= Wakes::BELL | (high ? Wakes::BELL_HIGH : 0u);
}

} // namespace

void settle(Region& region, Wakes& wakes) {
	Header& header = region.header();
	uint32_t queued = header.queued.load();
	if (header.waiter_count.load() != 0) {
		if (queued != 0 && header.handed.load() == 0) hand_over(region, wakes);
		// Not while one is on its way to the queue: who comes back from an event until it has come leads
		// without being woken.
		if (header.pollable.load() != 0 && header.leader.load() == 0 && !comes(region))
			appoint_leader(region, wakes);
		if (header.foreign.load() != 0) [[unlikely]]
			call_owner(region, wakes);
	}
	// A rung loop needs the level until it comes: an edge of a bell that was
	// lowered again is not reported.
	uint32_t high = (queued != 0 && header.handed.load() == 0) || header.loops_rung.load() != 0 ||
	                header.foreign.load() != 0;
	if (header.bell_high.load() != high || (wakes.asked & Wakes::RING && high)) move_bell(region, high, wakes);
	if (header.slot_waiters.load() != 0 && header.used.load() < region.limit()) [[unlikely]]
		wakes.asked |= Wakes::SLOTS;
}

namespace {

void signal_each(Region& region, uint32_t at, uint32_t bits, Wakes& wakes) {
	Wakes one;
	signal(region, at, bits, one);
	wakes.asked |= one.asked | (one.count != 0 ? Wakes::ALL : 0u);
}

} // namespace

void alert_all(Region& region, Wakes& wakes) {
	Header& header = region.header();
	each(region, [&](uint32_t at, Waiter& record) {
		if (record.word.load() & shm::SIGNAL_ALERT) return; // an earlier copy stays (3.15)
		record.alert_events.store(header.alert_events.load());
		record.alert_user.store(header.alert_user.load());
		signal_each(region, at, shm::SIGNAL_ALERT, wakes);
	});
}

void call_all(Region& region, Wakes& wakes) {
	each(region, [&](uint32_t at, Waiter&) { signal_each(region, at, shm::SIGNAL_LOOK, wakes); });
}

} // namespace evp::waiters
