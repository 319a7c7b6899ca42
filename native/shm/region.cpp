#include "shm/region.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>

namespace evp::shm {

namespace {

constexpr size_t PAGE = 65536; // the largest page of a supported machine

constexpr long DOOR = 0; // no member's byte

size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

} // namespace

uint32_t buckets_for(uint32_t limit) {
	return std::bit_ceil(std::clamp<uint32_t>(limit, 256, MAX_BUCKETS));
}

uint32_t blocks_for(uint32_t limit) { return std::min(limit, MAX_BLOCKS); }

Offsets offsets_for(uint32_t limit, uint32_t buckets) {
	Offsets at{};
	at.members = 4096;
	at.waiters = round_up(at.members + sizeof(Member) * MAX_MEMBERS, PAGE);
	at.buckets = at.waiters + round_up(sizeof(Waiter) * MAX_WAITERS, PAGE);
	at.slots = at.buckets + round_up(sizeof(uint32_t) * buckets, PAGE);
	at.blocks = at.slots + round_up(sizeof(Slot) * (static_cast<size_t>(limit) + 1), PAGE);
	at.size = at.blocks + round_up(sizeof(Block) * (static_cast<size_t>(blocks_for(limit)) + 1), PAGE);
	static_assert(sizeof(Header) <= 4096);
	return at;
}

Region::~Region() {
	if (header_) sys::unmap(header_, offsets_.size);
}

Result<void> Region::map(int fd, uint32_t limit, uint32_t buckets) {
	offsets_ = offsets_for(limit, buckets);
	Result<void*> mapped = sys::map_shared(fd, offsets_.size);
	if (!mapped) return Error{mapped.error()};
	auto* base = static_cast<char*>(*mapped);
	header_ = reinterpret_cast<Header*>(base);
	members_ = reinterpret_cast<Member*>(base + offsets_.members);
	waiters_ = reinterpret_cast<Waiter*>(base + offsets_.waiters);
	buckets_ = reinterpret_cast<Cell<uint32_t>*>(base + offsets_.buckets);
	slots_ = reinterpret_cast<Slot*>(base + offsets_.slots);
	blocks_ = reinterpret_cast<Block*>(base + offsets_.blocks);
	limit_ = limit;
	block_count_ = blocks_for(limit);
	bucket_mask_ = buckets - 1;
	return {};
}

Result<void> Region::create(uint32_t limit, bool cloexec) {
	uint32_t buckets = buckets_for(limit);
	Offsets at = offsets_for(limit, buckets);
	Result<sys::UniqueFd> memory = sys::memfd_sealed(at.size);
	if (!memory) return Error{memory.error()};
	if (Result<void> r = sys::commit(memory->get(), 0, at.members); !r) return r;
	own(sys::move_high(std::move(*memory), cloexec));
	if (Result<void> r = map(fd_.get(), limit, buckets); !r) return r;
	header_->version.store(VERSION);
	header_->limit.store(limit);
	header_->buckets.store(buckets);
	header_->fresh.store(1);
	header_->block_fresh.store(1);
	header_->waiter_fresh.store(1);
	header_->next_seq.store(1);
	if (Result<void> r = need_slots(1); !r) return r;
	if (Result<void> r = need_waiters(1); !r) return r;
	if (Result<void> r = need_members(1); !r) return r;
	header_->magic.store_release(MAGIC);
	return {};
}

Result<void> Region::attach(int fd) {
	size_t size = sys::sealed_size(fd);
	if (size < sizeof(Header)) return Error{EBADMSG};
	Result<void*> mapped = sys::map_shared(fd, sizeof(Header));
	if (!mapped) return Error{mapped.error() == ENOMEM ? ENOMEM : EBADMSG}; // read-only
	const auto& header = *static_cast<const Header*>(*mapped);
	uint32_t magic = header.magic.load_acquire();
	uint32_t version = header.version.load();
	uint32_t limit = header.limit.load();
	uint32_t buckets = header.buckets.load();
	sys::unmap(*mapped, sizeof(Header));
	if (magic != MAGIC) return Error{EBADMSG};
	if (version != VERSION) return Error{EPROTO};
	if (limit == 0 || limit > MAX_LIMIT || buckets != buckets_for(limit)) return Error{EBADMSG};
	if (offsets_for(limit, buckets).size != size) return Error{EBADMSG};
	return map(fd, limit, buckets);
}

bool Region::hold_member(uint32_t index) const { return sys::lock_byte(fd_.get(), index); }
bool Region::member_held(uint32_t index) const { return sys::byte_locked(fd_.get(), index); }
int32_t Region::member_holder(uint32_t index) const { return sys::byte_holder(fd_.get(), index); }
void Region::hold_door(bool on) const { sys::share_byte(fd_.get(), DOOR, on); }
bool Region::at_door() const { return sys::byte_locked(fd_.get(), DOOR); }

Result<void> Region::extend(Cell<uint32_t>& committed, size_t base, size_t record, uint32_t need,
                            uint32_t step, uint32_t most) {
	uint32_t have = committed.load();
	if (need <= have) return {};
	// Doubling keeps the number of system calls small, the cap keeps the waste so.
	uint64_t grown = static_cast<uint64_t>(have) + std::clamp<uint32_t>(have, step, 1u << 16);
	uint32_t target = static_cast<uint32_t>(std::min<uint64_t>(std::max<uint64_t>(grown, need), most));
	Result<void> r = sys::commit(fd_.get(), base + record * have, base + record * target);
	if (!r) return r;
	committed.store(target);
	return {};
}

Result<void> Region::need_slots(uint32_t count) {
	return extend(header_->committed, offsets_.slots, sizeof(Slot), count, 64, limit_ + 1);
}

Result<void> Region::need_blocks(uint32_t count) {
	return extend(header_->blocks_committed, offsets_.blocks, sizeof(Block), count, 16, block_count_ + 1);
}

Result<void> Region::need_waiters(uint32_t count) {
	return extend(header_->waiters_committed, offsets_.waiters, sizeof(Waiter), count, 64, MAX_WAITERS);
}

Result<void> Region::need_members(uint32_t count) {
	return extend(header_->members_committed, offsets_.members, sizeof(Member), count, 64, MAX_MEMBERS);
}

Result<void> Region::need_bucket(uint32_t index) {
	return extend(header_->buckets_committed, offsets_.buckets, sizeof(uint32_t), index + 1, 1024,
	              bucket_mask_ + 1);
}

} // namespace evp::shm
