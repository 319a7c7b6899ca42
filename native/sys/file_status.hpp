// What the kernel says of a file by its name: statx(2), statfs(2), names.
#pragma once
#include "sys/result.hpp"

#include <cstdint>
#include <string>

namespace evp::sys {

enum class FileType : uint8_t { OTHER, REGULAR, DIRECTORY, SYMLINK, FIFO };

struct FileStatus {
	uint64_t inode = 0;
	int64_t size = 0;
	int64_t atime = 0, mtime = 0, ctime = 0; // nanoseconds
	int64_t born = 0;        // 0 where the file system does not say
	uint32_t device = 0;
	uint32_t links = 0;
	uint32_t mount = 0;      // id of the mount, 0 before Linux 5.8
	FileType type = FileType::OTHER;
	bool mount_root = false;

	bool on_disk() const { return device >> 20 != 0; } // else the device was made for the mount

	// An inode's number is soon given to another file.
	bool same_file(const FileStatus& other) const {
		return inode == other.inode && device == other.device && born == other.born;
	}
};

// ENOENT ENOTDIR EACCES ELOOP ENAMETOOLONG ...; `status` is untouched then. 0: done. Where statx(2) is
// refused by a sandbox, what stat(2) doesn't tell is left.
int file_status(const char* path, bool follow, FileStatus* status);

// The same, cheaper: leaves what stat(2) does not tell (born, mount, mount_root).
int file_status_again(const char* path, bool follow, FileStatus* status);

// The name without links that the kernel knows for what a path leads to, and its
// status; the name is empty when the file has none (deleted while open).
Result<std::string> true_name(const char* path, bool follow, FileStatus* status);

// What is known of a file system by its kind.
struct FileSystem {
	bool reports_changes = true; // procfs and sysfs don't
	// Whether this machine's clock stamps its files: a server's may, or that of a program (FUSE).
	bool own_clock = true;
};
FileSystem file_system(const char* path); // on which a path lies

std::string working_directory(); // empty if it can't be named

} // namespace evp::sys
