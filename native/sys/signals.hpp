// Signals of the calling thread.
#pragma once
#include <csignal>

namespace evp::sys {

// While it lives no handler runs on this thread, but for faults of its own (SIGSEGV and the like) and
// what a write(2) of it may cause.
class SignalsBlocked {
public:
	SignalsBlocked();
	SignalsBlocked(const SignalsBlocked&) = delete;
	~SignalsBlocked();

private:
	sigset_t before_;
};

} // namespace evp::sys
