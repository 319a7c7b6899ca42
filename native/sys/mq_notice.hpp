// mq_notify(2) as the kernel has it for a C library's SIGEV_THREAD (ipc/mqueue.c): a
// registration ends with one message to a netlink socket, whatever ended it. The C
// library reads such a socket in a thread that a forked child inherits unread; here it
// is a descriptor like any other.
#pragma once
#include "sys/fd.hpp"

#include <cstdint>
#include <mqueue.h>

namespace evp::sys {

struct Notice {
	uint64_t id;  // of the registration
	bool arrived; // a message has come; else it was removed: by its owner, or with a close
};

// The socket, and how many registrations it has room for: the kernel waits for room, so
// whoever asks counts. EAFNOSUPPORT EPERM EACCES: a container without netlink; EMFILE ENFILE.
Result<UniqueFd> notices_make(uint32_t* room);
// 0 or errno: EBADF (no queue), EBUSY (a process is registered), ENOMEM ENOSYS EPERM.
int notice_ask(int socket, mqd_t queue, uint64_t id);
// 0; EBUSY: a process is registered, which only a descriptor open for reading tells; EBADF: no queue.
int notice_free(mqd_t queue);
bool is_notices(int fd);
// The next one; false: there is none.
bool notice_read(int socket, Notice* notice);

} // namespace evp::sys
