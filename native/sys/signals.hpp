// Signals of the calling thread.
#pragma once
#include <csignal>
#include <optional>

namespace evp::sys {

// While it lives no handler runs on this thread, but for faults of its own (SIGSEGV and the like) and
// what a write(2) of it may cause.
class SignalsBlocked {
public:
	SignalsBlocked();
	SignalsBlocked(const SignalsBlocked&) = delete;
	~SignalsBlocked();
	const sigset_t& before() const { return before_; }

private:
	sigset_t before_;
};

// Signals held back while a call that has slept once, and will again, is awake: a handler that ran
// then would have interrupted nothing, and the next sleep could last for ever (2.5.10).
class HeldSignals {
public:
	void hold() {
		if (!blocked_) blocked_.emplace();
	}
	void let_go() { blocked_.reset(); } // handlers run now
	// To be asked before a sleep: whether a handler is about to run.
	bool due();
	// The mask to sleep with; nullptr: the one there is.
	const sigset_t* mask() const { return blocked_ ? &blocked_->before() : nullptr; }

private:
	std::optional<SignalsBlocked> blocked_;
};

} // namespace evp::sys
