#include "sys/passing.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

namespace {

constexpr int MOST = 253; // SCM_MAX_FD: no message carries more

} // namespace

Result<UniqueFd> parcel(const void* data, size_t size, const int* fds, int count) {
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return Error{errno};
	UniqueFd kept(pair[0]), sender(pair[1]);
	iovec part{const_cast<void*>(data), size};
	alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 16)] = {};
	size_t bytes = sizeof(int) * static_cast<size_t>(count);
	msghdr message{};
	message.msg_iov = &part;
	message.msg_iovlen = 1;
	message.msg_control = control;
	message.msg_controllen = CMSG_SPACE(bytes);
	cmsghdr* header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(header), fds, bytes);
	// Raw, here and below: the libc wrappers are cancellation points.
	if (syscall(SYS_sendmsg, sender.get(), &message, MSG_NOSIGNAL) < 0) return Error{errno};
	return kept;
}

Result<Peeked> peek_parcel(int socket, void* data, size_t room, UniqueFd* fds, int most) {
	iovec part{data, room};
	alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * MOST)];
	msghdr message{};
	message.msg_iov = &part;
	message.msg_iovlen = 1;
	message.msg_control = control;
	message.msg_controllen = sizeof control;
	ssize_t size = syscall(SYS_recvmsg, socket, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (size < 0) return Error{errno == EBADF || errno == ENOMEM ? errno : EINVAL};
	Peeked peeked{static_cast<size_t>(size), 0, (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0};
	for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
			UniqueFd received(fd);
			if (peeked.count < most) fds[peeked.count] = std::move(received);
			peeked.count++;
		}
	}
	return peeked;
}

} // namespace evp::sys
