#include "shm/lock.hpp"

#include "sys/clock.hpp"
#include "sys/futex.hpp"
#include "sys/spin.hpp"

#include <cerrno>
#include <linux/futex.h>

namespace evp::shm {

namespace {

static_assert(detail::CONTENDED == FUTEX_WAITERS);

constexpr int SPINS = 200;                    // some microseconds: several holders' worth
constexpr int64_t RECHECK_NS = 100'000'000;   // a death that the kernel did not mark

bool holder_dead(const LockWords& words, Liveness& liveness) {
	uint32_t holder = words.holder.load();
	return holder != 0 && liveness.member_dead(holder);
}

} // namespace

namespace detail {

bool lock_slow(LockWords& words, uint32_t tid, Liveness& liveness) {
	for (int spin = 0; spin < SPINS; spin++) {
		uint32_t seen = 0;
		if (words.word.load() == 0 && words.word.compare_exchange(seen, tid)) return false;
		sys::relax();
	}
	bool unknown_death = false;
	for (;;) {
		uint32_t seen = words.word.load();
		if (seen == 0) {
			if (words.word.compare_exchange(seen, tid | FUTEX_WAITERS)) return false;
			continue;
		}
		if (seen & FUTEX_OWNER_DIED) {
			// Marked by the kernel; believed when the holder's process is gone,
			// or after a pause if it died before it could say who it was.
			bool believed = holder_dead(words, liveness) || (words.holder.load() == 0 && unknown_death);
			if (believed && words.word.compare_exchange(seen, tid | FUTEX_WAITERS)) return true;
			unknown_death = words.holder.load() == 0;
		} else if (!(seen & FUTEX_WAITERS)) {
			if (!words.word.compare_exchange(seen, seen | FUTEX_WAITERS)) continue;
			seen |= FUTEX_WAITERS;
		}
		int rc = sys::futex_wait(words.word.word(), seen, sys::monotonic_ns() + RECHECK_NS);
		if (rc == ETIMEDOUT && holder_dead(words, liveness) && words.word.load() == seen &&
		    words.word.compare_exchange(seen, tid | FUTEX_WAITERS))
			return true;
	}
}

void wake_one(LockWords& words) { sys::futex_wake(words.word.word(), 1); }

} // namespace detail
} // namespace evp::shm
