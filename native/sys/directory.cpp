#include "sys/directory.hpp"

#include "sys/fd.hpp"

#include <algorithm>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
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

bool each_descriptor_raw(void (*seen)(int fd, void* data), void* data) {
	DIR* directory = opendir("/proc/self/fd");
	if (!directory) return try_each(seen, data); // no /proc, or no descriptor left for it
	while (dirent* item = readdir(directory)) {
		if (item->d_name[0] == '.') continue;
		int fd = atoi(item->d_name);
		if (fd != dirfd(directory)) seen(fd, data);
	}
	closedir(directory);
	return true;
}

} // namespace evp::sys
