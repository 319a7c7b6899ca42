// Signals of the calling thread.
#pragma once
#include <csignal>
#include <cstdint>

namespace evp::sys {

// While it lives no handler runs on this thread, but for faults of its own (SIGSEGV and the like).
class SignalsBlocked {
public:
	SignalsBlocked();
	SignalsBlocked(const SignalsBlocked&) = delete;
	~SignalsBlocked();

private:
	sigset_t before_;
};

// Signals held back while a call that has slept once, and will again, is awake: a handler that ran
// then would have interrupted nothing, and the next sleep could last for ever (2.5.10).
class HeldSignals {
public:
	HeldSignals() = default;
	HeldSignals(const HeldSignals&) = delete;
	~HeldSignals() { let_go(); }
	void hold() {
		if (!holding_) block();
	}
	bool holding() const { return holding_; }
	// Whether a waking of this call may go without hold() yet: twice.
	bool spare() { return spares_ != 0 && spares_-- != 0; }
	void let_go() { // handlers run now
		if (holding_) unblock();
	}
	// To be asked before a sleep: whether a handler is about to run, or has run in let_pass().
	bool due() { return passed_ || (holding_ && handler_due()); }
	// Awake, and waiting for something else for longer than a signal may wait.
	void let_pass() {
		if (!holding_ || !handler_due()) return;
		passed_ = true;
		unblock();
		block();
	}
	// The kernel's mask to sleep with; nullptr: the one there is.
	const uint64_t* mask() const { return holding_ ? &before_ : nullptr; }

private:
	void block();
	void unblock();
	bool handler_due();
	uint64_t before_ = 0; // a bit a signal, from 1
	bool holding_ = false;
	bool passed_ = false;
	uint8_t spares_ = 2;
};

} // namespace evp::sys
