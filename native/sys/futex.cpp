#include "sys/futex.hpp"

#include "sys/raw_call.hpp"

#include <algorithm>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>

namespace evp::sys {

int futex_wait(const std::atomic<uint32_t>* word, uint32_t expected, int64_t deadline_ns) {
	// The kernel refuses nothing below 2^63 ns; KTIME_MAX itself counts as "never".
	int64_t at = std::min<int64_t>(std::max<int64_t>(deadline_ns, 0), INT64_MAX - 1);
	timespec until{at / 1'000'000'000, at % 1'000'000'000};
	return static_cast<int>(-raw_call(SYS_futex, raw_address(word), FUTEX_WAIT_BITSET, expected, raw_address(&until), 0,
	                                  FUTEX_BITSET_MATCH_ANY));
}

bool futex_wake(const std::atomic<uint32_t>* word, int count) {
	return raw_call(SYS_futex, raw_address(word), FUTEX_WAKE, count, 0) > 0;
}

} // namespace evp::sys
