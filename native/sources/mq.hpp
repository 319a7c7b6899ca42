// PORT_SOURCE_MQ (section 8): one event when a message comes to an empty queue.
//
// The kernel's own notification watches, and keeps all others out (8.1, 8.3). It tells a
// socket of the port's (mq_source.hpp): no thread, unlike libc's. A registration holds the
// slot of its event (8.4).
// Fork: a registration is the process's that made it.
#pragma once
#include "core/source.hpp"

#include <csignal>
#include <memory>
#include <mqueue.h>

namespace evp::mq {

using Notify = int (*)(mqd_t queue, const sigevent* event); // libc's
using Close = int (*)(mqd_t queue);

std::unique_ptr<Source> make_source();

// EBADF: no queue, or no port (8.1); EBUSY: a process is registered; EAGAIN: no slot, too
// many registrations, or a signal handler over a critical section; ENOSYS: no netlink here,
// as libc says it; EMFILE ENFILE ENOMEM.
Result<void> watch(mqd_t queue, int port, uint64_t user);
// A kind of notification that nobody knows: EBADF, EBUSY, else EINVAL (8.1).
Result<void> refuse(mqd_t queue);
// A notification of another kind, by libc; null: none any more. EBUSY: this process is
// not registered (8.2). EAGAIN: in a signal handler over a critical section.
Result<void> pass_on(mqd_t queue, const sigevent* event, Notify libc);
// Closes a queue, with whose descriptor a registration goes. The errno of libc.
Result<void> close(mqd_t queue, Close libc);

} // namespace evp::mq
