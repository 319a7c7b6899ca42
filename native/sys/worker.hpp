// A thread of our own, for the AIO engine without io_uring; there is no other.
#pragma once

namespace evp::sys {

// Detached, all signals blocked but those a write raises in its caller. False: EAGAIN.
bool start_worker(void (*run)(void*), void* argument);

} // namespace evp::sys
