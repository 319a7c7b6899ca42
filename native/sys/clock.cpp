#include "sys/clock.hpp"

#include <ctime>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

int64_t monotonic_ns() {
	timespec now{};
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

void sleep_ns(int64_t ns) {
	timespec time{ns / 1'000'000'000, ns % 1'000'000'000};
	syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &time, nullptr);
}

} // namespace evp::sys
