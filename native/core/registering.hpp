// Threads of this process that register descriptors in the inner set or delete them, and those that
// ask the set whether it knows one: never both at once. A registration that is not yet an
// association, or no more, would be taken for another process's, and who asks registers for a moment.
#pragma once
#include "sys/clock.hpp"
#include "sys/signals.hpp"

#include <atomic>
#include <cstdint>
#include <sched.h>

namespace evp {

class Registering {
public:
	// In a forked child none of the parent's threads goes on.
	void forget() { state_.store(0, std::memory_order_relaxed); }

	// Around what registers or deletes. `shared`: others may be asked about; else nothing is kept out.
	class Change {
	public:
		Change(Registering& registering, bool shared) : registering_(shared ? &registering : nullptr) {
			if (registering_) registering_->begin();
		}
		Change(const Change&) = delete;
		~Change() {
			if (registering_) registering_->state_.fetch_sub(1, std::memory_order_release);
		}

	private:
		Registering* registering_;
	};

	// Around asking. Not `granted` where a change does not end: in a handler over one. No handler runs
	// over the asking, so that who waits for its end is another thread.
	class Asking {
	public:
		explicit Asking(Registering& registering) : registering_(registering) {
			constexpr int PATIENCE = 64; // yields
			for (int i = 0; i < PATIENCE && !granted_; i++) {
				uint32_t nobody = 0;
				granted_ = registering.state_.compare_exchange_strong(nobody, ASKED, std::memory_order_acquire);
				if (!granted_) sched_yield();
			}
		}
		Asking(const Asking&) = delete;
		~Asking() {
			if (granted_) registering_.state_.store(0, std::memory_order_release);
		}
		bool granted() const { return granted_; }

	private:
		sys::SignalsBlocked blocked_; // first in, last out
		Registering& registering_;
		bool granted_ = false;
	};

private:
	static constexpr uint32_t ASKED = 1u << 31; // else how many changes are under way

	void begin() {
		constexpr int64_t ASKING_NS = 20'000; // two system calls
		uint32_t seen = state_.load(std::memory_order_relaxed);
		for (;;) {
			if (seen == ASKED) {
				sys::sleep_ns(ASKING_NS);
				seen = state_.load(std::memory_order_relaxed);
			} else if (state_.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire)) {
				return;
			}
		}
	}

	std::atomic<uint32_t> state_{0};
};

} // namespace evp
