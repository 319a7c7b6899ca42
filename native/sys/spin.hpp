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

// Whether a thread should spend some time awake, learnt from what came of it: each time in vain
// doubles the number of times that go without, so that one for whom it never pays pays next to
// nothing. One thread's own.
class Habit {
public:
	bool worthwhile() {
		if (skip_ == 0) return several_processors();
		skip_--;
		return false;
	}
	void learn(bool paid) {
		if (paid)
			failures_ = 0;
		else if (failures_ < MOST_FAILURES)
			failures_++;
		skip_ = (1u << failures_) - 1;
	}

private:
	static constexpr uint32_t MOST_FAILURES = 8;
	static bool several_processors();

	uint32_t failures_ = 0;
	uint32_t skip_ = 0;
};

// What it takes to wake a thread on another processor and have its answer: two that have slept so
// far find each other awake from then on.
constexpr int64_t SPIN_NS = 15'000;
// In which a sender on another processor sends a score of messages.
constexpr int64_t GATHER_NS = 2'000;

// Looks for a while whether the word is not 0; as it was in the end.
inline uint32_t spin_until_set(const std::atomic<uint32_t>& word) {
	constexpr int LOOKS = 16; // between two looks at the clock
	for (int64_t end = 0;;) {
		for (int i = 0; i < LOOKS; i++) {
			if (uint32_t seen = word.load(std::memory_order_acquire); seen != 0) return seen;
			relax();
		}
		int64_t now = monotonic_ns();
		if (end == 0) end = now + SPIN_NS;
		if (now >= end) return 0;
	}
}

inline void spin_to_gather() {
	int64_t end = monotonic_ns() + GATHER_NS;
	do relax();
	while (monotonic_ns() < end);
}

} // namespace evp::sys
