// A port's region mapped into this process: a sealed memfd (layout.hpp).
//
// Every index that comes out of shared memory goes through slot(), waiter(),
// member(), bucket() or block(), which answer an index out of range with the record 0, a
// sink that nothing refers to: a scribbling peer can spoil the port, never this
// process (design rule 7).
#pragma once
#include "shm/layout.hpp"
#include "sys/memory.hpp"

namespace evp::shm {

class Region {
public:
	Region() = default;
	Region(const Region&) = delete;
	~Region();

	// Makes a region for `limit` slots. ENOMEM EMFILE.
	Result<void> create(uint32_t limit, bool cloexec);

	// Maps a region that another process made. The descriptor stays the caller's until
	// own(). EBADMSG: it is none; EPROTO: of another version; ENOMEM.
	Result<void> attach(int fd);
	void own(sys::UniqueFd fd) {
		fd_ = std::move(fd);
		id_ = sys::file_id(fd_.get());
	}
	bool intact() const { return fd_.get() >= 0 && sys::file_id(fd_.get()) == id_; } // its number is its own yet
	void lose() { (void)fd_.release(); } // it is closed, and the number another's

	Header& header() const { return *header_; }
	Slot& slot(uint32_t index) const { return slots_[index <= limit_ ? index : 0]; }
	Waiter& waiter(uint32_t index) const { return waiters_[index < MAX_WAITERS ? index : 0]; }
	Member& member(uint32_t index) const { return members_[index < MAX_MEMBERS ? index : 0]; }
	Cell<uint32_t>& bucket(uint64_t hash) const { return buckets_[hash & bucket_mask_]; }
	uint32_t bucket_index(uint64_t hash) const { return static_cast<uint32_t>(hash) & bucket_mask_; }
	uint32_t bucket_count() const { return bucket_mask_ + 1; }
	Block& block(uint32_t index) const { return blocks_[index <= block_count_ ? index : 0]; }
	uint32_t limit() const { return limit_; }
	uint32_t block_count() const { return block_count_; }
	int fd() const { return fd_.get(); }
	sys::FileId id() const { return id_; }

	// A record lock on a member's byte: the kernel drops it when the process ends, execs
	// or otherwise lets go of the region, whatever namespace it lives in (hazard 6).
	// Also when the process closes any other descriptor of the region: hold it again then.
	bool hold_member(uint32_t index) const;   // false: no such locks here
	bool member_held(uint32_t index) const;   // by another process
	int32_t member_holder(uint32_t index) const; // its pid, whatever the record says: sys::byte_holder()
	// The same on a byte that several may hold at a time: who comes, or goes, may have the port's
	// lock and be no member.
	void hold_door(bool on) const;
	bool at_door() const; // another process

	// Backs records with memory before their first use (hazard 19). ENOMEM.
	// Called with the port's lock held; each is a no-op but at a chunk's edge.
	Result<void> need_slots(uint32_t count);
	Result<void> need_blocks(uint32_t count);
	Result<void> need_waiters(uint32_t count);
	Result<void> need_members(uint32_t count);
	Result<void> need_bucket(uint32_t index);

private:
	Result<void> map(int fd, uint32_t limit, uint32_t buckets);
	Result<void> extend(Cell<uint32_t>& committed, size_t base, size_t record, uint32_t need,
	                    uint32_t step, uint32_t most);

	sys::UniqueFd fd_;
	sys::FileId id_;
	Header* header_ = nullptr;
	Member* members_ = nullptr;
	Waiter* waiters_ = nullptr;
	Cell<uint32_t>* buckets_ = nullptr;
	Slot* slots_ = nullptr;
	Block* blocks_ = nullptr;
	Offsets offsets_{};
	uint32_t limit_ = 0;
	uint32_t block_count_ = 0;
	uint32_t bucket_mask_ = 0;
};

} // namespace evp::shm
