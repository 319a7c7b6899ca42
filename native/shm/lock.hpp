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

namespace evp::sys {
class HeldSignals;
}

namespace evp::shm {

// A lock that one thread alone has used so far favours that thread: it enters by a store to
// `within` and no locked operation, which would wait for all that the processor has still to
// write. The first other to hold the word withdraws the favour for good, with a fence in all
// threads (sys::fence_everywhere), and waits until the favoured one is out.
struct LockWords {
	Cell<uint32_t> word;     // 0 free, else the holder's tid with the bits of futex(2)
	Cell<uint32_t> holder;   // member index, its thread's id above that; 0 while unknown
	Cell<uint32_t> favoured; // a thread written like that, or one of the two below; 0: nobody yet
	Cell<uint32_t> within;   // the favoured one, while it is inside
};
inline constexpr uint32_t HOLDER_TID_SHIFT = 10; // an id has 22 bits (PID_MAX_LIMIT)
// No thread: their id would be 0.
inline constexpr uint32_t FOR_ALL = 1;     // nobody is favoured any more
inline constexpr uint32_t WITHDRAWING = 2; // nor is anybody now, who was so may be inside
inline uint32_t as_holder(uint32_t member, const sys::Thread& thread) {
	return member | thread.tid << HOLDER_TID_SHIFT;
}

// Answers whether the holder is no more: its process has ended, or exec took the thread
// from it. `marked`: the kernel has said for long that it is gone, and nothing moved since.
// Asked on the slow path only.
class Liveness {
public:
	virtual bool holder_gone(uint32_t member, uint32_t tid, bool marked) = 0;
	// Whether a thread of that id that lives may hold the word and not have said yet, or say no
	// more, who it is. True where that can't be told.
	virtual bool may_hold(uint32_t tid) = 0;
	// The calling thread sleeps for the word, or is about to try and take it again.
	virtual void sleeps(bool) {}

protected:
	~Liveness() = default;
};

namespace detail {
// The word is taken: waits, and answers whether a death was inherited with it.
bool lock_slow(LockWords& words, uint32_t tid, Liveness& liveness, sys::HeldSignals* held);
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
// In Thread::critical, of whoever entered as the favoured one.
inline constexpr uint32_t FAVOURED = 2;
} // namespace detail

// Enters as the favoured thread. False: it is not, or no more.
inline bool lock_favoured(LockWords& words, sys::Thread& thread, uint32_t member) {
	uint32_t me = as_holder(member, thread);
	if (words.favoured.load() != me) return false; // `within` is another's
	thread.critical.store(1 | detail::FAVOURED, std::memory_order_relaxed);
	std::atomic_signal_fence(std::memory_order_seq_cst);
	words.within.store(me);
	std::atomic_signal_fence(std::memory_order_seq_cst); // withdraw() makes it one of the processor
	if (words.favoured.load() == me) [[likely]]
		return true;
	words.within.store_release(0);
	return false;
}

// For the holder of the word. Nobody is favoured but `member`'s thread from now on.
inline void favour(LockWords& words, const sys::Thread& thread, uint32_t member) {
	words.favoured.store(as_holder(member, thread));
}
// For the holder of the word: nobody is favoured, nor inside as such, from here on. True: who was
// died inside, as with lock().
bool withdraw(LockWords& words, Liveness& liveness);

// Enters the critical section; `member` is 0 while joining. True: the former holder died inside it, so the
// caller must repair what the lock guards before anything else. `held`: by the call, while it is awake; not for as
// long as a holder may be stopped.
inline bool lock(LockWords& words, sys::Thread& thread, uint32_t member, Liveness& liveness,
                 sys::HeldSignals* held = nullptr) {
	thread.critical.store(1, std::memory_order_relaxed);
	std::atomic_signal_fence(std::memory_order_seq_cst);
	detail::announce(thread, &words);
	uint32_t seen = 0;
	bool inherited = false;
	if (!words.word.compare_exchange(seen, thread.tid)) [[unlikely]]
		inherited = detail::lock_slow(words, thread.tid, liveness, held);
	words.holder.store(as_holder(member, thread));
	return inherited;
}

inline void unlock(LockWords& words, sys::Thread& thread) {
	if (thread.critical.load(std::memory_order_relaxed) & detail::FAVOURED) {
		words.within.store_release(0);
		thread.critical.store(0, std::memory_order_relaxed);
		std::atomic_signal_fence(std::memory_order_seq_cst);
		return;
	}
	words.holder.store(0);
	if (words.word.exchange(0) & detail::CONTENDED) [[unlikely]]
		detail::wake_one(words);
	detail::announce(thread, nullptr);
	thread.critical.store(0, std::memory_order_relaxed);
	std::atomic_signal_fence(std::memory_order_seq_cst);
}

} // namespace evp::shm
