// PORT_SOURCE_MQ (section 8): one event when a message comes to an empty queue.
//
// The kernel's own notification watches, and keeps all others out (8.1, 8.3). It calls
// a function of ours in a thread that the C library runs for that moment, which posts
// and waits for a slot if there is none (8.4).
// Fork: a registration is the process's that made it.
#pragma once
#include "sys/result.hpp"

#include <csignal>
#include <cstdint>
#include <mqueue.h>

namespace evp::mq {

using Notify = int (*)(mqd_t queue, const sigevent* event); // libc's

// EBADF: no queue, or no port (8.1); EBUSY: a process is registered; ENOMEM.
Result<void> watch(mqd_t queue, int port, uint64_t user, Notify libc);
// A notification of another kind, by libc; null: none any more. EBUSY: this process is
// not registered (8.2).
Result<void> pass_on(mqd_t queue, const sigevent* event, Notify libc);
// The queue is about to be closed: its registration goes with it.
void closing(mqd_t queue);

} // namespace evp::mq
