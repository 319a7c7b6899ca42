#include "sys/fast_clock.hpp"

#include "sys/clock.hpp"
#include "sys/fd.hpp"

#include <atomic>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

namespace {

constexpr int64_t VALID_NS = 100'000;
constexpr int64_t WINDOW_NS = 4'000'000; // of a calibration, once there was one
constexpr int64_t CLOSE_NS = 500; // counter and clock were read together
constexpr int64_t DRIFT = 1000;   // a part in a thousand, twice what NTP may slew
// Many times what the kernel's ticks are ever late by where timers still run.
constexpr int64_t FAR_NS = 1'000'000'000;

#if defined(__x86_64__)
void finish_loads() { _mm_lfence(); } // the clock's own read waits for them, the counter's does not

bool kernel_uses_counter() {
	int fd = open_raw("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
	if (fd < 0) return false;
	char name[4]{};
	long n = syscall(SYS_read, fd, name, sizeof name);
	close_raw(fd);
	return n == 4 && memcmp(name, "tsc\n", 4) == 0;
}
#else
void finish_loads() {}
bool kernel_uses_counter() { return false; }
#endif

// Of the last calibration, by anyone in this process, that did not turn out wrong; 0: none.
std::atomic<uint64_t> agreed_rate{0};

int64_t estimate(uint64_t ticks, uint64_t ns_per_tick) {
	return static_cast<int64_t>(static_cast<unsigned __int128>(ticks) * ns_per_tick >> 32);
}

bool counter_usable() {
	static const bool usable = kernel_uses_counter();
	return usable;
}

} // namespace

bool FastClock::far_off(int64_t time) {
	timespec now{};
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return time - FAR_NS > now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

int64_t FastClock::look() {
	if (!counter_usable()) return monotonic_ns();
	// The counter first: at that count the time was not later than what is read.
	finish_loads();
	Sample now;
	now.counter = read_counter();
	now.ns = monotonic_ns();
	now.took = read_counter() - now.counter;
	uint64_t agreed = agreed_rate.load(std::memory_order_relaxed);
	uint64_t rate = ns_per_tick_ != 0 ? ns_per_tick_ : agreed;
	if (rate != 0 && estimate(now.took, rate) > CLOSE_NS) return now.ns; // interrupted
	if (valid_ticks_ == 0 && agreed != 0)
		trust(agreed);
	else if (valid_ticks_ != 0) {
		int64_t passed = now.ns - last_.ns;
		int64_t error = passed - estimate(now.counter - last_.counter, ns_per_tick_);
		int64_t bearable = passed / DRIFT + CLOSE_NS;
		if (error > bearable || error < -bearable) {
			agreed_rate.store(0, std::memory_order_relaxed);
			valid_ticks_ = ns_per_tick_ = 0;
			anchor_ = now;
		}
	}
	calibrate(now);
	last_ = now;
	return now.ns;
}

// By two samples so far apart that how long each took makes no difference.
void FastClock::calibrate(const Sample& now) {
	if (anchor_.counter == 0 || now.counter <= anchor_.counter || now.took < anchor_.took / 2) {
		anchor_ = now;
		return;
	}
	int64_t passed = now.ns - anchor_.ns;
	uint64_t ticks = now.counter - anchor_.counter;
	if (passed <= 0 || (anchor_.took + now.took) * 2 * DRIFT > ticks) return;
	if (valid_ticks_ != 0 && passed < WINDOW_NS) return;
	auto rate = static_cast<uint64_t>((static_cast<unsigned __int128>(passed) << 32) / ticks);
	if (estimate(now.took, rate) > CLOSE_NS) return;
	agreed_rate.store(rate, std::memory_order_relaxed);
	trust(rate);
	anchor_ = now;
}

void FastClock::trust(uint64_t rate) {
	ns_per_tick_ = rate;
	most_per_tick_ = rate + rate / DRIFT + 1;
	valid_ticks_ = (static_cast<uint64_t>(VALID_NS) << 32) / rate;
}

} // namespace evp::sys
