// timer_load.hpp - delays and orders of many timers, and when each came.
#pragma once

#include <algorithm>
#include <numeric>
#include <random>

#include "clocks.hpp"

namespace bench {

// A permutation: neither ours nor a peer profits from timers used in the order they were made in.
inline std::vector<uint32_t> shuffled(size_t count, unsigned seed) {
	std::vector<uint32_t> order(count);
	std::iota(order.begin(), order.end(), 0u);
	std::shuffle(order.begin(), order.end(), std::mt19937(seed));
	return order;
}

// Whole milliseconds, because libuv knows nothing finer.
inline std::vector<uint64_t> random_delays(size_t count, uint64_t from_ms, uint64_t to_ms) {
	std::mt19937 random(7);
	std::uniform_int_distribution<uint64_t> delay(from_ms, to_ms);
	std::vector<uint64_t> delays(count);
	for (auto &ns : delays)
		ns = delay(random) * 1'000'000;
	return delays;
}

// How late each of a number of timers came.
class Arrivals {
public:
	explicit Arrivals(size_t count) : due_(count) { late_.reserve(count); }
	void expect(size_t index, uint64_t due_ns) { due_[index] = due_ns; }
	// Once for a batch: reading the clock for each would be what is measured.
	void now() { now_ = wall_ns(); }
	void note(size_t index) {
		if (late_.size() % 64 == 0)
			now();
		late_.push_back(static_cast<double>(now_) - static_cast<double>(due_[index]));
	}
	size_t count() const { return late_.size(); }
	bool complete() const { return late_.size() == due_.size(); }
	double quantile_ms(double q) {
		const auto nth = static_cast<long>(q * static_cast<double>(late_.size() - 1));
		std::nth_element(late_.begin(), late_.begin() + nth, late_.end());
		return late_[static_cast<size_t>(nth)] / 1e6;
	}

private:
	std::vector<uint64_t> due_;
	std::vector<double> late_;
	uint64_t now_ = 0;
};

// What is done next is read in order, so that the cache misses are those of the timers.
struct ArmStep {
	uint32_t index;
	uint64_t delay_ns;
};
inline std::vector<ArmStep> arm_steps(size_t count, uint64_t from_ms, uint64_t to_ms) {
	std::vector<ArmStep> steps;
	const auto delays = random_delays(count, from_ms, to_ms);
	for (const uint32_t i : shuffled(count, 1))
		steps.push_back({i, delays[i]});
	return steps;
}

// The times arm and cancel take, per timer, in random order.
template <class T> Figures arm_and_cancel(size_t count, bool cancel) {
	const size_t repeats = std::max<size_t>(1, 100'000 / count);
	const auto steps = arm_steps(count, 1000, 60'000);
	const auto cancel_order = shuffled(count, 2);
	T timers(count);
	Stretches arms, cancels;
	for (size_t repeat = 0; repeat < repeats; repeat++) {
		timers.begin();
		arms.open();
		for (const ArmStep &step : steps)
			timers.arm(step.index, step.delay_ns);
		arms.close();
		cancels.open();
		for (const uint32_t i : cancel_order)
			timers.cancel(i);
		cancels.close();
	}
	const double total = cancel ? cancels.total_ns() : arms.total_ns();
	return {{"cpu_ns", total / static_cast<double>(count * repeats)}};
}

// All expire within 200 ms, which begin when all are armed. Due is a delay after what the contender
// takes for now when it is armed.
template <class T> Figures expire(size_t count) {
	const auto steps = arm_steps(count, 2000, 2200);
	T timers(count);
	Arrivals arrivals(count);
	timers.begin();
	for (const ArmStep &step : steps) {
		arrivals.expect(step.index, timers.now() + step.delay_ns);
		timers.arm(step.index, step.delay_ns);
	}
	const uint64_t cpu = thread_cpu_ns();
	while (!arrivals.complete())
		timers.step(arrivals);
	const auto cpu_ns = static_cast<double>(thread_cpu_ns() - cpu);
	return {{"cpu_ns", cpu_ns / static_cast<double>(count)}, {"p99_ms", arrivals.quantile_ms(0.99)}};
}

} // namespace bench
