// Waiting without sleep, where what is waited for is some hundred nanoseconds away.
#pragma once
#include "sys/clock.hpp"

#include <atomic>
#include <cstdint>

namespace evp::sys {

// Tells the processor that this is a loop that waits.
inline void relax() {
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	asm volatile("yield");
#endif
}

// Whether a thread should look for a while before it goes to sleep. Learnt from how that went:
// each time in vain doubles the number of sleeps that go without, so that whoever waits for what
// is far away, or shares its processor with the poster, pays next to nothing for it.
// One thread's own.
class Spinning {
public:
	bool worthwhile() {
		if (skip_ == 0) return several_processors();
		skip_--;
		return false;
	}

	// Looks for a while whether the word is not 0.
	void until_set(const std::atomic<uint32_t>& word) {
		int64_t end = 0;
		for (;;) {
			for (int i = 0; i < LOOKS; i++) {
				if (word.load(std::memory_order_acquire) != 0) {
					failures_ = 0;
					return;
				}
				relax();
			}
			int64_t now = monotonic_ns();
			if (end == 0) end = now + LONGEST_NS;
			if (now >= end) break;
		}
		if (failures_ < MOST_FAILURES) failures_++;
		skip_ = (1u << failures_) - 1;
	}

private:
	static constexpr int LOOKS = 16; // between two looks at the clock
	// What it takes to wake a thread on another processor and have its answer: two that have
	// slept so far find each other awake from then on.
	static constexpr int64_t LONGEST_NS = 15'000;
	static constexpr uint32_t MOST_FAILURES = 8;

	static bool several_processors();

	uint32_t failures_ = 0;
	uint32_t skip_ = 0;
};

} // namespace evp::sys
