#include "core/slots.hpp"

namespace evp::slots {

uint64_t table_hash(uint8_t source, uint64_t object) {
	// Descriptors are dense and small: their own number keeps the table's used
	// part as small as they are. So are the addon's numbers for files, which are odd and
	// stand behind the descriptors of most programs. Addresses are mixed.
	constexpr uint64_t BEHIND_DESCRIPTORS = 512;
	if (source == static_cast<uint8_t>(SourceKind::FD)) return object;
	if (source == static_cast<uint8_t>(SourceKind::FILE) && object & 1) return (object >> 4) + BEHIND_DESCRIPTORS;
	uint64_t mixed = (object >> 4) * 0x9E3779B97F4A7C15u;
	return mixed >> 32;
}

void table_insert(Region& region, uint32_t index) {
	Slot& slot = region.slot(index);
	auto& bucket = region.bucket(table_hash(slot.source.load(), slot.object.load()));
	slot.chain.store(bucket.load());
	bucket.store(index);
}

void table_remove(Region& region, uint32_t index) {
	Slot& slot = region.slot(index);
	auto& bucket = region.bucket(table_hash(slot.source.load(), slot.object.load()));
	uint32_t after = slot.chain.load();
	uint32_t at = bucket.load();
	if (at == index) {
		bucket.store(after);
		return;
	}
	for (uint32_t steps = 0; at != 0 && steps <= region.limit(); steps++) {
		Slot& before = region.slot(at);
		at = before.chain.load();
		if (at == index) {
			before.chain.store(after);
			return;
		}
	}
}

namespace {

template <class Match>
uint32_t search(Region& region, uint8_t source, uint64_t object, Match match) {
	uint64_t hash = table_hash(source, object);
	// A bucket beyond the backed part was never used.
	if (region.bucket_index(hash) >= region.header().buckets_committed.load()) return 0;
	uint32_t at = region.bucket(hash).load();
	for (uint32_t steps = 0; at != 0 && steps <= region.limit(); steps++) {
		Slot& slot = region.slot(at);
		if (slot.object.load() == object && slot.source.load() == source && match(slot)) return at;
		at = slot.chain.load();
	}
	return 0;
}

} // namespace

uint32_t table_search(Region& region, uint8_t source, uint64_t object, uint32_t owner) noexcept {
	return search(region, source, object, [&](Slot& s) { return s.owner.load() == owner; });
}

uint32_t table_find_other(Region& region, uint8_t source, uint64_t object, uint32_t owner) {
	return search(region, source, object, [&](Slot& s) { return s.owner.load() != owner; });
}

} // namespace evp::slots
