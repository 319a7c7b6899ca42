#include "sys/directory.hpp"

#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace evp::sys {

bool each_descriptor_raw(void (*seen)(int fd, void* data), void* data) {
	DIR* directory = opendir("/proc/self/fd");
	if (!directory) return false;
	while (dirent* item = readdir(directory)) {
		if (item->d_name[0] == '.') continue;
		int fd = atoi(item->d_name);
		if (fd != dirfd(directory)) seen(fd, data);
	}
	closedir(directory);
	return true;
}

} // namespace evp::sys
