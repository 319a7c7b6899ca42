// Descriptors in a message: how a port travels between processes (unix(7), SCM_RIGHTS).
#pragma once
#include "sys/fd.hpp"

#include <cstddef>

namespace evp::sys {

// A socket in whose queue a message with descriptors lies for good: its other end is
// closed. Close-on-exec. EMFILE ENFILE ENOMEM ETOOMANYREFS.
Result<UniqueFd> parcel(const void* data, size_t size, const int* fds, int count);

struct Peeked {
	size_t size;    // of the message, at most what there was room for
	int count;      // descriptors received, all close-on-exec and the caller's
	bool truncated; // more data or descriptors than room, or the process may open no more
};

// Copies of what lies there, which stays. EBADF; EINVAL: no socket, or nothing lies there.
Result<Peeked> peek_parcel(int socket, void* data, size_t room, UniqueFd* fds, int most);

} // namespace evp::sys
