// A descriptor that closes itself, and placing of internal descriptors.
#pragma once
#include "sys/result.hpp"

#include <atomic>
#include <cstdint>

namespace evp::sys {

// Closes by raw system call: never re-enters an interposed close(2).
void close_raw(int fd);

class UniqueFd {
public:
	UniqueFd() = default;
	explicit UniqueFd(int fd) : fd_(fd) {}
	UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
	UniqueFd& operator=(UniqueFd&& other) noexcept {
		if (this != &other) reset(other.release());
		return *this;
	}
	~UniqueFd() { reset(); }
	int get() const { return fd_; }
	int release() {
		int fd = fd_;
		fd_ = -1;
		return fd;
	}
	void reset(int fd = -1) {
		if (fd_ >= 0) close_raw(fd_);
		fd_ = fd;
	}

private:
	int fd_ = -1;
};

// Moves an internal descriptor out of the way of the program's own numbers
// (select(2) users need the low ones; illumos has no internal descriptors).
// Keeps the number it has when there is no room, or where `place_high` says that
// nobody minds.
extern std::atomic<bool> place_high; // for the process; set before the first port
UniqueFd move_high(UniqueFd fd, bool cloexec = true);
Result<UniqueFd> duplicate(int fd); // close-on-exec. EBADF EMFILE
// Device and inode.
struct FileId {
	uint64_t device = 0, inode = 0;
	bool operator==(const FileId&) const = default;
};
FileId file_id(int fd); // zeros: it is closed
bool same_file(int a, int b);

// fcntl(2) record locks on one byte, which belong to the process.
bool lock_byte(int fd, long at);
bool byte_locked(int fd, long at); // by another process
// By which: 0: of a pid namespace that is not seen from here; -1: by none.
int32_t byte_holder(int fd, long at);
void share_byte(int fd, long at, bool on); // among others that do so; or lets go of it

// As open(2), which is a cancellation point in libc: none of ours may end a call in its middle.
int open_raw(const char* path, int flags, unsigned mode = 0);

bool is_open(int fd);                 // fcntl(F_GETFD)
bool is_readable(int fd);             // now, by poll(2)
Result<void> set_cloexec(int fd, bool on); // EBADF
bool kept_over_exec(int fd);          // open, and FD_CLOEXEC is clear

} // namespace evp::sys
