#include "sys/file_clock.hpp"

#include <ctime>
#include <sys/stat.h>

namespace evp::sys {

namespace {

int64_t in_nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }

} // namespace

int64_t file_clock_ns() {
	timespec now{};
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return in_nanoseconds(now);
}

bool changed_before(int64_t ctime, int64_t time) {
	constexpr int64_t FINE = 1'000;        // of NTFS, CIFS and UDF
	constexpr int64_t COARSE = 10'000'000; // of FAT; ticks of the clock are no multiples of it
	return ctime < time - FINE && ctime % COARSE != 0;
}

FileTime FineFileClock::now(int fd) {
	int64_t ticked = file_clock_ns();
	int64_t stamped = ticked;
	// The first stamp after a tick is the tick.
	for (int i = 0; i < 2 && stamped <= ticked; i++) {
		struct stat seen;
		if (futimens(fd, nullptr) != 0 || fstat(fd, &seen) != 0) break;
		stamped = in_nanoseconds(seen.st_ctim);
	}
	bool fine = stamped > ticked;
	habit_.learn(fine);
	return {ticked, fine ? stamped : ticked};
}

} // namespace evp::sys
