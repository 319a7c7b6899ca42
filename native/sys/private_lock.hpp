// A lock of this process alone, for what a source keeps beside a port.
//
// It may be taken inside a port's critical section, never the other way round.
// A lock that one thread alone has used so far is that thread's: taking it costs
// two plain stores, which let its cache misses overlap. The first other thread
// ends that for good, at the price of a fence in all threads.
// Its holder counts as inside a critical section, so a signal handler over it is
// told so by thread.critical and defers or refuses (hazard 18). A forked child
// never takes an inherited one: it replaces what the lock guards (hazard 11).
#pragma once
#include "sys/clock.hpp"
#include "sys/futex.hpp"
#include "sys/thread.hpp"

#include <atomic>
#include <cstdint>

namespace evp::sys {

class PrivateLock {
public:
	PrivateLock() = default;
	PrivateLock(const PrivateLock&) = delete;

	class Guard {
	public:
		Guard() = default; // holds none
		explicit Guard(PrivateLock& lock, Thread& thread = self()) { this->lock(lock, thread); }
		Guard(const Guard&) = delete;
		// Inlined, so that it stands in registers.
		[[gnu::always_inline]] ~Guard() {
			if (lock_) unlock();
		}
		[[gnu::always_inline]] void lock(PrivateLock& lock, Thread& thread = self()) {
			within_ = thread.critical.load(std::memory_order_relaxed);
			thread.critical.store(within_ | 1, std::memory_order_relaxed);
			std::atomic_signal_fence(std::memory_order_seq_cst);
			biased_ = lock.acquire(thread);
			lock_ = &lock;
			thread_ = &thread;
		}
		[[gnu::always_inline]] void unlock() {
			lock_->release(biased_);
			lock_ = nullptr;
			std::atomic_signal_fence(std::memory_order_seq_cst);
			if (within_ != 0) return; // the port's critical section goes on
			thread_->critical.store(0, std::memory_order_relaxed);
			if (thread_->deferred_count.load(std::memory_order_relaxed) != 0) [[unlikely]]
				run_deferred(*thread_);
		}

	private:
		PrivateLock* lock_ = nullptr;
		Thread* thread_ = nullptr;
		uint32_t within_ = 0;
		bool biased_ = false;
	};

private:
	enum : uint32_t { FREE, HELD, CONTENDED };

	// True: as the one thread it belongs to.
	[[gnu::always_inline]] bool acquire(Thread& thread) {
		if (owner_.load(std::memory_order_relaxed) == &thread) [[likely]] {
			inside_.store(1, std::memory_order_relaxed);
			reader_fence();
			if (owner_.load(std::memory_order_relaxed) == &thread) [[likely]]
				return true;
			inside_.store(0, std::memory_order_release);
		}
		acquire_shared();
		if (owner_.load(std::memory_order_relaxed) != shared()) [[unlikely]]
			settle_owner(thread);
		return false;
	}
	void release(bool biased) {
		if (biased) [[likely]]
			inside_.store(0, std::memory_order_release);
		else
			release_shared();
	}
	// The first to take it owns it; anyone else takes it for all.
	void settle_owner(Thread& thread) {
		if (!owner_.load(std::memory_order_relaxed)) {
			owner_.store(&thread, std::memory_order_relaxed);
			return;
		}
		owner_.store(shared(), std::memory_order_relaxed);
		scanner_fence();
		while (inside_.load(std::memory_order_acquire) != 0)
			(void)futex_wait(&inside_, 1, monotonic_ns() + 100'000); // nobody wakes: it is short
	}
	static const void* shared() { return &shared_mark_; }

	void acquire_shared() {
		uint32_t seen = FREE;
		if (word_.compare_exchange_strong(seen, HELD, std::memory_order_acquire)) [[likely]]
			return;
		while (word_.exchange(CONTENDED, std::memory_order_acquire) != FREE)
			(void)futex_wait(&word_, CONTENDED, INT64_MAX);
	}
	void release_shared() {
		if (word_.exchange(FREE, std::memory_order_release) == CONTENDED) [[unlikely]]
			futex_wake(&word_, 1);
	}

	std::atomic<const void*> owner_{nullptr}; // null: none yet, shared(): nobody
	std::atomic<uint32_t> inside_{0};         // its owner is
	std::atomic<uint32_t> word_{FREE};
	static inline const char shared_mark_ = 0;
};

} // namespace evp::sys
