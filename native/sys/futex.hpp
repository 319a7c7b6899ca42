// futex(2), shared between processes (no private flag).
#pragma once
#include <atomic>
#include <cstdint>

namespace evp::sys {

// Sleeps while *word == expected, until woken or the CLOCK_MONOTONIC instant
// deadline_ns. Returns 0, EAGAIN (another value), ETIMEDOUT or EINTR. A timeout
// is always armed: without one, SA_RESTART would hide EINTR (2.5.10).
int futex_wait(const std::atomic<uint32_t>* word, uint32_t expected, int64_t deadline_ns);

bool futex_wake(const std::atomic<uint32_t>* word, int count); // whether anybody was asleep

} // namespace evp::sys
