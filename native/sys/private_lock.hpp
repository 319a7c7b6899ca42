// A lock of this process alone, for what a source keeps beside a port.
//
// It may be taken inside a port's critical section, never the other way round.
// Its holder counts as inside a critical section, so a signal handler over it is
// told so by thread.critical and defers or refuses (hazard 18). A forked child
// never takes an inherited one: it replaces what the lock guards (hazard 11).
#pragma once
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
		explicit Guard(PrivateLock& lock) { this->lock(lock); }
		Guard(const Guard&) = delete;
		~Guard() {
			if (lock_) unlock();
		}
		void lock(PrivateLock& lock) {
			Thread& thread = self();
			within_ = thread.critical.load(std::memory_order_relaxed);
			thread.critical.store(1, std::memory_order_relaxed);
			std::atomic_signal_fence(std::memory_order_seq_cst);
			lock.acquire();
			lock_ = &lock;
		}
		void unlock() {
			lock_->release();
			lock_ = nullptr;
			std::atomic_signal_fence(std::memory_order_seq_cst);
			if (within_ != 0) return; // the port's critical section goes on
			Thread& thread = self();
			thread.critical.store(0, std::memory_order_relaxed);
			if (thread.deferred_count.load(std::memory_order_relaxed) != 0) [[unlikely]]
				run_deferred(thread);
		}

	private:
		PrivateLock* lock_ = nullptr;
		uint32_t within_ = 0;
	};

private:
	enum : uint32_t { FREE, HELD, CONTENDED };

	void acquire() {
		uint32_t seen = FREE;
		if (word_.compare_exchange_strong(seen, HELD, std::memory_order_acquire)) [[likely]]
			return;
		while (word_.exchange(CONTENDED, std::memory_order_acquire) != FREE)
			(void)futex_wait(&word_, CONTENDED, INT64_MAX);
	}
	void release() {
		if (word_.exchange(FREE, std::memory_order_release) == CONTENDED) [[unlikely]]
			futex_wake(&word_, 1);
	}

	std::atomic<uint32_t> word_{FREE};
};

} // namespace evp::sys
