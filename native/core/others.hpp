// Events of descriptors that another process associated, which this process may have
// too because the same number means the same open file here (11.1).
//
// Only the kernel can tell, and only when asked in this process: so a getter looks
// once at what others were given since it last looked, with the lock released, and
// keeps what it may have. What it found is noted in its member record, so that a
// poster wakes it for such events and no others (waiters.cpp).
#pragma once
#include "core/types.hpp"
#include "shm/region.hpp"

namespace evp {

class Others {
public:
	static constexpr uint32_t MOST = 64;
	struct Entry {
		uint32_t index, arm;
		uint64_t seq;
		int fd;
		int32_t pid; // of the owner, 0: it means nothing here
	};

	// All locked.
	// Whether there is anything that was not looked at.
	bool unseen(shm::Region& region, uint32_t member) const;
	// Lists the MOST oldest candidates after `after` (a seq); the caller finds out, not
	// locked, which of them to keep.
	void list(shm::Region& region, uint32_t member, uint64_t after);
	void keep(uint32_t at) { entries_[kept_++] = entries_[at]; }
	void note(shm::Region& region, uint32_t member); // what was kept
	// How many can still be had; corrects the note.
	uint32_t count(shm::Region& region, uint32_t member);
	// The older of `index` (0: none) and the oldest here, which is gone from here then.
	uint32_t older(shm::Region& region, uint32_t index);

	uint32_t listed() const { return listed_; }
	bool any_kept() const { return kept_ != 0; }
	bool more() const { return more_; }                       // there were more than MOST
	uint64_t last() const { return entries_[listed_ - 1].seq; } // if there is more
	const Entry& entry(uint32_t at) const { return entries_[at]; }

private:
	static bool queued(shm::Region& region, const Entry& entry);
	void insert(const Entry& entry);

	Entry entries_[MOST];
	uint32_t listed_ = 0;
	uint32_t kept_ = 0;
	uint32_t next_ = 0;
	uint64_t as_of_ = 0;
	bool looked_ = false;
	bool more_ = false;
};

} // namespace evp
