// Changes of this process's table of mounts, by /proc/self/mountinfo.
#pragma once
#include "sys/fd.hpp"

namespace evp::sys {

Result<UniqueFd> mounts_open(); // ENOENT: no /proc

// Whether the table changed since it was opened or last asked through this file.
// Polling it in any way, also through sets of epoll, is asking.
bool mounts_changed(int fd);

} // namespace evp::sys
