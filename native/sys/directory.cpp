#include "sys/directory.hpp"

#include "sys/fd.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

namespace {

constexpr rlim_t TRIED = 65536; // some milliseconds

bool try_each(void (*seen)(int fd, void* data), void* data) {
	rlimit limit{};
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
	auto end = static_cast<int>(std::min(limit.rlim_cur, TRIED));
	for (int fd = 0; fd < end; fd++)
		if (is_open(fd)) seen(fd, data);
	return limit.rlim_cur <= TRIED;
}

} // namespace

// By the bare calls: a signal handler that closes a port may come here over malloc.
bool each_descriptor_raw(void (*seen)(int fd, void* data), void* data) {
	UniqueFd directory(open_raw("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (directory.get() < 0) return try_each(seen, data); // no /proc, or no descriptor left for it
	char entries[1024];
	long size;
	while ((size = syscall(SYS_getdents64, directory.get(), entries, sizeof entries)) > 0) {
		uint16_t length;
		for (const char* at = entries; at < entries + size; at += length) {
			std::memcpy(&length, at + offsetof(dirent, d_reclen), sizeof length);
			const char* name = at + offsetof(dirent, d_name);
			int fd = atoi(name);
			if (name[0] != '.' && fd != directory.get()) seen(fd, data);
		}
	}
	return size == 0;
}

} // namespace evp::sys
