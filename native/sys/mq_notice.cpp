#include "sys/mq_notice.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

namespace {

constexpr size_t COOKIE = 32; // NOTIFY_COOKIE_LEN; the kernel writes the last byte
constexpr char WOKENUP = 1;   // NOTIFY_WOKENUP; removed: 2
constexpr uint32_t CHARGED = 1024; // of the socket's buffer for a cookie, and more: 768

} // namespace

Result<UniqueFd> notices_make(uint32_t* room) {
	UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
	if (fd.get() < 0) return Error{errno};
	int bytes = 0;
	socklen_t size = sizeof bytes;
	if (getsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &bytes, &size) != 0) return Error{errno};
	*room = static_cast<uint32_t>(std::max(bytes, 0)) / CHARGED;
	return fd;
}

int notice_ask(int socket, mqd_t queue, uint64_t id) {
	char cookie[COOKIE] = {};
	std::memcpy(cookie, &id, sizeof id);
	sigevent event{};
	event.sigev_notify = SIGEV_THREAD;
	event.sigev_signo = socket;
	event.sigev_value.sival_ptr = cookie;
	return syscall(SYS_mq_notify, queue, &event) == 0 ? 0 : errno;
}

bool is_notices(int fd) {
	int domain = 0;
	socklen_t size = sizeof domain;
	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_NETLINK;
}

int notice_free(mqd_t queue) {
	mq_attr attributes;
	if (mq_getattr(queue, &attributes) != 0) return errno;
	// The queue as a file says who it is. One for writing only can't be opened once more: closing
	// any descriptor of the queue would end this process's registration.
	char text[128];
	long n = syscall(SYS_pread64, queue, text, sizeof text - 1, 0L);
	text[std::max(n, 0L)] = 0;
	constexpr char OWNER[] = "NOTIFY_PID:";
	const char* owner = strstr(text, OWNER);
	return owner && atoi(owner + sizeof OWNER - 1) != 0 ? EBUSY : 0;
}

bool notice_read(int socket, Notice* notice) {
	char cookie[COOKIE];
	// Raw: the libc wrapper is a cancellation point.
	long n;
	do {
		n = syscall(SYS_recvfrom, socket, cookie, sizeof cookie, MSG_DONTWAIT, nullptr, nullptr);
	} while (n < 0 && errno == EINTR);
	if (n != static_cast<long>(sizeof cookie)) return false;
	std::memcpy(&notice->id, cookie, sizeof notice->id);
	notice->arrived = cookie[COOKIE - 1] == WOKENUP;
	return true;
}

} // namespace evp::sys
