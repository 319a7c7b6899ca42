#include "shm/lock.hpp"

#include "sys/clock.hpp"
#include "sys/futex.hpp"
#include "sys/signals.hpp"
#include "sys/spin.hpp"

#include <algorithm>
#include <cerrno>
#include <linux/futex.h>

namespace evp::shm {

namespace {

static_assert(detail::CONTENDED == FUTEX_WAITERS);

constexpr int SPINS = 200;                    // some microseconds: several holders' worth
constexpr int MOST_PAUSE = 64;                // of them between two looks
constexpr int64_t RECHECK_NS = 100'000'000;   // a death that the kernel did not mark
constexpr int64_t LOOK_NS = 1'000'000;        // whether the favoured thread is out, or gone
constexpr int64_t MARKED_NS = 500'000'000;    // a mark for that long, and the lock unmoved
constexpr int64_t UNSAID_NS = 1'000'000'000;  // a word for that long, and it can't be told whose

uint32_t member_of(uint32_t holder) { return holder & ((1u << HOLDER_TID_SHIFT) - 1); }

bool holder_gone(uint32_t holder, Liveness& liveness, bool marked) {
	return member_of(holder) != 0 &&
	       liveness.holder_gone(member_of(holder), holder >> HOLDER_TID_SHIFT, marked);
}

// Since when one and the same was seen.
class Standing {
public:
	bool seen(uint64_t what, int64_t most) {
		int64_t now = sys::monotonic_ns();
		if (since_ == 0 || what != what_) {
			since_ = now;
			what_ = what;
		}
		return now - since_ >= most;
	}

private:
	uint64_t what_ = 0;
	int64_t since_ = 0;
};

// A word without a mark, which nobody will give up: of a holder that is gone (exec took the thread
// from it), or of none. Whoever holds it lawfully says within nanoseconds who it is. One that does not
// is a peer's scribble, or a death that the kernel knew nothing of, unless a thread that lives
// may have been stopped on its way there.
bool left_behind(uint32_t word, uint32_t holder, Standing& unsaid, Liveness& liveness) {
	uint32_t tid = word & FUTEX_TID_MASK;
	bool said = member_of(holder) != 0 && holder >> HOLDER_TID_SHIFT == tid;
	if (word & FUTEX_OWNER_DIED || said) {
		unsaid = {};
		return said && holder_gone(holder, liveness, false);
	}
	return unsaid.seen(static_cast<uint64_t>(word) << 32 | holder, UNSAID_NS) && !liveness.may_hold(tid);
}

} // namespace

namespace detail {

bool lock_slow(LockWords& words, uint32_t tid, Liveness& liveness, sys::HeldSignals* held) {
	// Longer and longer: each look takes the line from the holder, who with it would be in and out a
	// few times more before the lines of what it guards are needed here.
	int pause = 1;
	for (int spent = 0; spent < SPINS; spent += pause, pause = std::min(2 * pause, MOST_PAUSE)) {
		uint32_t seen = 0;
		if (words.word.load() == 0 && words.word.compare_exchange(seen, tid)) return false;
		for (int i = 0; i < pause; i++) sys::relax();
	}
	Standing mark, unsaid;
	for (;;) {
		uint32_t seen = words.word.load();
		if (seen == 0) {
			if (words.word.compare_exchange(seen, tid | FUTEX_WAITERS)) return false;
			continue;
		}
		if (seen & FUTEX_OWNER_DIED) {
			// Believed when the holder is gone, or after a pause if it died before it could say who it
			// was, or before it was a member. Its name goes first: else the successor would be
			// taken for it, and robbed, until it says who it is.
			uint32_t holder = words.holder.load();
			bool believed = holder_gone(holder, liveness, mark.seen(holder, MARKED_NS))
			                    ? words.holder.compare_exchange(holder, 0)
			                    : member_of(holder) == 0 && mark.seen(holder, RECHECK_NS);
			if (believed && words.word.compare_exchange(seen, tid | FUTEX_WAITERS)) return true;
		} else {
			mark = {};
			if (!(seen & FUTEX_WAITERS)) {
				if (!words.word.compare_exchange(seen, seen | FUTEX_WAITERS)) continue;
				seen |= FUTEX_WAITERS;
			}
		}
		liveness.sleeps(true);
		int rc = sys::futex_wait(words.word.word(), seen, sys::monotonic_ns() + RECHECK_NS);
		if (rc == ETIMEDOUT || rc == EINTR) {
			if (held) held->let_pass();
			if (left_behind(seen, words.holder.load(), unsaid, liveness)) // marked in the kernel's stead
				(void)words.word.compare_exchange(seen, (seen & FUTEX_WAITERS) | FUTEX_OWNER_DIED);
		}
		liveness.sleeps(false);
	}
}

void wake_one(LockWords& words) { sys::futex_wake(words.word.word(), 1); }

} // namespace detail

bool withdraw(LockWords& words, Liveness& liveness) {
	const uint32_t favoured = words.favoured.load();
	// Who dies from here on leaves the rest to the next that holds the word.
	words.favoured.store(WITHDRAWING);
	sys::fence_everywhere();
	bool inherited = false;
	Standing stranger; // a peer's scribble, unless the favour was withdrawn before by one that died
	for (int turn = 0;; turn++) {
		uint32_t inside = words.within.load_acquire();
		if (inside == 0) break;
		if (turn < SPINS) {
			sys::relax();
			continue;
		}
		// Nobody wakes: it is short, unless its thread has no processor, or is gone.
		(void)sys::futex_wait(words.within.word(), inside, sys::monotonic_ns() + LOOK_NS);
		bool nobody = member_of(inside) == 0 || inside >> HOLDER_TID_SHIFT == 0; // who is favoured is a member's thread
		bool marked = inside != favoured && stranger.seen(inside, MARKED_NS);
		bool gone = nobody || holder_gone(inside, liveness, marked);
		if (!gone || words.within.load() != inside) continue;
		words.within.store(0);
		inherited = true;
	}
	words.favoured.store(FOR_ALL);
	return inherited;
}

} // namespace evp::shm
