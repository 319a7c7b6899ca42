// From kernel readiness to queued events: what the leader, or whoever polls,
// does with the inner set.

#include "core/port.hpp"
#include "core/slots.hpp"
#include "core/tags.hpp"

#include <cerrno>
#include <utility>

namespace evp {

using shm::Header;
using shm::Slot;
using shm::SlotState;

// Whether a private descriptor of this process is ready, and another member found it so.
bool Port::called() const {
	return region_.header().foreign.load() != 0 && region_.member(member_).fired.load() != 0;
}

// Whether a get must ask the kernel before it looks at the queue: it does not
// wait, something was armed since the last time, or it is the kernel's turn. If the queue has as
// much as is asked for, only the last.
bool Port::collection_due(bool drain, bool full) const {
	Header& header = region_.header();
	if (header.pollable.load() == 0) return drain && !full && ready_in_vain();
	if (header.since_collect.load() >= FAIR_EVENTS) return true;
	return !full && (drain || header.uncollected.load() != 0);
}

// The system call. Negative: -errno (EINTR).
int Port::ask_kernel(sys::Ready* ready, const Deadline& deadline, sys::HeldSignals* held) {
	if (held && held->due()) return -EINTR;
	region_.header().uncollected.store(0);
	const uint64_t* mask = held ? held->mask() : nullptr;
	bool disturbed = Source::kernel_works.load(std::memory_order_relaxed) && !deadline.poll &&
	                 source(SourceKind::AIO)->interrupts();
	if (disturbed) [[unlikely]]
		return sys::epoll_collect_undisturbed(inner_.get(), ready, COLLECT_MAX, deadline, mask);
	return sys::epoll_collect(inner_.get(), ready, COLLECT_MAX, deadline, mask);
}

// Queues what is ready among slots, or hands it over at once; lists in `rearm` the slots whose
// registration fired for nothing that was asked. Locked.
Port::Left Port::post_ready(const sys::Ready* ready, int count, uint32_t* rearm, Direct* direct) {
	Header& header = region_.header();
	uint32_t fired = 0;
	const uint32_t before = direct ? direct->taken : 0;
	uint32_t taken = before;
	Left left{};
	uint32_t room = direct ? direct->room : 0;
	Event* const out = direct ? direct->out : nullptr;
	constexpr int AHEAD = 8; // of as many descriptors the slots are on their way from memory
	for (int i = 0; i < count && i < AHEAD; i++) __builtin_prefetch(&region_.slot(tag_index(ready[i].data)), 1);
	for (int i = 0; i < count; i++) {
		if (i + AHEAD < count) __builtin_prefetch(&region_.slot(tag_index(ready[i + AHEAD].data)), 1);
		uint64_t tag = ready[i].data;
		if (tag & TAG_SPECIAL) [[unlikely]] {
			(tag == TAG_KICK ? left.kick : left.called) = true;
			if (tag != TAG_KICK && tag_member(tag) != member_) note_fired(tag_member(tag), tag_kind(tag));
			continue;
		}
		Slot& slot = region_.slot(tag_index(tag));
		// Not armed, or armed anew: the news is of an association that is over.
		if (slot.state.load() != SlotState::ARMED || slot.arm.load() != tag_arm(tag)) continue;
		uint32_t events = sys::told_of(ready[i].events, slot.asked.load());
		if (events == 0) { // never post an event without a bit (4.7)
			rearm[left.rearms++] = tag_index(tag);
			continue;
		}
		fired++;
		// What this process may not have, or not yet, or what does not fit, is queued, and so is all behind it.
		if (taken < room && slot.owner.load() == member_) {
			out[taken++] = {static_cast<int32_t>(events), static_cast<uint16_t>(SourceKind::FD), 0,
			                slot.object.load(), slot.user.load()};
			slot.state.store_release(SlotState::CACHED);
		} else {
			post_fd(tag_index(tag), events);
			room = taken;
		}
	}
	if (fired != 0) pollable_add(-static_cast<int>(fired));
	header.since_collect.store(taken);
	if (count == COLLECT_MAX) // it may have more, which comes before what is posted next (4.5)
		header.uncollected.store(1);
	if (taken != before) {
		direct->taken = taken;
		auto& delivered = header.delivered[static_cast<int>(SourceKind::FD)];
		delivered.store(delivered.load() + taken - before);
	}
	return left;
}

void Port::post_fd(uint32_t index, uint32_t events) {
	Header& header = region_.header();
	region_.slot(index).events.store(static_cast<int32_t>(events));
	slots::enqueue(region_, index);
	// Other processes may be entitled to it (others.hpp).
	if (shared()) header.fd_posted.store(header.fd_posted.load() + 1);
}

// The part that needs system calls: what fired in vain is armed again, sources read
// their descriptors. Not locked.
void Port::finish_ready(const sys::Ready* ready, int count, const uint32_t* rearm, uint32_t rearms,
                        bool leading) {
	Header& header = region_.header();
	for (uint32_t i = 0; i < rearms; i++) {
		Slot& slot = region_.slot(rearm[i]);
		if (slot.owner.load() != member_) { // a number of that process
			header.rearm.fetch_add(1);
			continue;
		}
		sys::epoll_mod(inner_.get(), static_cast<int>(slot.object.load()),
		               sys::registered_for(slot.asked.load()), tag_slot(rearm[i], slot.arm.load()));
	}
	for (int i = 0; i < count; i++) {
		uint64_t tag = ready[i].data;
		if (!(tag & TAG_SPECIAL)) continue;
		if (tag == TAG_KICK) {
			if (leading) continue;
			// It was meant for the leader: taken from under one, it is passed on.
			shm::Waiter& leader = region_.waiter(header.leader.load());
			uint32_t word = leader.word.load();
			if (header.leader.load() != 0 && word != 0 && !(word & shm::POLLING)) {
				header.kicked.store(1);
				kick();
			}
			continue;
		}
		if (tag_member(tag) == member_ && tag_kind(tag) < SOURCE_KINDS)
			if (Source* handler = sources_[tag_kind(tag)].get()) handler->collect(*this);
	}
}

// A private descriptor of another member fired, and its one shot is used up: only
// that member can read it, so it is told (hazard 2). Until it comes the port stays
// readable, for whoever polls it there.
void Port::note_fired(uint32_t member, int kind) {
	shm::Member& record = region_.member(member);
	if (record.state.load() != shm::MemberState::LIVE || kind >= SOURCE_KINDS) return;
	uint32_t before = record.fired.load();
	record.fired.store(before | 1u << kind);
	Header& header = region_.header();
	if (before == 0) header.foreign.store(header.foreign.load() + 1);
}

uint32_t Port::take_fired(uint32_t member) {
	Header& header = region_.header();
	shm::Member& record = region_.member(member);
	uint32_t fired = record.fired.load();
	if (fired == 0) return 0;
	record.fired.store(0);
	if (header.foreign.load() != 0) header.foreign.store(header.foreign.load() - 1);
	return fired;
}

// Asks the kernel within a critical section that is left for it: what it reports
// is queued before the section is left again, so a taker that empties the queue
// at once never moves the doorbell. True: the kernel may have more.
bool Port::collect(Guard& guard, Direct* direct) {
	sys::Ready ready[COLLECT_MAX];
	uint32_t rearm[COLLECT_MAX];
	guard.unlock();
	int count = ask_kernel(ready, Deadline::now(), nullptr);
	guard.lock();
	if (direct && !may_take_directly(0)) direct = nullptr;
	Left left = post_ready(ready, count, rearm, direct);
	uint32_t fired = take_fired(member_) | insistent_.load(std::memory_order_relaxed);
	if (left.rearms == 0 && !left.kick && !left.called && fired == 0) return count == COLLECT_MAX;
	guard.unlock();
	// Nobody else is told of what they post before this critical section is left: mostly the
	// caller takes it, and the doorbell need not move.
	sys::Thread& thread = sys::self();
	const void* before = std::exchange(thread.collecting, this);
	finish_ready(ready, count, rearm, left.rearms, false);
	for (int kind = 0; fired != 0 && kind < SOURCE_KINDS; kind++)
		if (fired & 1u << kind && sources_[kind]) sources_[kind]->collect(*this);
	thread.collecting = before;
	guard.lock();
	return count == COLLECT_MAX;
}

void Port::collect_now() {
	Guard guard(*this);
	// All of it, unless it brings nothing new.
	for (uint32_t had = 0; collect(guard) && region_.header().queued.load() > had;)
		had = region_.header().queued.load();
}

void Port::insist(SourceKind kind, bool on) {
	uint32_t bit = 1u << static_cast<int>(kind);
	on ? insistent_.fetch_or(bit) : insistent_.fetch_and(~bit);
}

Result<void> Port::watch_private(SourceKind kind, int fd) {
	private_.store(true, std::memory_order_relaxed);
	int rc = sys::epoll_add(inner_.get(), fd, sys::EPOLL_READABLE | sys::EPOLL_ONESHOT,
	                        tag_private(kind, member_));
	if (rc == 0) return {};
	if (rc == EEXIST) {
		watch_again(kind, fd);
		return {};
	}
	return Error{sys::used_up(rc)};
}

void Port::watch_again(SourceKind kind, int fd) {
	sys::epoll_mod(inner_.get(), fd, sys::EPOLL_READABLE | sys::EPOLL_ONESHOT,
	               tag_private(kind, member_));
}

void Port::watch_paused(SourceKind kind, int fd) {
	sys::epoll_mod(inner_.get(), fd, sys::EPOLL_ONESHOT, tag_private(kind, member_));
}

} // namespace evp
