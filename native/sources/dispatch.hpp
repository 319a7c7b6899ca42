// Events posted into a port from outside its sources, for want of a slot by waiting
// (port_dispatch, 2.9): message queues, and libraries of their own.
#pragma once
#include "core/port.hpp"

namespace evp::dispatch {

// Any thread. EAGAIN in a signal handler over a critical section; EINTR; ENOMEM; EBADF:
// the number was closed meanwhile (negative: the port itself is what counts).
Result<void> post(Port& port, int number, SourceKind kind, bool shared, int32_t events,
                  uint64_t object, uint64_t user);

} // namespace evp::dispatch
