// A thread of our own: for the AIO engine without io_uring, and for a list of requests that tells
// its end by a signal or a function; there is no other.
#pragma once

namespace evp::sys {

// Detached, all signals blocked but those a write raises in its caller. False: EAGAIN.
bool start_worker(void (*run)(void*), void* argument);

} // namespace evp::sys
