#include "sys/futex.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

int futex_wait(const std::atomic<uint32_t>* word, uint32_t expected, int64_t deadline_ns) {
	// The kernel refuses nothing below 2^63 ns; KTIME_MAX itself counts as "never".
	int64_t at = std::min<int64_t>(std::max<int64_t>(deadline_ns, 0), INT64_MAX - 1);
	timespec until{at / 1'000'000'000, at % 1'000'000'000};
	long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, &until, nullptr,
	                  FUTEX_BITSET_MATCH_ANY);
	return rc == 0 ? 0 : errno;
}

void futex_wake(const std::atomic<uint32_t>* word, int count) {
	syscall(SYS_futex, word, FUTEX_WAKE, count, nullptr, nullptr, 0);
}

} // namespace evp::sys
