// What the kernel tells of an epoll set in /proc: numbers as of the process that
// registered them, and their data.
#pragma once
#include <cstdint>

namespace evp::sys {

// Whether it tells anything of this one: not without /proc.
bool shows_registered(int set);

// Calls `seen` for each registration until it answers false. False: no epoll set, or
// no /proc.
bool each_registered_raw(int set, bool (*seen)(int fd, uint64_t tag, void* data), void* data);

template <class Do>
bool each_registered(int set, Do what) {
	return each_registered_raw(
	    set, [](int fd, uint64_t tag, void* data) { return (*static_cast<Do*>(data))(fd, tag); }, &what);
}

} // namespace evp::sys
