// How much a port answers on the spot before the event loop has its turn: timers and other handles
// wait meanwhile, whatever the program does with its events.
// Thread: the environment's own.
#pragma once
#include "sys/fast_clock.hpp"

namespace evp::addon {

class Turn {
public:
	Turn() = default;
	// Whether it is the event loop's turn. The clock is read each time: what the program did with the last
	// event may have taken any time.
	bool over(sys::FastClock& clock) {
		int64_t now = clock.most();
		if (ends_ == 0) ends_ = now + LONGEST_NS;
		return over_ |= taken_ >= MOST || now >= ends_;
	}
	// The program is called with that many events.
	void begin(sys::FastClock& clock, uint32_t events) { *this = {clock.most() + LONGEST_NS, events}; }
	// What over() said last.
	bool was_over() const { return over_; }
	void took(uint32_t events) { taken_ += events; }
	// The event loop has had it; what is answered next begins one.
	void end() { *this = {}; }

private:
	static constexpr int64_t LONGEST_NS = 1'000'000;
	static constexpr uint32_t MOST = 4096; // events: what is taken in half of that time

	Turn(int64_t ends, uint32_t taken) : ends_(ends), taken_(taken) {}

	int64_t ends_ = 0; // 0: it has not begun
	uint32_t taken_ = 0;
	bool over_ = false;
};

} // namespace evp::addon
