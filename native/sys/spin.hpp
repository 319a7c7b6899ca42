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

// Whether something is worth trying, learnt from what came of it: each time in vain doubles the
// number of times that go without, so that one for whom it never pays pays next to nothing. One
// thread's own, or under a lock.
class Habit {
public:
	Habit() = default;
	// At least one in 2 to the power of `most_failures` is tried.
	explicit Habit(uint32_t most_failures) : most_(most_failures) {}
	bool worthwhile() {
		if (skip_ == 0) return true;
		skip_--;
		return false;
	}
	// The same of time spent awake, in which others are to do something.
	bool worth_waking() { return several_processors() && worthwhile(); }
	void learn(bool paid) {
		if (paid)
			failures_ = 0;
		else if (failures_ < most_)
			failures_++;
		skip_ = (1u << failures_) - 1;
		late_ = false;
	}
	// It paid only just: once worth another try, for whoever caused it is awake now.
	void learn_late() {
		if (late_) return learn(false);
		late_ = true;
		skip_ = 0;
	}

private:
	static bool several_processors();

	uint32_t most_ = 8;
	uint32_t failures_ = 0;
	uint32_t skip_ = 0;
	bool late_ = false;
};

// What it takes to wake a thread on another processor and have its answer: two that have slept so
// far find each other awake from then on.
constexpr int64_t SPIN_NS = 15'000;
// Looks for `longest_ns` at most whether the word has one of the bits; as it was then, or 0. `ended` is
// asked every so often whether to give up.
template <class End>
inline uint32_t spin_until_set(const std::atomic<uint32_t>& word, uint32_t bits, int64_t longest_ns, int64_t every_ns,
                               End ended) {
	constexpr int LOOKS = 16; // between two looks at the clock
	int64_t ask = 0;
	for (int64_t end = 0;;) {
		for (int i = 0; i < LOOKS; i++) {
			if (uint32_t seen = word.load(std::memory_order_acquire); (seen & bits) != 0) return seen;
			relax();
		}
		int64_t now = monotonic_ns();
		if (end == 0) {
			end = now + longest_ns;
			ask = now + every_ns;
		}
		if (now >= end) return 0;
		if (now < ask) continue;
		if (ended()) return 0;
		ask = now + every_ns;
	}
}

inline uint32_t spin_until_set(const std::atomic<uint32_t>& word, uint32_t bits) {
	return spin_until_set(word, bits, SPIN_NS, SPIN_NS, [] { return false; });
}

// Whether a thread lets the others of its processor run before it sleeps: if it was one of them that
// woke it the last time. What they have for it comes at the cost of a switch then, and nobody
// wakes anybody. One thread's own.
class Yielding {
public:
	// Of the calling thread, from 1; 0 is none.
	static uint32_t processor();

	// It has slept, and a thread on that processor woke it; 0: none did.
	void woken_from(uint32_t processor_of_waker) {
		by_thread_ = processor_of_waker != 0;
		beside_ = by_thread_ && processor_of_waker == processor();
	}
	bool woken_by_thread() const { return by_thread_; }
	bool worthwhile() {
		if (!beside_) return false;
		if (rest_ == 0) return habit_.worthwhile();
		rest_--;
		return false;
	}
	// Learns whether the word has one of the bits after that.
	void let_others_run(const std::atomic<uint32_t>& word, uint32_t bits);

private:
	void learn_crowded();

	static constexpr uint32_t LEAST_REST = 128, MOST_REST = 8192; // sleeps
	static constexpr uint32_t CALM = 1024; // times in a row that it paid

	Habit habit_;
	bool by_thread_ = false;
	bool beside_ = false;
	uint32_t rest_ = 0;
	uint32_t next_rest_ = LEAST_REST;
	uint32_t calm_ = 0;
};

// Whether and how long one that was given a few messages lets more gather before it takes them,
// learnt from what came of it. One thread's own.
class Gathering {
public:
	// `found` are there, `max` can be taken.
	bool worthwhile(uint32_t found, uint32_t max) { return found * 4 <= max && habit_.worth_waking(); }
	// It mostly found enough the last time: worth a wait before it looks what there is.
	bool eager() const { return eager_; }
	// Without touching what the sender writes.
	void wait() const {
		int64_t end = monotonic_ns() + span_ns_;
		do relax();
		while (monotonic_ns() < end);
	}
	void learn(uint32_t found, uint32_t taken, uint32_t max) {
		bool paid = taken > 2 * found;
		habit_.learn(paid);
		eager_ = paid && taken * 4 > max;
		if (!paid)
			span_ns_ = LEAST_NS;
		else if (taken == max && span_ns_ > LEAST_NS)
			span_ns_ -= span_ns_ / 8;
		else if (taken * 8 < max * 7 && span_ns_ < MOST_NS)
			span_ns_ += span_ns_ / 4;
	}

private:
	static constexpr int64_t LEAST_NS = 2'000; // a sender on another processor sends a score meanwhile
	static constexpr int64_t MOST_NS = 8'000;

	Habit habit_;
	int64_t span_ns_ = LEAST_NS;
	bool eager_ = false;
};

} // namespace evp::sys
