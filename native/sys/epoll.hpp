// epoll(7): thin, errno as value.
#pragma once
#include "sys/clock.hpp"
#include "sys/fd.hpp"

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

Result<UniqueFd> epoll_make(bool cloexec = true);

// 0 or errno: add EEXIST EPERM (no poll method) EBADF ELOOP EINVAL ENOSPC ENOMEM;
// mod and del ENOENT (another file has the number) EBADF (closed).
int epoll_add(int set, int fd, uint32_t events, uint64_t data);
int epoll_mod(int set, int fd, uint32_t events, uint64_t data);
int epoll_del(int set, int fd);

// Makes a number name the file of `stand_in`, and says whether the file that it named
// until now is still open, under another number or in another process. True too where
// that can't be told; the number may name the former file then.
bool epoll_outlives(int fd, int stand_in);
// Whether it is a set at all; asks nothing that changes one.
bool is_epoll(int fd);

// Waits until a CLOCK_MONOTONIC deadline; never early, never restarted after a
// handler (14.6.7, 14.6.11). EINTR, EBADF.
Result<int> epoll_collect(int set, Ready* out, int max, const Deadline& deadline);

} // namespace evp::sys
