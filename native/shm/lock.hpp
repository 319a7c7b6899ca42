// The lock of a region: between processes, surviving the death of its holder.
//
// A futex word in the kernel's robust protocol, announced by the thread's
// list_op_pending only: no pointer ever lies in shared memory (hazard 5). The
// holder's member index lies beside it, because a thread id means nothing in
// another pid namespace (hazard 6): a death mark is believed only when that
// thread is gone. Held for some ten nanoseconds, never over a system call.
#pragma once
#include "shm/cell.hpp"
#include "sys/thread.hpp"

namespace evp::shm {

struct LockWords {
	Cell<uint32_t> word;   // 0 free, else the holder's tid with the bits of futex(2)
	Cell<uint32_t> holder; // member index, its thread's id above that; 0 while unknown
};
inline constexpr uint32_t HOLDER_TID_SHIFT = 10; // an id has 22 bits (PID_MAX_LIMIT)

// Answers whether the holder is no more: its process has ended, or exec took the thread
// from it. `marked`: the kernel has said for long that it is gone, and nothing moved since.
// Asked on the slow path only.
class Liveness {
public:
	virtual bool holder_gone(uint32_t member, uint32_t tid, bool marked) = 0;

protected:
	~Liveness() = default;
};

namespace detail {
// The word is taken: waits, and answers whether a death was inherited with it.
bool lock_slow(LockWords& words, uint32_t tid, Liveness& liveness);
void wake_one(LockWords& words);
inline constexpr uint32_t CONTENDED = 0x80000000; // FUTEX_WAITERS

// Tells the kernel which word this thread is about to hold. The node that it
// derives the word from is never dereferenced by it.
inline void announce(sys::Thread& thread, const LockWords* words) {
	if (thread.robust_pending) [[likely]] {
		const void* node = words ? reinterpret_cast<const char*>(words->word.word()) - thread.robust_offset
		                         : nullptr;
		__atomic_store_n(thread.robust_pending, node, __ATOMIC_RELAXED);
	}
	std::atomic_signal_fence(std::memory_order_seq_cst);
}
} // namespace detail

// Enters the critical section; `member` is 0 while joining. True: the former holder died inside it, so the
// caller must repair what the lock guards before anything else.
inline bool lock(LockWords& words, sys::Thread& thread, uint32_t member, Liveness& liveness) {
	thread.critical.store(1, std::memory_order_relaxed);
	std::atomic_signal_fence(std::memory_order_seq_cst);
	detail::announce(thread, &words);
	uint32_t seen = 0;
	bool inherited = false;
	if (!words.word.compare_exchange(seen, thread.tid)) [[unlikely]]
		inherited = detail::lock_slow(words, thread.tid, liveness);
	words.holder.store(member | thread.tid << HOLDER_TID_SHIFT);
	return inherited;
}

inline void unlock(LockWords& words, sys::Thread& thread) {
	words.holder.store(0);
	if (words.word.exchange(0) & detail::CONTENDED) [[unlikely]]
		detail::wake_one(words);
	detail::announce(thread, nullptr);
	thread.critical.store(0, std::memory_order_relaxed);
	std::atomic_signal_fence(std::memory_order_seq_cst);
}

} // namespace evp::shm
