// Events of sources that live outside this library: posted at once, or into a slot
// that was reserved before.
//
// Any thread; not in a signal handler over a critical section (EAGAIN).
#pragma once
#include "core/port.hpp"

namespace evp::dispatch {

// Waits for a slot until `deadline` (12.4): EINTR, ETIME; EBADF: the number was closed
// meanwhile. `shared`: any process may retrieve it.
Result<void> post(Port& port, int number, SourceKind kind, bool shared, const Event& event,
                  const Deadline& deadline);

// A slot in the port that nobody sees yet. EAGAIN ENOMEM.
Result<uint32_t> reserve(Port& port, SourceKind kind, bool shared);
void commit(Port& port, uint32_t slot, const Event& event);
void release(Port& port, uint32_t slot);

} // namespace evp::dispatch
