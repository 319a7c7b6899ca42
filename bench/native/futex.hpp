// futex.hpp - the two futex calls the peers need; shared between processes or private.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>

namespace bench {

enum class Scope : int { process = FUTEX_PRIVATE_FLAG, shared = 0 };

inline void futex_wait(std::atomic<uint32_t> *word, uint32_t seen, Scope scope) {
	syscall(SYS_futex, word, FUTEX_WAIT | static_cast<int>(scope), seen, nullptr, nullptr, 0);
}

inline void futex_wake(std::atomic<uint32_t> *word, int count, Scope scope) {
	syscall(SYS_futex, word, FUTEX_WAKE | static_cast<int>(scope), count, nullptr, nullptr, 0);
}

} // namespace bench
