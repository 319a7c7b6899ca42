// inotify(7): thin, errno as value. A watch number (wd) stands for an inode.
#pragma once
#include "sys/fd.hpp"

#include <cstddef>
#include <cstdint>

namespace evp::sys {

// What the kernel reports, and may be asked for; inotify.cpp asserts the values.
namespace note {
inline constexpr uint32_t ACCESS = 0x1, MODIFY = 0x2, ATTRIB = 0x4;
inline constexpr uint32_t MOVED_FROM = 0x40, MOVED_TO = 0x80, CREATE = 0x100, REMOVED = 0x200;
inline constexpr uint32_t DELETE_SELF = 0x400, MOVE_SELF = 0x800;
inline constexpr uint32_t UNMOUNT = 0x2000, QUEUE_OVERFLOW = 0x4000, IGNORED = 0x8000;
} // namespace note

struct Note {
	int wd;             // -1: QUEUE_OVERFLOW
	uint32_t mask;
	const char* name;   // of a directory's entry; nullptr: the inode itself
};

Result<UniqueFd> inotify_make(); // EMFILE: fs.inotify.max_user_instances

// Adds `mask` to what is watched of the inode a path leads to (IN_MASK_ADD).
// ENOSPC: fs.inotify.max_user_watches; EACCES: the file can't be read.
Result<int> inotify_add(int fd, const char* path, uint32_t mask, bool follow);
bool inotify_remove(int fd, int wd); // false: the kernel ended it first

// Has it readable, by a note of a number that is nobody's. Not without /proc.
void inotify_stir(int fd);
// Whether something can be read.
bool inotify_pending(int fd);
bool is_inotify(int fd);

// A buffer full of notes.
class Notes {
public:
	// Bytes read, 0 when there was nothing. `emptied`: nothing was left then.
	size_t read(int fd, bool* emptied);
	// The next note; false: the buffer is used up.
	bool next(Note* note);

private:
	static constexpr size_t SIZE = 32768;
	size_t filled_ = 0;
	size_t at_ = 0;
	alignas(8) char buffer_[SIZE];
};

} // namespace evp::sys
