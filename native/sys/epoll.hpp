// epoll(7): thin, errno as value.
#pragma once
#include "sys/clock.hpp"
#include "sys/fd.hpp"

#include <cerrno>
#include <cstdint>

namespace evp::sys {

// Bits of epoll that are no bits of poll(2).
inline constexpr uint32_t EPOLL_ONESHOT = 1u << 30;
inline constexpr uint32_t EPOLL_EDGE = 1u << 31;
inline constexpr uint32_t EPOLL_READABLE = 1;
inline constexpr uint32_t EPOLL_PRIORITY = 2;

struct __attribute__((packed)) PackedReady {
	uint32_t events;
	uint64_t data;
};
struct NaturalReady {
	uint32_t events;
	uint64_t data;
};
// The kernel's struct epoll_event, which is packed on x86-64 only; epoll.cpp asserts it.
#ifdef __x86_64__
using Ready = PackedReady;
#else
using Ready = NaturalReady;
#endif

// poll(2) has two names for one state, and many files tell a change by the first alone (eventfd,
// timerfd, a set): who asks for the second is told as well.
inline constexpr uint32_t READABLE_NAMES = 0x1 | 0x40;  // POLLIN, POLLRDNORM
inline constexpr uint32_t WRITABLE_NAMES = 0x4 | 0x100; // POLLOUT, POLLWRNORM
// What to register for what is asked, and what of it is so when the kernel says `ready`.
constexpr uint32_t registered_for(uint32_t asked) {
	return asked | (asked & READABLE_NAMES ? 0x1 : 0) | (asked & WRITABLE_NAMES ? 0x4 : 0) | EPOLL_ONESHOT;
}
constexpr uint32_t told_of(uint32_t ready, uint32_t asked) {
	if (ready & READABLE_NAMES) ready |= READABLE_NAMES;
	if (ready & WRITABLE_NAMES) ready |= WRITABLE_NAMES;
	constexpr uint32_t ALWAYS = 0x8 | 0x10; // POLLERR, POLLHUP (4.8)
	return ready & (asked | ALWAYS);
}

Result<UniqueFd> epoll_make(bool cloexec = true);

// 0 or errno: add EEXIST EPERM (no poll method) EBADF ELOOP EINVAL ENOSPC ENOMEM;
// mod and del ENOENT (another file has the number) EBADF (closed).
int epoll_add(int set, int fd, uint32_t events, uint64_t data);
// EAGAIN for the kernel's own limits, which are a resource that is used up: the registrations of a
// user (ENOSPC) and the paths that lead from a file to sets (EINVAL, ELOOP: reverse_path_check in
// fs/eventpoll.c, 500 where a set lies in another, 100 where that lies in a third). Others as they are.
inline int used_up(int error) {
	return error == ENOSPC || error == EINVAL || error == ELOOP ? EAGAIN : error;
}
int epoll_mod(int set, int fd, uint32_t events, uint64_t data);
int epoll_del(int set, int fd);

// Makes a number name the file of `stand_in`, and says whether the file that it named
// until now is still open, under another number or in another process. True too where
// that can't be told; the number may name the former file then.
bool epoll_outlives(int fd, int stand_in);
// Whether it is a set at all; asks nothing that changes one.
bool is_epoll(int fd);

// Waits until a CLOCK_MONOTONIC deadline; never early, never restarted after a
// handler (14.6.7, 14.6.11). How many were ready; negative: -EINTR, -EBADF. `mask`: of
// signals, meanwhile; nullptr: as it is.
int epoll_collect(int set, Ready* out, int max, const Deadline& deadline, const uint64_t* mask = nullptr);
// The same with a system call more, and not interrupted but by a handler: epoll_wait also is by what
// the kernel does for io_uring in the thread. May return 0 before its time.
int epoll_collect_undisturbed(int set, Ready* out, int max, const Deadline& deadline, const uint64_t* mask);

} // namespace evp::sys
