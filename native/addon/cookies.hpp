// The 64 bits of `user` as the double that lib/cookies.ts knows, and back.
//
// Numbers are themselves, so that C and other processes see them. What only its
// maker understands carries a tag in the top byte that no canonical address and
// no such number has, then the binding it belongs to, then an entry of its table:
//   0x6e | binding 24 | slot 24 | generation 8
// Binding 0: values that mean the same everywhere.
#pragma once
#include <cstdint>

namespace evp::addon {

inline constexpr uint64_t COOKIE_TAG = 0x6e;
inline constexpr uint32_t BINDING_BITS = 24;
inline constexpr double LEAST_INT32 = -2147483648.0;
inline constexpr double OWN = LEAST_INT32 - 1;
inline constexpr double IMMEDIATE = -8589934592.0;  // -(2^33)
inline constexpr double FOREIGN = -17179869184.0;   // -(2^34): the bits say more
inline constexpr double BIG = FOREIGN - 1;
inline constexpr uint32_t IMMEDIATES = 8;

// In place of an errno: the value would have to be understood by another process.
inline constexpr int CANT_CROSS = 4096;

// The value of this code is in a table of its maker.
constexpr bool cookie_held(double code) { return code < LEAST_INT32 && code > IMMEDIATE; }

constexpr uint64_t tagged(uint32_t binding, uint32_t entry) {
	return COOKIE_TAG << 56 | static_cast<uint64_t>(binding) << 32 | entry;
}

// `code` is one of lib/cookies.ts: never NaN, never out of its ranges.
inline uint64_t cookie_bits(double code, uint32_t binding) {
	if (code >= LEAST_INT32) return static_cast<uint64_t>(static_cast<int64_t>(code));
	if (code > IMMEDIATE) return tagged(binding, static_cast<uint32_t>(OWN - code));
	return tagged(0, static_cast<uint32_t>(IMMEDIATE - code));
}

inline double cookie_code(uint64_t bits, uint32_t binding) {
	constexpr uint64_t SAFE = (1ull << 53) - 1;
	if (bits <= SAFE) return static_cast<double>(bits);
	auto entry = static_cast<uint32_t>(bits);
	if (bits >> 56 == COOKIE_TAG) {
		uint32_t owner = bits >> 32 & ((1u << BINDING_BITS) - 1);
		if (owner == binding) return OWN - entry;
		return owner == 0 && entry < IMMEDIATES ? IMMEDIATE - entry : FOREIGN;
	}
	auto number = static_cast<int64_t>(bits);
	return number >= INT32_MIN && number < 0 ? static_cast<double>(number) : BIG;
}

} // namespace evp::addon
