// An Io carried out by the calling thread, for the engine without io_uring.
#pragma once
#include "sys/clock.hpp"
#include "sys/io_op.hpp"
#include "sys/spin.hpp"

#include <cstddef>

namespace evp::sys {

// The descriptor is one that waits for a peer, and would now: watch() it.
inline constexpr int64_t IO_NOT_READY = INT64_MIN;

// Nothing but a call that may wait for a peer has the answer: io_ready(), then io_block().
inline constexpr int64_t IO_MAY_BLOCK = INT64_MIN + 2;

// As the system call, -errno for a failure. Never waits for a peer unless the socket to be connected
// blocks. O_NONBLOCK of such a descriptor is no EAGAIN, as with io_uring.
int64_t io_call(const Io& io);
// Whether poll(2) says that io_block() would not wait, unless another thread is first.
bool io_ready(const Io& io);
int64_t io_block(const Io& io); // as io_call()

// It can't be known without waiting for a disk, or a worker's time.
inline constexpr int64_t IO_ELSEWHERE = INT64_MIN + 1;

// Reads by whoever submits, never waiting: what the page cache has of a file. One thread's own.
class CachedReads {
public:
	int64_t read(const Io& io); // of io_reads(); as io_call(), or IO_ELSEWHERE

private:
	bool buffered(int fd);

	Habit habit_{6}; // a file that is not in the cache mostly stays so for a while
	int fd_ = -1; // opened without O_DIRECT
	uint32_t trusted_ = 0; // so often yet
};

bool io_reads(const Io& io);
bool io_never_waits(const Io& io); // io_call() answers at once, whatever the descriptor
bool io_writes(const Io& io); // it waits until it can write
bool io_appends(const Io& io); // it writes to the end (O_APPEND)
// A pipe, socket or terminal, in which write(2) waits until there was room for everything.
bool is_blocking_stream(int fd);

struct Watched {
	int fd;
	bool wanted[2]; // to be read, to be written
	bool ready[2];  // out: or no descriptor any more
};
// Until one is. Each descriptor once: poll(2) takes no more than RLIMIT_NOFILE of them.
void watch(Watched* list, size_t count);

// Until one of two descriptors is readable (-1: none). 0 ETIMEDOUT EINTR.
int wait_readable(int first, int second, const Deadline& deadline);

} // namespace evp::sys
