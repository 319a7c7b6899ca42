#include "sys/signals.hpp"

#include <initializer_list>

namespace evp::sys {

SignalsBlocked::SignalsBlocked() {
	sigset_t block;
	sigfillset(&block);
	for (int signal : {SIGPIPE, SIGXFSZ, SIGSEGV, SIGBUS, SIGILL, SIGFPE}) sigdelset(&block, signal);
	pthread_sigmask(SIG_SETMASK, &block, &before_);
}

SignalsBlocked::~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

// Blocked, a signal waits that would not have been noticed otherwise: it is dropped, or the kernel
// would end the sleep for it.
bool HeldSignals::due() {
	sigset_t waiting;
	if (!blocked_ || sigpending(&waiting) != 0 || sigisemptyset(&waiting)) return false;
	bool ignored = false;
	for (int signal = 1; signal <= SIGRTMAX; signal++) {
		struct sigaction set;
		if (sigismember(&waiting, signal) != 1 || sigismember(&blocked_->before(), signal) != 0) continue;
		if (sigaction(signal, nullptr, &set) != 0) continue;
		if (set.sa_handler != SIG_DFL && set.sa_handler != SIG_IGN) return true;
		ignored = true;
	}
	if (ignored) {
		let_go();
		hold();
	}
	return false;
}

} // namespace evp::sys
