// What the 64 bits of an epoll registration mean.
//
// A slot: its index and the low half of the association's number, so that
// readiness of an association that is over can be told from the present one.
#pragma once
#include "core/types.hpp"

namespace evp {

inline constexpr uint64_t TAG_SPECIAL = 1ull << 63; // no slot index reaches this bit
// The inner set.
inline constexpr uint64_t TAG_KICK = TAG_SPECIAL;
inline constexpr uint64_t TAG_PROBE = TAG_SPECIAL | 0xff; // of no member: ignored
constexpr uint64_t tag_slot(uint32_t index, uint32_t arm) {
	return static_cast<uint64_t>(index) << 32 | arm;
}
constexpr uint64_t tag_private(SourceKind kind, uint32_t member) {
	return TAG_SPECIAL | static_cast<uint64_t>(kind) << 32 | member;
}
constexpr uint32_t tag_index(uint64_t tag) { return static_cast<uint32_t>(tag >> 32); }
constexpr uint32_t tag_arm(uint64_t tag) { return static_cast<uint32_t>(tag); }
constexpr int tag_kind(uint64_t tag) { return static_cast<int>(tag >> 32 & 0xff); }
constexpr uint32_t tag_member(uint64_t tag) { return static_cast<uint32_t>(tag); }
// The outer set and the sets of event loops.
inline constexpr uint64_t TAG_BELL = 1;
inline constexpr uint64_t TAG_INNER = 2;
inline constexpr uint64_t TAG_PROOF = 3; // never ready
// In the outer set they also say whose port it is and where its region is, for a
// process that has nothing but the number (ticket.cpp).
constexpr uint64_t tag_bell(uint32_t id, int32_t maker) {
	return TAG_BELL | static_cast<uint64_t>(id) << 8 | static_cast<uint64_t>(maker & 0x3fffff) << 40;
}
constexpr uint64_t tag_inner(int region) { return TAG_INNER | static_cast<uint64_t>(region) << 8; }
constexpr int32_t tag_maker(uint64_t tag) { return static_cast<int32_t>(tag >> 40 & 0x3fffff); }
constexpr int tag_region(uint64_t tag) { return static_cast<int>(tag >> 8 & 0x7fffffff); }

} // namespace evp
