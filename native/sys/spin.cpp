#include "sys/spin.hpp"

#include <algorithm>
#include <sched.h>
#include <unistd.h>

namespace evp::sys {

bool Habit::several_processors() {
	static const bool several = sysconf(_SC_NPROCESSORS_ONLN) > 1;
	return several;
}

uint32_t Yielding::processor() { return static_cast<uint32_t>(sched_getcpu() + 1); }

void Yielding::let_others_run(const std::atomic<uint32_t>& word, uint32_t bits) {
	constexpr int64_t MOST_NS = 50'000; // more was not the answer alone
	int64_t began = monotonic_ns();
	sched_yield();
	bool set = (word.load(std::memory_order_acquire) & bits) != 0;
	if (monotonic_ns() - began >= MOST_NS) return learn_crowded();
	habit_.learn(set);
	if (set && ++calm_ == CALM) next_rest_ = LEAST_REST;
}

// Others want the processor, and who gives it up may have it back milliseconds later; who sleeps has a
// better claim when it is woken. Once may be chance.
void Yielding::learn_crowded() {
	rest_ = next_rest_;
	next_rest_ = std::min(next_rest_ * 4, MOST_REST);
	calm_ = 0;
}

} // namespace evp::sys
