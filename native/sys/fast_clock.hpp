// CLOCK_MONOTONIC for those who ask millions of times a second: an upper bound of
// it by the processor's counter, which costs a third and stalls nothing.
//
// The counter is trusted only where the kernel itself keeps time by it, once it was
// calibrated, which takes some hundred microseconds, and for a tenth of a millisecond
// after each look at the clock; whatever does not fit (a suspend, another rate) starts it anew.
// Not thread-safe: its owner's lock guards it.
#pragma once
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace evp::sys {

class FastClock {
public:
	// At or after the present time: by less than a microsecond.
	int64_t most() {
		uint64_t ticks = read_counter() - last_.counter;
		if (ticks < valid_ticks_) [[likely]]
			return last_.ns + 1 + static_cast<int64_t>(ticks * most_per_tick_ >> 32); // 64 bits suffice
		return look();
	}

	// Whether a time is far from having come: by the clock of the kernel's ticks, which
	// costs less still and is late by as much as they are. False: look closer.
	static bool far_off(int64_t time);

private:
#if defined(__x86_64__)
	static uint64_t read_counter() { return __rdtsc(); }
#else
	// Elsewhere the clock itself costs no more than its counter.
	static uint64_t read_counter() { return 0; }
#endif

	struct Sample {
		uint64_t counter = 0;
		int64_t ns = 0;
		uint64_t took = 0; // in ticks
	};

	int64_t look();
	void calibrate(const Sample& now);
	void trust(uint64_t rate);

	Sample last_;
	Sample anchor_;            // where the calibration under way began
	uint64_t ns_per_tick_ = 0; // times 2^32
	uint64_t most_per_tick_ = 0; // the same and what the rate may be wrong by
	uint64_t valid_ticks_ = 0; // after last_; 0: not calibrated
};

} // namespace evp::sys
