// While other processes share the port: one waiting thread of each, and its loops, look up now
// and then, so that one that was killed or stopped in the middle of anything holds
// up nobody for more than a second (design rule 6, hazards 1 and 17).
//
// Whatever was announced in the region and not followed by its system call is made
// good by whoever finds it unchanged for a while: leadership, a hand-over, the bell.
// A leader that was only slow does no harm: it finds that it leads no more.

#include "core/port.hpp"

namespace evp {

using shm::Header;
using shm::Member;
using shm::MemberState;
using shm::Waiter;
using shm::WaiterKind;

namespace {

constexpr int64_t LEADER_NS = 2 * Port::WATCH_NS; // it says that it lives every WATCH_NS
constexpr int64_t CALLED_NS = Port::WATCH_NS;

} // namespace

bool Port::Unchanged::for_long(uint32_t who, uint32_t count, int64_t now, int64_t most) {
	if (who != who_ || count != count_) {
		who_ = who;
		count_ = count;
		since_ = now;
	}
	return who != 0 && now - since_ >= most;
}

bool Port::look_due() const {
	return shared() && sys::monotonic_ns() >= next_look_.load(std::memory_order_relaxed);
}

// Whether a waiter may not sleep through: it says that it lives while it leads, or has the
// lookout of this process. The first to sleep has it: of those that wait for as much it is the
// last to be woken, so that it seldom has to be passed on.
bool Port::keeps_lookout(uint32_t waiter) {
	const Waiter& kept = region_.waiter(lookout_.waiter);
	uint32_t tid = region_.waiter(waiter).tid.load();
	// Its thread may have ended within its call, and its record be another's.
	bool kept_here = lookout_.waiter != 0 && kept.kind.load() == WaiterKind::THREAD &&
	                 kept.member.load() == member_ && kept.tid.load() == lookout_.tid;
	if (!kept_here) lookout_ = {waiter, tid};
	return lookout_.tid == tid || leads(waiter); // also in a handler over its own waiting
}

// A waiter leaves; the lookout, if it had it, goes to the last in order. Its signal bits.
uint32_t Port::withdraw(Guard& guard, sys::Thread& thread, uint32_t waiter) {
	thread.waits--;
	uint32_t bits = waiters::remove(region_, waiter);
	if (lookout_.waiter != waiter) return bits;
	lookout_ = {};
	if (!shared() && !rearm_due()) return bits;
	uint32_t last = 0;
	waiters::each(region_, [&](uint32_t at, const Waiter& record) {
		if (record.kind.load() == WaiterKind::THREAD && record.member.load() == member_) last = at;
	});
	if (last != 0) waiters::signal(region_, last, shm::SIGNAL_LOOK, guard.wakes());
	return bits;
}

bool Port::look_up() {
	int64_t now = sys::monotonic_ns();
	// One thread of this process does it.
	int64_t due = next_look_.load(std::memory_order_relaxed);
	if (now < due || !next_look_.compare_exchange_strong(due, now + WATCH_NS / 2)) return false;
	bool buried = bury_at_times();
	call_the_silent(now);
	return rearm_if_asked() || buried;
}

void Port::call_the_silent(int64_t now) {
	Header& header = region_.header();
	Guard guard(*this);
	uint32_t leader = header.leader.load();
	bool mine = region_.waiter(leader).member.load() == member_;
	if (leader_.for_long(mine ? 0 : leader, header.leader_beat.load(), now, LEADER_NS)) {
		header.leader.store(0);
		header.rearm.fetch_add(1); // it may have taken an event from the kernel
		waiters::signal(region_, leader, shm::SIGNAL_LEAD, guard.wakes());
	}
	if (handed_.for_long(header.handed.load(), header.handovers.load(), now, CALLED_NS))
		header.handed.store(0);
	uint32_t version = header.bell_version.load();
	if (bell_late_.for_long(header.bell_made.load() != version, version, now, CALLED_NS))
		header.bell_high.store(2); // neither: settle() makes it anew
}

// One process looks for all: a look costs a system call a member.
bool Port::bury_at_times() {
	shm::Cell<int64_t>& looked_at = region_.header().looked_at;
	int64_t now = sys::monotonic_ns();
	int64_t last = looked_at.load();
	// Also where it lies in the future: in another time namespace.
	if (static_cast<uint64_t>(now - last) < WATCH_NS / 2) return false;
	return looked_at.compare_exchange(last, now) && bury_dead();
}

// Members that are gone: what they owned goes as if they had closed the port. True:
// there was one.
bool Port::bury_dead() {
	if (!shared()) return false;
	uint64_t dead[16];
	uint32_t index[16], count = 0;
	Header& header = region_.header();
	for (uint32_t i = 1; i < header.members_committed.load() && i < shm::MAX_MEMBERS; i++) {
		Member& record = region_.member(i);
		// First who it is: a record may change hands while it is looked at.
		dead[count] = record.nonce.load_acquire();
		if (record.state.load() != MemberState::LIVE || !member_dead(i)) continue;
		index[count++] = i;
		if (count == 16) break;
	}
	if (count == 0) return false;
	Guard guard(*this);
	bool any = false;
	for (uint32_t i = 0; i < count; i++) {
		Member& record = region_.member(index[i]);
		// Buried by another meanwhile, and perhaps taken by a new process?
		if (record.state.load() != MemberState::LIVE || record.nonce.load() != dead[i]) continue;
		// Not dead but joining, its byte not yet locked when it was looked at.
		if (record.locked.load() != 0 && region_.member_held(index[i])) continue;
		record.state.store_release(MemberState::FREE);
		any = true;
	}
	if (any) repair();
	return any;
}

// Somebody died or went silent who may have had a descriptor's one shot in hand:
// each owner loads its own again.
bool Port::rearm() {
	uint32_t asked = region_.header().rearm.load();
	uint32_t done = rearmed_.load(std::memory_order_relaxed);
	if (asked == done || !rearmed_.compare_exchange_strong(done, asked)) return false;
	for (auto& handler : sources_)
		if (handler) handler->rearm(*this);
	return true;
}

} // namespace evp
