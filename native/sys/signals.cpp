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

} // namespace evp::sys
