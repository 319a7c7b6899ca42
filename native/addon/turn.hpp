// How much a port answers on the spot before the event loop has its turn: timers and other handles
// wait meanwhile, whatever the program does with its events.
// Thread: the environment's own.
#pragma once
#include "sys/fast_clock.hpp"

#include <algorithm>

namespace evp::addon {

// The ports of a thread that were answered since the event loop slept last: each has its part the next time.
class Company {
public:
	void add() { now_++; }
	void disperse() {
		if (now_ != 0) last_ = now_;
		now_ = 0;
	}
	uint32_t size() const { return std::max(last_, now_); }

private:
	uint32_t now_ = 0;
	uint32_t last_ = 1;
};

class Turn {
public:
	Turn() = default;
	// Whether it is the event loop's turn. The clock is read each time: what the program did with the last
	// event may have taken any time.
	bool over(sys::FastClock& clock) {
		int64_t now = clock.most();
		if (ends_ == 0) ends_ = now + LONGEST_NS;
		return over_ |= taken_ >= most_ || now >= ends_;
	}
	// The program is called with that many events.
	void begin(sys::FastClock& clock, uint32_t events, Company& company) {
		company.add();
		*this = {clock.most() + LONGEST_NS / company.size(), events, MOST / company.size()};
	}
	// What over() said last.
	bool was_over() const { return over_; }
	void took(uint32_t events) { taken_ += events; }
	// The event loop has had it; what is answered next begins one.
	void end() { *this = {}; }

private:
	static constexpr int64_t LONGEST_NS = 1'000'000;
	static constexpr uint32_t MOST = 4096; // events: what is taken in half of that time

	Turn(int64_t ends, uint32_t taken, uint32_t most) : ends_(ends), taken_(taken), most_(most) {}

	int64_t ends_ = 0; // 0: it has not begun
	uint32_t taken_ = 0;
	uint32_t most_ = MOST;
	bool over_ = false;
};

} // namespace evp::addon
