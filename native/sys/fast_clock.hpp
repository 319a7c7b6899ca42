// CLOCK_MONOTONIC for those who ask millions of times a second: an upper bound of
// it by the processor's counter, which costs a third and stalls nothing.
//
// The counter is trusted only where the kernel itself keeps time by it, once two
// calibrations have agreed, and for a tenth of a millisecond after each look at
// the clock; whatever does not fit (a suspend, another rate) starts it anew.
// Not thread-safe: its owner's lock guards it.
#pragma once
#include <cstdint>

namespace evp::sys {

class FastClock {
public:
	// At or after the present time: by less than a microsecond.
	int64_t most();

private:
	struct Sample {
		uint64_t counter = 0;
		int64_t ns = 0;
	};

	int64_t look();
	void calibrate(const Sample& now);
	void trust(uint64_t rate);
	int64_t estimate(uint64_t ticks) const;

	Sample last_;
	Sample anchor_;            // where the calibration under way began
	uint64_t ns_per_tick_ = 0; // times 2^32
	uint64_t valid_ticks_ = 0; // after last_; 0: not calibrated
};

} // namespace evp::sys
