#include "sys/file_status.hpp"

#include "sys/fd.hpp"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <linux/magic.h>
#include <memory>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef STATX_BASIC_STATS
#include <linux/stat.h> // musl before 1.2.5 has no statx
#endif
#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U
#endif
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

namespace evp::sys {

namespace {

template <class Time> // statx_timestamp, timespec
int64_t nanoseconds(const Time& time) {
	return static_cast<int64_t>(static_cast<uint64_t>(time.tv_sec) * 1'000'000'000u +
	                            static_cast<uint64_t>(time.tv_nsec));
}

uint32_t packed(uint32_t major_number, uint32_t minor_number) { // as the kernel does
	return major_number << 20 | minor_number;
}

FileType type_of(uint32_t mode) {
	switch (mode & S_IFMT) {
	case S_IFREG: return FileType::REGULAR;
	case S_IFDIR: return FileType::DIRECTORY;
	case S_IFLNK: return FileType::SYMLINK;
	case S_IFIFO: return FileType::FIFO;
	default: return FileType::OTHER;
	}
}

// Leaves what stat(2) does not tell.
int stat_at(int at, const char* path, int flags, FileStatus* status) {
	struct stat seen;
	if (fstatat(at, path, &seen, flags | AT_NO_AUTOMOUNT) != 0) return errno;
	status->inode = seen.st_ino;
	status->size = seen.st_size;
	status->atime = nanoseconds(seen.st_atim);
	status->mtime = nanoseconds(seen.st_mtim);
	status->ctime = nanoseconds(seen.st_ctim);
	status->device = packed(major(seen.st_dev), minor(seen.st_dev));
	status->links = static_cast<uint32_t>(seen.st_nlink);
	status->type = type_of(seen.st_mode);
	return 0;
}

int status_at(int at, const char* path, int flags, FileStatus* status) {
	struct statx seen;
	unsigned wanted = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
	if (syscall(SYS_statx, at, path, flags | AT_NO_AUTOMOUNT, wanted, &seen) != 0) {
		// Of a file neither is said: a container's profile that is older than the call refuses it.
		if (errno == EPERM || errno == ENOSYS) return stat_at(at, path, flags, status);
		return errno;
	}
	status->inode = seen.stx_ino;
	status->size = static_cast<int64_t>(seen.stx_size);
	status->atime = nanoseconds(seen.stx_atime);
	status->mtime = nanoseconds(seen.stx_mtime);
	status->ctime = nanoseconds(seen.stx_ctime);
	status->born = seen.stx_mask & STATX_BTIME ? nanoseconds(seen.stx_btime) : 0;
	status->device = packed(seen.stx_dev_major, seen.stx_dev_minor);
	status->links = seen.stx_nlink;
	status->mount = seen.stx_mask & STATX_MNT_ID ? static_cast<uint32_t>(seen.stx_mnt_id) : 0;
	status->type = type_of(seen.stx_mode);
	status->mount_root = seen.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return 0;
}

} // namespace

int file_status(const char* path, bool follow, FileStatus* status) {
	return status_at(AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, status);
}

int file_status_again(const char* path, bool follow, FileStatus* status) {
	return stat_at(AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, status);
}

Result<std::string> true_name(const char* path, bool follow, FileStatus* status) {
	UniqueFd fd(open_raw(path, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)));
	if (fd.get() < 0) return Error{errno};
	if (int error = status_at(fd.get(), "", AT_EMPTY_PATH, status); error != 0) return Error{error};
	char link[32];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd.get());
	std::string name(PATH_MAX, 0);
	ssize_t n = readlink(link, name.data(), name.size());
	if (n <= 0 || n == PATH_MAX || name[0] != '/') return std::string();
	name.resize(static_cast<size_t>(n));
	// "/dir/file (deleted)", a name outside of our root: believed only if it leads back.
	FileStatus there;
	if (file_status(name.c_str(), false, &there) != 0 || !there.same_file(*status)) return std::string();
	return name;
}

FileSystem file_system(const char* path) {
	constexpr long BCACHEFS = 0xca451a4e, ZFS = 0x2fc12fc1;
	struct statfs seen;
	if (statfs(path, &seen) != 0) return {true, false};
	switch (seen.f_type) {
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC: return {false, true};
	case TMPFS_MAGIC:
	case RAMFS_MAGIC:
	case OVERLAYFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case BCACHEFS:
	case ZFS: return {true, true};
	default: return {true, false};
	}
}

std::string working_directory() {
	std::unique_ptr<char, decltype(&free)> name(getcwd(nullptr, 0), free);
	return name && name.get()[0] == '/' ? std::string(name.get()) : std::string();
}

} // namespace evp::sys
