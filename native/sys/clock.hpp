// Time: nanoseconds of CLOCK_MONOTONIC, and a deadline fixed once per call (2.5.16).
#pragma once
#include <cstdint>

namespace evp::sys {

int64_t monotonic_ns();
void sleep_ns(int64_t ns); // less if a signal comes

struct Deadline {
	static constexpr int64_t NEVER = INT64_MAX;
	int64_t at = NEVER; // CLOCK_MONOTONIC
	bool poll = false;  // {0,0}: do not wait at all

	static Deadline never() { return {}; }
	static Deadline now() { return {0, true}; }
	static Deadline after(int64_t ns) { // clamps what would overflow (14.6.11)
		int64_t now = monotonic_ns();
		return {ns > NEVER - now ? NEVER : now + ns, false};
	}
	bool infinite() const { return at == NEVER; }
	bool passed() const { return poll || (!infinite() && monotonic_ns() >= at); }
};

} // namespace evp::sys
