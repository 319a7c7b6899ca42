// After a death in the critical section: everything is rebuilt from the slots and
// the waiters' and members' records. Locked; the former holder's process is gone.
//
// Any store may have been the last. A slot is what its `state` says; a slot that
// was being made is still FREE, one that was being delivered is still QUEUED or
// already CACHED or FREE (its event went with the process that took it).
//
// Nothing is taken from malloc, which a signal handler that came here may have
// interrupted, and what is sorted is private: a peer may scribble at any time.

#include "core/blocks.hpp"
#include "core/port.hpp"
#include "core/slots.hpp"
#include "sys/eventfd.hpp"
#include "sys/futex.hpp"
#include "sys/process.hpp"

#include <algorithm>
#include <bitset>

namespace evp {

using shm::Header;
using shm::Member;
using shm::MemberState;
using shm::Slot;
using shm::SlotState;
using shm::Waiter;
using shm::WaiterKind;

namespace {

struct Ordered {
	uint64_t key;
	uint32_t index;
	bool operator<(const Ordered& other) const {
		return key != other.key ? key < other.key : index < other.index;
	}
};

void clear(shm::QueueWords& queue) {
	queue.head.store(0);
	queue.tail.store(0);
	queue.count.store(0);
}

void append(shm::Region& region, shm::QueueWords& queue, uint32_t index) {
	Slot& slot = region.slot(index);
	uint32_t tail = queue.tail.load();
	slot.next.store(0);
	slot.prev.store(tail);
	if (tail != 0)
		region.slot(tail).next.store(index);
	else
		queue.head.store(index);
	queue.tail.store(index);
	queue.count.store(queue.count.load() + 1);
}

// Calls `visit` for each index below `end` that has a key (key_of(index, &key)), in order of key and
// index; how many there were. In one pass where there is memory, else in passes of a few. Of what a
// peer scribbles between two passes, no more than `end` are visited.
template <class KeyOf, class Visit>
uint32_t in_order(uint32_t end, KeyOf key_of, Visit visit) {
	constexpr uint32_t FEW = 128; // this may be a small stack, of signal handlers
	Ordered few[FEW];
	sys::Scratch<Ordered> many(end > FEW ? end : 0);
	Ordered* list = many.data() ? many.data() : few;
	uint32_t room = many.data() ? end : FEW;
	Ordered last{0, 0};
	uint32_t visited = 0;
	for (bool more = true; more && visited < end;) {
		uint32_t count = 0;
		more = false;
		for (uint32_t i = 1; i < end; i++) {
			Ordered one{0, i};
			if (!key_of(i, &one.key) || !(last < one)) continue;
			if (count < room) {
				list[count++] = one;
				std::push_heap(list, list + count);
				continue;
			}
			more = true;
			if (!(one < list[0])) continue;
			std::pop_heap(list, list + count);
			list[count - 1] = one;
			std::push_heap(list, list + count);
		}
		std::sort_heap(list, list + count);
		for (uint32_t i = 0; i < count; i++) visit(list[i].index);
		visited += count;
		last = list[count != 0 ? count - 1 : 0];
	}
	return visited;
}

bool is_live(shm::Region& region, uint32_t member) {
	return region.member(member).state.load() == MemberState::LIVE;
}

uint32_t rebuild_members(shm::Region& region) {
	Header& header = region.header();
	uint32_t live = 0;
	for (uint32_t i = 1; i < header.members_committed.load() && i < shm::MAX_MEMBERS; i++) {
		Member& record = region.member(i);
		if (record.state.load() == MemberState::JOINING) record.state.store(MemberState::FREE);
		clear(record.queue);
		if (record.state.load() != MemberState::LIVE) continue;
		live++;
	}
	return live;
}

void rebuild_waiters(shm::Region& region) {
	Header& header = region.header();
	header.waiter_free.store(0);
	header.waiter_first.store(0);
	header.handed.store(0);
	// A leader that was signalled and not yet kicked says no more that it polls.
	uint32_t leader = header.leader.load();
	uint32_t leading = 0;
	uint32_t rung = 0;
	uint32_t used = std::min(header.waiter_fresh.load(), shm::MAX_WAITERS);
	for (uint32_t i = 1; i < used; i++) {
		Waiter& record = region.waiter(i);
		uint32_t member = record.member.load();
		bool live = record.kind.load() != WaiterKind::FREE &&
		            is_live(region, member);
		if (live) {
			// The one that sleeps in the inner set goes on leading.
			if (i == leader || record.word.load() & shm::POLLING) leading = i;
			if (record.kind.load() == WaiterKind::LOOP && record.word.load() != 0) rung++;
			continue;
		}
		record.kind.store(WaiterKind::FREE);
		record.next.store(header.waiter_free.load());
		header.waiter_free.store(i);
	}
	auto standing = [&](uint32_t i, uint64_t* wanted) {
		Waiter& record = region.waiter(i);
		*wanted = record.wanted.load();
		return record.kind.load() != WaiterKind::FREE;
	};
	uint32_t before = 0;
	uint32_t count = in_order(used, standing, [&](uint32_t i) {
		region.waiter(i).prev.store(before);
		region.waiter(i).next.store(0);
		if (before != 0)
			region.waiter(before).next.store(i);
		else
			header.waiter_first.store(i);
		before = i;
	});
	header.leader.store(leading);
	header.waiter_count.store(count);
	header.loops_rung.store(rung);
}

using Blocks = std::bitset<shm::MAX_BLOCKS + 1>;

// A block is free unless a queued message refers to it.
void rebuild_blocks(shm::Region& region, const Blocks& used) {
	Header& header = region.header();
	uint32_t end = std::min(header.block_fresh.load(), region.block_count() + 1);
	header.block_free.store(0);
	for (uint32_t i = 1; i < end; i++)
		if (!used[i]) blocks::release(region, i);
}

} // namespace

void Port::repair() {
	Header& header = region_.header();
	// First of all, so that nothing of theirs is put back: whatever belongs to a
	// member that is not LIVE goes, also if this repair is cut short in its turn.
	for (uint32_t i = 1; i < header.members_committed.load() && i < shm::MAX_MEMBERS; i++) {
		Member& record = region_.member(i);
		if (record.state.load() == MemberState::LIVE && member_dead(i))
			record.state.store_release(MemberState::FREE);
	}
	header.member_count.store(rebuild_members(region_));
	if (!is_live(region_, header.alert_member.load())) header.alert_events.store(0);
	rebuild_waiters(region_);
	// A kick that the dead one raised and did not look at again would be nobody's.
	header.kicked.store(0);
	sys::eventfd_lower(kick_.get());
	// The dead one may have announced a wake-up and not made it.
	for (uint32_t i = 1; i < header.waiter_fresh.load() && i < shm::MAX_WAITERS; i++)
		if (region_.waiter(i).kind.load() == WaiterKind::THREAD) revive_waiter(i);

	uint32_t buckets = std::min(header.buckets_committed.load(), region_.bucket_count());
	for (uint32_t i = 0; i < buckets; i++)
		region_.bucket(i).store(0);
	clear(header.shared);
	header.free_head.store(0);
	header.free_tail.store(0);
	uint32_t used = 0;
	uint32_t pollable = 0;
	uint64_t newest = 0;
	uint32_t end = std::min(header.fresh.load(), region_.limit() + 1);
	for (uint32_t i = 1; i < end; i++) {
		Slot& slot = region_.slot(i);
		SlotState state = slot.state.load();
		bool shared = slot.flags.load() & shm::SLOT_SHARED;
		if (state == SlotState::FREE || !(shared || is_live(region_, slot.owner.load()))) {
			slot.state.store_release(SlotState::FREE);
			slots::append_free(region_, i, i);
			continue;
		}
		used++;
		uint64_t seq = slot.seq.load();
		newest = std::max(newest, seq);
		if (slot.flags.load() & shm::SLOT_TABLED) slots::table_insert(region_, i);
		if (slots::pollable(slot)) pollable++;
	}
	auto is_queued = [&](uint32_t i, uint64_t* seq) {
		*seq = region_.slot(i).seq.load();
		return region_.slot(i).state.load() == SlotState::QUEUED;
	};
	Blocks blocks;
	uint32_t queued = in_order(end, is_queued, [&](uint32_t i) {
		Slot& slot = region_.slot(i);
		bool shared = slot.flags.load() & shm::SLOT_SHARED;
		append(region_, shared ? header.shared : region_.member(slot.owner.load()).queue, i);
		uint32_t block = slot.link.load();
		if (slot.flags.load() & shm::SLOT_BYTES && block < blocks.size()) blocks[block] = true;
	});
	rebuild_blocks(region_, blocks);
	uint32_t foreign = 0;
	for (uint32_t i = 1; i < header.members_committed.load() && i < shm::MAX_MEMBERS; i++) {
		Member& record = region_.member(i);
		if (record.state.load() != MemberState::LIVE) continue;
		pollable += record.watching.load();
		foreign += record.fired.load() != 0;
	}
	header.foreign.store(foreign);
	header.used.store(used);
	header.queued.store(queued);
	header.pollable.store(pollable);
	header.slot_waiters.store(0); // who lives counts again at its next look
	header.next_seq.store(std::max(header.next_seq.load(), newest + 1));
	header.uncollected.store(1);
	header.fd_posted.store(header.fd_posted.load() + 1); // others look again at what there is
	header.rearm.fetch_add(1); // what it had taken from the kernel is gone
	// The doorbell may be anywhere: the next settle() sets it right.
	header.bell_high.store(2);
}

// A waiter whose record may carry a signal that nobody followed with a system
// call: let it come and look.
void Port::revive_waiter(uint32_t index) {
	Waiter& record = region_.waiter(index);
	uint32_t word = record.word.load();
	if (word == 0) return;
	// What it was told already stays: an alert, a descriptor closed.
	record.word.store((word & ~(shm::SLEEPING | shm::POLLING)) | shm::SIGNAL_LEAD);
	if (region_.header().leader.load() == index) {
		region_.header().kicked.store(1);
		kick();
	}
	sys::futex_wake(record.word.word(), 1);
}

} // namespace evp
