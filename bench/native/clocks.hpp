// clocks.hpp - wall and CPU clocks, and CPU time of many short stretches of one thread.
#pragma once

#include <time.h>

#include <cstdint>

#include "harness.hpp"

namespace bench {

inline uint64_t read_clock(clockid_t clock) {
	timespec now{};
	clock_gettime(clock, &now);
	return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

inline uint64_t wall_ns() { return read_clock(CLOCK_MONOTONIC); }

// User + system time of the calling thread, in nanoseconds (not in ticks as getrusage may be).
inline uint64_t thread_cpu_ns() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

// Sums the CPU time between open() and close(), over and over. Reading the clock is a system call
// of its own: what an empty stretch costs is found once and subtracted from each.
class Stretches {
public:
	Stretches() : empty_ns_(cost_of_empty()) {}

	void open() { opened_ = thread_cpu_ns(); }

	void close() {
		total_ += thread_cpu_ns() - opened_;
		count_++;
	}

	double total_ns() const {
		return static_cast<double>(total_) - empty_ns_ * static_cast<double>(count_);
	}

private:
	static double cost_of_empty() {
		std::vector<double> costs;
		for (int i = 0; i < 2001; i++) {
			const uint64_t from = thread_cpu_ns();
			costs.push_back(static_cast<double>(thread_cpu_ns() - from));
		}
		return median(std::move(costs));
	}

	double empty_ns_;
	uint64_t opened_ = 0;
	uint64_t total_ = 0;
	uint64_t count_ = 0;
};

} // namespace bench
