#include "core/others.hpp"

#include "core/port.hpp"
#include "core/slots.hpp"

namespace evp {

using shm::Header;
using shm::Member;
using shm::MemberState;
using shm::Region;
using shm::Slot;
using shm::SlotState;

bool Others::unseen(Region& region, uint32_t member) const {
	Header& header = region.header();
	if (header.queued.load() <= slots::deliverable(region, member)) [[likely]]
		return false;
	Member& record = region.member(member);
	if (record.looked.load() != header.fd_posted.load()) return true;
	// Another thread's finding is of use to nobody else.
	return record.entitled.load() != 0 && (!looked_ || as_of_ != record.looked.load());
}

// In order of seq; the youngest makes room.
void Others::insert(const Entry& entry) {
	if (listed_ == MOST) {
		more_ = true;
		if (entry.seq >= entries_[MOST - 1].seq) return;
		listed_--;
	}
	uint32_t at = listed_++;
	for (; at != 0 && entries_[at - 1].seq > entry.seq; at--) entries_[at] = entries_[at - 1];
	entries_[at] = entry;
}

void Others::list(Region& region, uint32_t member, uint64_t after) {
	constexpr uint8_t FD = static_cast<uint8_t>(SourceKind::FD);
	Header& header = region.header();
	looked_ = true;
	listed_ = kept_ = next_ = 0;
	more_ = false;
	as_of_ = header.fd_posted.load();
	for (uint32_t m = 1; m < header.members_committed.load() && m < shm::MAX_MEMBERS; m++) {
		Member& owner = region.member(m);
		if (m == member || owner.state.load() != MemberState::LIVE) continue;
		uint32_t at = owner.queue.head.load();
		for (uint32_t steps = 0; at != 0 && steps <= region.limit(); steps++) {
			Slot& slot = region.slot(at);
			uint64_t object = slot.object.load();
			uint64_t seq = slot.seq.load();
			// A queue is in order itself: nothing behind is older.
			if (more_ && seq > entries_[MOST - 1].seq) break;
			// A number of which this process has an association of its own is another file.
			if (seq > after && slot.source.load() == FD && slots::table_find(region, FD, object, member) == 0)
				insert({at, slot.arm.load(), seq, static_cast<int>(object),
				        sys::pid_means_here(owner.pid_space.load()) ? owner.pid.load() : 0});
			at = slot.next.load();
		}
	}
}

void Others::note(Region& region, uint32_t member) {
	region.member(member).looked.store(as_of_);
	(void)count(region, member);
}

bool Others::queued(Region& region, const Entry& entry) {
	Slot& slot = region.slot(entry.index);
	return slot.state.load() == SlotState::QUEUED && slot.arm.load() == entry.arm &&
	       slot.seq.load() == entry.seq;
}

uint32_t Others::count(Region& region, uint32_t member) {
	if (!looked_) [[likely]]
		return 0;
	uint32_t found = 0;
	for (uint32_t i = next_; i < kept_; i++) found += queued(region, entries_[i]);
	// What was taken meanwhile must not have this process called again.
	Member& record = region.member(member);
	if (record.looked.load() == as_of_) {
		if (record.entitled.load() != found) record.entitled.store(found);
		if (found == 0 && more_) record.looked.store(as_of_ - 1); // those not listed come now
	}
	return found;
}

uint32_t Others::older(Region& region, uint32_t index) {
	while (next_ < kept_ && !queued(region, entries_[next_])) next_++;
	if (next_ == kept_) return index;
	if (index != 0 && region.slot(index).seq.load() < entries_[next_].seq) return index;
	return entries_[next_++].index;
}

// --- The port: its locked look, and the descriptors that are compared without the lock.

void Port::look_at_others(Guard& guard, Others& others) {
	guard.unlock();
	(void)bury_dead(); // events go with who owned them
	uint64_t after = 0;
	do {
		guard.lock();
		others.list(region_, member_, after);
		guard.unlock();
		uint32_t listed = others.listed();
		for (uint32_t i = 0; i < listed; i++) {
			if (same_descriptor(others.entry(i).fd, others.entry(i).pid))
				others.keep(i);
			else
				left_.store(true, std::memory_order_relaxed);
		}
		if (others.more()) after = others.last();
	} while (others.more() && !others.any_kept());
	guard.lock();
	others.note(region_, member_);
}

std::atomic<bool> Port::left_{false};

void Port::look_again() {
	Guard guard(*this);
	region_.member(member_).looked.store(region_.header().fd_posted.load() - 1);
}

} // namespace evp
