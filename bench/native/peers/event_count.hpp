// peers/event_count.hpp - sleeping and waking with bounded wake-ups.
//
// One 64-bit word holds epoch, sleepers and signals. A notifier makes a system call only while
// signals < sleepers, and raises the epoch, on which sleepers sleep. A sleeper announces itself and
// reads the epoch in one step, looks at its queue once more, sleeps, and on leaving takes back its
// announcement and uses up a signal if the epoch has moved since. So signals never exceeds the
// sleepers that have been woken or will not fall asleep, and no wake-up is lost.
#pragma once

#include "../futex.hpp"

namespace bench {

class EventCount {
public:
	explicit EventCount(Scope scope) : scope_(scope) {}

	// To be called after the event has been published.
	void notify() {
		std::atomic_thread_fence(std::memory_order_seq_cst);
		uint64_t seen = word_.load(std::memory_order_relaxed);
		do {
			if (signals(seen) >= sleepers(seen))
				return;
		} while (!word_.compare_exchange_weak(seen, seen + one_epoch + one_signal,
		    std::memory_order_seq_cst, std::memory_order_relaxed));
		wakes_.fetch_add(1, std::memory_order_relaxed);
		futex_wake(epoch_word(), 1, scope_);
	}

	uint32_t announce() {
		return epoch(word_.fetch_add(one_sleeper, std::memory_order_seq_cst));
	}

	void sleep(uint32_t key) { futex_wait(epoch_word(), key, scope_); }

	void leave(uint32_t key) {
		uint64_t seen = word_.load(std::memory_order_relaxed);
		uint64_t left;
		do {
			left = seen - one_sleeper;
			if (epoch(seen) != key && signals(seen) > 0)
				left -= one_signal;
		} while (!word_.compare_exchange_weak(seen, left, std::memory_order_seq_cst,
		    std::memory_order_relaxed));
	}

	uint64_t wakes() const { return wakes_.load(std::memory_order_relaxed); }

private:
	static constexpr uint64_t one_signal = 1;
	static constexpr uint64_t one_sleeper = uint64_t{1} << 16;
	static constexpr uint64_t one_epoch = uint64_t{1} << 32;

	static uint32_t signals(uint64_t word) { return word & 0xffff; }
	static uint32_t sleepers(uint64_t word) { return word >> 16 & 0xffff; }
	static uint32_t epoch(uint64_t word) { return static_cast<uint32_t>(word >> 32); }

	std::atomic<uint32_t> *epoch_word() {
		constexpr int high = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 1 : 0;
		return reinterpret_cast<std::atomic<uint32_t> *>(&word_) + high;
	}

	std::atomic<uint64_t> word_{0};
	std::atomic<uint64_t> wakes_{0};
	Scope scope_;
};

} // namespace bench
