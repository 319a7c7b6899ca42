#include "sys/signals.hpp"

#include <initializer_list>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

SignalsBlocked::SignalsBlocked() {
	sigset_t block;
	sigfillset(&block);
	for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE}) sigdelset(&block, signal);
	pthread_sigmask(SIG_SETMASK, &block, &before_);
}

SignalsBlocked::~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

namespace {

constexpr int SIGNALS = 64;
constexpr uint64_t bit(int signal) { return uint64_t{1} << (signal - 1); }

// What is not held back: the thread's own faults, and the two that glibc keeps to itself.
constexpr uint64_t HELD = ~(bit(SIGSEGV) | bit(SIGBUS) | bit(SIGILL) | bit(SIGFPE) | bit(SIGTRAP) |
                            bit(SIGSYS) | bit(32) | bit(33));

void set_mask(const uint64_t& mask, uint64_t* before) {
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, before, sizeof mask);
}

} // namespace

void HeldSignals::block() {
	set_mask(HELD, &before_);
	holding_ = true;
}

void HeldSignals::unblock() {
	holding_ = false;
	set_mask(before_, nullptr);
}

// Blocked, a signal waits that would not have been noticed otherwise: it is dropped, or the kernel
// would end the sleep for it. Only such are let through: of another that comes now, it is the sleep's end.
bool HeldSignals::handler_due() {
	uint64_t waiting = 0;
	if (syscall(SYS_rt_sigpending, &waiting, sizeof waiting) != 0) return false;
	waiting &= ~before_;
	if (waiting == 0) return false;
	uint64_t unhandled = 0;
	for (int signal = 1; signal <= SIGNALS; signal++) {
		struct sigaction set;
		if (!(waiting & bit(signal))) continue;
		if (sigaction(signal, nullptr, &set) == 0 && set.sa_handler != SIG_DFL && set.sa_handler != SIG_IGN) return true;
		unhandled |= bit(signal);
	}
	set_mask(HELD & ~unhandled, nullptr);
	set_mask(HELD, nullptr);
	return false;
}

} // namespace evp::sys
