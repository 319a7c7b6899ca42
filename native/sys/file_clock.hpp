// The clock that stamps files.
#pragma once
#include "sys/spin.hpp"

#include <cstdint>

namespace evp::sys {

// By its ticks, of milliseconds: no later change of a file bears an earlier time.
int64_t file_clock_ns();

// A time of it by its ticks, and by what some file systems stamp with: no later change of a file of those bears an
// earlier one. All others (ZFS, FUSE) go by the ticks, of which one may yet come that is earlier than `fine`.
struct FileTime {
	int64_t tick = 0;
	int64_t fine = 0;
	// Whether a ctime that was seen before tells that its file system is one of those.
	bool finer(int64_t ctime) const { return ctime > tick && ctime <= fine; }
};

// Whether a file with that ctime was changed last before a time of this clock. False also where it can't
// be told: some file systems round down, to as much as seconds (FAT, ext4 with small inodes).
bool changed_before(int64_t ctime, int64_t time);

// Tells the changes of one tick apart where the kernel does: since Linux 6.13 a file that was looked at
// after its last change is stamped with the very time, and no file later with an earlier one
// (https://docs.kernel.org/filesystems/multigrain-ts.html). One thread at a time.
class FineFileClock {
public:
	// Some five system calls. False: they brought nothing lately.
	bool worthwhile() { return habit_.worthwhile(); }
	// `fd` is a file of one's own that was just looked at: its stamps are set.
	FileTime now(int fd);

private:
	Habit habit_{8};
};

} // namespace evp::sys
