// PORT_SOURCE_MQ (section 8): one event when a message comes to an empty queue.
//
// The kernel's own notification does the watching, and the exclusion: one process has
// a queue's at a time, for one message (8.3). It tells by a thread of the C library's
// that runs for that moment and posts by a blocking dispatch (8.4).
// Fork: a registration is the process's that made it.
#pragma once
#include "core/types.hpp"
#include "sys/result.hpp"

namespace evp::mq {

// EBADF: no queue, or no port (8.1); EBUSY: some process is registered; ENOMEM.
Result<void> notify(int queue, int port, uint64_t user);
// EBADF; EBUSY: this process is not registered (8.2).
Result<void> remove(int queue);

} // namespace evp::mq
