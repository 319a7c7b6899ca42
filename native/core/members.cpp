// Which processes hold the port: joining, leaving, what goes with each (2.11, 11).

#include "core/port.hpp"
#include "core/slots.hpp"
#include "core/tags.hpp"
#include "sys/process.hpp"

#include <algorithm>
#include <cerrno>
#include <sched.h>

namespace evp {

using shm::Header;
using shm::Member;
using shm::MemberState;
using shm::Slot;
using shm::SlotState;

namespace {

constexpr uint64_t ENTERING = 1ull << 63; // of epoch_: somebody is at it

} // namespace

// A process is told from its parent by its epoch; the object it inherited still
// speaks for the parent until it has joined in its own name.
int Port::become_member() {
	sys::Thread& thread = sys::self();
	uint64_t now = thread.epoch.load(std::memory_order_relaxed);
	// A handler over our own entering can't wait for it.
	if (thread.entering.load(std::memory_order_relaxed) == this) return EAGAIN;
	thread.entering.store(this, std::memory_order_relaxed);
	std::atomic_signal_fence(std::memory_order_seq_cst);
	int error = enter_once(now);
	thread.entering.store(nullptr, std::memory_order_relaxed);
	return error;
}

int Port::enter_once(uint64_t now) {
	for (;;) {
		uint64_t seen = epoch_.load(std::memory_order_acquire);
		if (seen == now) [[likely]]
			return 0;
		if (seen == (now | ENTERING)) {
			sched_yield();
			continue;
		}
		if (!epoch_.compare_exchange_strong(seen, now | ENTERING)) continue;
		member_ = 0;
		favourite_.store(nullptr, std::memory_order_relaxed); // a thread of the parent
		registering_.forget();
		int error = join();
		for (auto& handler : sources_)
			if (handler && error == 0) handler->revive(*this);
		epoch_.store(error == 0 ? now : 0, std::memory_order_release);
		return error;
	}
}

int Port::join() {
	hold_door(true);
	(void)bury_at_times();
	int error = take_record();
	if (error == EAGAIN && bury_dead()) error = take_record();
	hold_door(false);
	return error;
}

void Port::hold_door(bool on) {
	at_door_.store(on ? sys::self().tid : 0, std::memory_order_relaxed);
	region_.hold_door(on);
}

// Two at the door that wait for a word of nobody would believe it each other's, and wait for ever.
void Port::sleeps(bool on) {
	if (at_door_.load(std::memory_order_relaxed) == sys::self().tid) region_.hold_door(!on);
}

// Another copy of this library in this very image has the port, and what is behind it.
bool Port::of_another_copy() const {
	const sys::Identity& me = sys::identity();
	uint32_t used = region_.header().members_committed.load();
	for (uint32_t i = 1; i < used && i < shm::MAX_MEMBERS; i++) {
		Member& record = region_.member(i);
		bool here = record.state.load() == MemberState::LIVE && sys::pid_means_here(record.pid_space.load());
		if (here && record.pid.load() == me.pid && record.nonce.load() == me.nonce) return true;
	}
	return false;
}

int Port::take_record() {
	Guard guard(*this);
	if (resume()) return 0;
	for (uint32_t i = 1; i < shm::MAX_MEMBERS; i++) {
		if (!region_.need_members(i + 1)) return ENOMEM;
		Member& record = region_.member(i);
		if (record.state.load() != MemberState::FREE) continue;
		const sys::Identity& me = sys::identity();
		record.state.store(MemberState::JOINING);
		record.pid.store(me.pid);
		record.start_time.store(me.start_time);
		record.nonce.store(me.nonce);
		record.pid_space.store(me.pid_space);
		record.locked.store(region_.hold_member(i));
		record.queue.head.store(0);
		record.queue.tail.store(0);
		record.queue.count.store(0);
		record.reserved.store(0);
		record.watching.store(0);
		record.fired.store(0);
		record.entitled.store(0);
		record.looked.store(region_.header().fd_posted.load() - 1); // whatever is queued is new to it
		record.state.store_release(MemberState::LIVE);
		Header& header = region_.header();
		header.member_count.store(header.member_count.load() + 1);
		member_ = i;
		rearmed_.store(header.rearm.load());
		if (header.member_count.load() == 2) waiters::call_all(region_, guard.wakes());
		return 0;
	}
	return EAGAIN;
}

bool Port::member_dead(uint32_t index) {
	if (index == 0 || index == member_) return false;
	Member& record = region_.member(index);
	if (record.state.load() == MemberState::FREE) return true;
	bool named = sys::pid_means_here(record.pid_space.load());
	// This very process before exec, whose locks it can't see: resume() finds it.
	const sys::Identity& me = sys::identity();
	if (named && record.pid.load() == me.pid && record.start_time.load() == me.start_time) return false;
	if (record.locked.load() == 0)
		return named && sys::process_dead(record.pid.load(), record.start_time.load());
	if (region_.member_held(index)) return false;
	if (named && sys::process_dead(record.pid.load(), record.start_time.load())) return true;
	// Alive as far as can be seen, without the region: exec closed it, or a close that
	// only takes the lock again (Region::hold_member) is under way.
	sys::sleep_ns(10'000'000);
	return !region_.member_held(index);
}

// The pid under which a member's threads can be looked up from here; 0: they can't be. Who scribbled the lock's
// words may have scribbled the record as well: what the kernel says of `holder`, who has its byte, counts.
int32_t Port::threads_pid(uint32_t index, int32_t holder) {
	Member& record = region_.member(index);
	int32_t pid = record.pid.load();
	bool named = sys::pid_means_here(record.pid_space.load());
	if (holder < 0) return named ? pid : 0; // this process, or there are no such locks
	return (named && pid == holder) || (holder != 0 && sys::shares_pid_space(holder)) ? holder : 0;
}

// A thread that the kernel has marked as dead, of a process that goes on, was taken by
// exec. Or it is another one's mark, whose id in its own pid namespace is the holder's
// (hazard 6): then the holder gets on within nanoseconds, if it is not stopped.
bool Port::holder_gone(uint32_t member, uint32_t tid, bool marked) {
	const sys::Identity& me = sys::identity();
	// Of its own threads a process knows who is inside; who asks is not.
	if (member == member_) return !sys::in_critical(tid) || sys::thread_gone(me.pid, tid);
	Member& record = region_.member(member);
	if (record.state.load() == MemberState::FREE) return !region_.at_door(); // it may be leaving
	if (member_dead(member)) return true;
	int32_t pid = threads_pid(member, region_.member_holder(member));
	if (pid == 0) return marked;
	bool own = pid == me.pid && record.start_time.load() == me.start_time;
	if (own && record.nonce.load() != me.nonce) return true; // before exec
	if (sys::thread_gone(pid, tid)) return true;
	return marked && !sys::thread_stopped(pid, tid);
}

bool Port::member_may_hold(uint32_t index, uint32_t tid) {
	int32_t holder = region_.member_holder(index);
	if (holder >= 0) {
		int32_t pid = threads_pid(index, holder);
		return pid == 0 || !sys::thread_gone(pid, tid);
	}
	if (index >= region_.header().members_committed.load()) return false;
	// No such locks there, perhaps.
	Member& record = region_.member(index);
	int32_t pid = record.pid.load();
	return record.state.load() == MemberState::LIVE && record.locked.load() == 0 &&
	       sys::pid_means_here(record.pid_space.load()) && !sys::process_dead(pid, record.start_time.load()) &&
	       !sys::thread_gone(pid, tid);
}

bool Port::may_hold(uint32_t tid) {
	if (tid == 0) return false;
	if (sys::in_critical(tid) || region_.at_door()) return true;
	for (uint32_t i = 1; i < shm::MAX_MEMBERS; i++)
		if (i != member_ && member_may_hold(i, tid)) return true;
	return false;
}

int32_t Port::pid_here(uint32_t index) {
	Member& record = region_.member(index);
	return sys::pid_means_here(record.pid_space.load()) ? record.pid.load() : 0;
}

uint32_t Port::members(int32_t* pids, uint32_t max) {
	tidy_after_dead(); // who only polls the port may make no other call
	Header& header = region_.header();
	uint32_t count = 0;
	for (uint32_t i = 0; i < header.members_committed.load() && i < shm::MAX_MEMBERS && count < max; i++) {
		uint32_t index = i == 0 ? member_ : i;
		if (i == member_ || region_.member(index).state.load() != MemberState::LIVE) continue;
		pids[count++] = pid_here(index);
	}
	return count;
}

Port::Holder Port::holder(SourceKind kind, uint64_t object) {
	auto source = static_cast<uint8_t>(kind);
	(void)bury_dead();
	Guard guard(*this);
	if (slots::table_find(region_, source, object, member_) != 0) return Holder::THIS;
	return slots::table_find_other(region_, source, object, member_) != 0 ? Holder::OTHER : Holder::NOBODY;
}

bool Port::same_descriptor(int fd, int32_t pid) {
	if (!sys::is_open(fd)) return false;
	int same = pid > 0 ? sys::same_open_file(pid, fd) : -1;
	if (same >= 0) return same != 0;
	Registering::Asking asking(registering_);
	if (!asking.granted()) return false;
	{
		Guard guard(*this);
		constexpr auto FD = static_cast<uint8_t>(SourceKind::FD);
		if (slots::table_find(region_, FD, static_cast<uint64_t>(fd), member_) != 0) return false; // its own
	}
	// Nothing can be registered twice in a set (hazard 13).
	if (sys::epoll_add(inner_.get(), fd, sys::EPOLL_ONESHOT, TAG_PROBE) == EEXIST) return true;
	sys::epoll_del(inner_.get(), fd);
	return false;
}

// Everything in the port that belongs to a member and does not outlive its hold
// of the port: associations and events that nobody else may have, alert mode.
template <class Which>
void Port::release_owned(uint32_t member, Which which) {
	Header& header = region_.header();
	uint32_t used = header.fresh.load();
	for (uint32_t i = 1; i < used && i <= region_.limit(); i++) {
		Slot& slot = region_.slot(i);
		SlotState state = slot.state.load();
		if (state == SlotState::FREE || slot.owner.load() != member) continue;
		if (slot.flags.load() & shm::SLOT_SHARED) continue; // USER events stay
		if (!which(slot)) continue;
		if (slots::pollable(slot)) pollable_add(-1);
		if (state == SlotState::QUEUED) slots::dequeue(region_, i);
		if (slot.flags.load() & shm::SLOT_TABLED) slots::table_remove(region_, i);
		slots::release(region_, i);
	}
	shm::Member& record = region_.member(member);
	pollable_add(-static_cast<int>(record.watching.load()));
	record.watching.store(0);
	(void)take_fired(member);
}

// After exec: this process goes on as the member it was (11.9). Its associations of
// descriptors stay; what needed the old image's memory or private descriptors is gone,
// its threads' places among the waiters too. Locked.
bool Port::resume() {
	Header& header = region_.header();
	const sys::Identity& me = sys::identity();
	for (uint32_t i = 1; i < header.members_committed.load() && i < shm::MAX_MEMBERS; i++) {
		Member& record = region_.member(i);
		if (record.state.load() != MemberState::LIVE || record.pid.load() != me.pid) continue;
		if (record.start_time.load() != me.start_time || !sys::pid_means_here(record.pid_space.load())) continue;
		if (record.nonce.load() == me.nonce) continue;
		uint32_t used = header.waiter_fresh.load();
		for (uint32_t w = 1; w < used && w < shm::MAX_WAITERS; w++) {
			shm::Waiter& waiter = region_.waiter(w);
			if (waiter.kind.load() != shm::WaiterKind::FREE && waiter.member.load() == i)
				waiters::remove(region_, w);
		}
		constexpr uint8_t FD = static_cast<uint8_t>(SourceKind::FD);
		release_owned(i, [](const Slot& slot) { return slot.source.load() != FD; });
		record.reserved.store(0);
		record.looked.store(header.fd_posted.load() - 1);
		record.locked.store(region_.hold_member(i));
		record.nonce.store(me.nonce);
		member_ = i;
		resumed_ = true;
		rearmed_.store(header.rearm.load() - 1); // the old image may have had one shots in hand
		return true;
	}
	return false;
}

void Port::disown() {
	for (auto& handler : sources_)
		if (handler) handler->close(*this);
	Guard guard(*this);
	release_owned(member_, [](const Slot&) { return true; });
	Header& header = region_.header();
	if (header.alert_member.load() == member_) header.alert_events.store(0);
}

bool Port::held_up() {
	return std::ranges::any_of(sources_, [](auto& handler) { return handler && handler->held_up(); });
}

void Port::leave() {
	if (member_ == 0) return;
	bool alone;
	{
		Guard guard(*this);
		alone = region_.header().member_count.load() <= 1 && region_.header().ticketed.load() == 0;
	}
	// The last one out takes the region with it; there is nothing to tidy.
	if (alone) {
		for (auto& handler : sources_)
			if (handler) handler->close(*this);
		return;
	}
	disown();
	hold_door(true);
	{
		Guard guard(*this);
		Header& header = region_.header();
		Member& record = region_.member(member_);
		// It may have been taken for dead, its hold of the region gone, and the record be another's.
		if (record.state.load() == MemberState::LIVE && record.nonce.load() == sys::identity().nonce) {
			record.state.store_release(MemberState::FREE);
			if (header.member_count.load() != 0) header.member_count.store(header.member_count.load() - 1);
		}
	}
	hold_door(false);
}

} // namespace evp
