// Calls on descriptors that are their owner's, who may close them meanwhile and whose requests end
// then (7.10). By number where ThreadSanitizer would see a race in that: it takes a close for done
// when it begins, before the program's or the library's waits for the calls under way.

#include "sys/io_call.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x8 // musl has it from 1.2.5 on
#endif

namespace evp::sys {

namespace {

template <class Call>
int64_t attempt(Call call) {
	for (;;) {
		int64_t done = call();
		if (done >= 0) return done;
		if (errno != EINTR) return -errno;
	}
}

// Flags alone need the newer calls, which a container's profile may not know.
int64_t transfer(const Io& io, int flags) {
	iovec one{io.address, io.length < IO_MOST ? io.length : IO_MOST};
	bool vector = io.op == IoOp::READV || io.op == IoOp::WRITEV;
	const iovec* list = vector ? static_cast<const iovec*>(io.address) : &one;
	int count = vector ? static_cast<int>(io.length) : 1;
	bool reads = io_reads(io);
	auto at = [&](off_t offset) {
		auto low = static_cast<long>(offset), high = static_cast<long>(offset >> 32);
		return attempt([&] {
			if (flags != 0) // musl has these calls from 1.2.5 on
				return syscall(reads ? SYS_preadv2 : SYS_pwritev2, io.fd, list, count, low, high, flags);
			if (offset == -1) return syscall(reads ? SYS_readv : SYS_writev, io.fd, list, count);
			return syscall(reads ? SYS_preadv : SYS_pwritev, io.fd, list, count, low, high);
		});
	};
	int64_t done = at(static_cast<off_t>(io.offset));
	return done == -ESPIPE ? at(-1) : done; // a stream has no offset
}

// Of a transfer that was not to wait: it can't be made so here.
bool has_to_wait(int64_t done) { return done == -EOPNOTSUPP || done == -EPERM || done == -ENOSYS; }

int64_t connect_call(const Io& io) {
	int64_t done = attempt([&] {
		return syscall(SYS_connect, io.fd, io.address, static_cast<socklen_t>(io.length));
	});
	// Asked once more when it can be written to, it says what has become of it.
	return done == -EINPROGRESS || done == -EALREADY ? IO_NOT_READY : done;
}

bool transfers(IoOp op) { return op <= IoOp::WRITEV; }

int64_t call(const Io& io, bool wait) {
	int flags = static_cast<int>(io.offset);
	switch (io.op) {
	case IoOp::FSYNC: return attempt([&] { return syscall(SYS_fsync, io.fd); });
	case IoOp::FDATASYNC: return attempt([&] { return syscall(SYS_fdatasync, io.fd); });
	case IoOp::ACCEPT: return attempt([&] { return syscall(SYS_accept4, io.fd, nullptr, nullptr, flags); });
	case IoOp::CONNECT: return connect_call(io);
	case IoOp::RECV:
		return attempt([&] {
			return syscall(SYS_recvfrom, io.fd, io.address, io.length, flags | (wait ? 0 : MSG_DONTWAIT), nullptr,
			               nullptr);
		});
	case IoOp::SEND:
		return attempt([&] {
			return syscall(SYS_sendto, io.fd, io.address, io.length, flags | MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT),
			               nullptr, 0);
		});
	default: return transfer(io, wait ? 0 : RWF_NOWAIT);
	}
}

bool writes(const Io& io) {
	return io.op == IoOp::WRITE || io.op == IoOp::WRITEV || io.op == IoOp::SEND || io.op == IoOp::CONNECT;
}

bool listens(int fd) {
	int listening = 0;
	socklen_t length = sizeof listening;
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 && listening != 0;
}

// Whether its descriptor may make a thread wait for a peer, or would but for its O_NONBLOCK.
bool may_wait(const Io& io) {
	if (io.op == IoOp::FSYNC || io.op == IoOp::FDATASYNC) return false;
	struct stat status;
	if (fstatat(io.fd, "", &status, AT_EMPTY_PATH) != 0) return false;
	if (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode) || S_ISDIR(status.st_mode)) return false;
	if (io.op == IoOp::ACCEPT) return listens(io.fd);
	int flags = fcntl(io.fd, F_GETFL);
	// Not open for it: the call says so, poll(2) would wait.
	return flags != -1 && (flags & O_ACCMODE) != (writes(io) ? O_RDONLY : O_WRONLY);
}

// Copying more takes as long as handing it to another thread.
constexpr uint64_t AT_ONCE_MOST = 128 * 1024;

uint64_t length_of(const Io& io) {
	if (io.op == IoOp::READ) return io.length;
	auto* list = static_cast<const iovec*>(io.address);
	uint64_t sum = 0;
	for (uint64_t i = 0; i < io.length && sum <= AT_ONCE_MOST; i++) sum += list[i].iov_len;
	return sum;
}

int64_t read_at_once(const Io& io) {
	uint64_t length = length_of(io);
	if (length == 0 || length > AT_ONCE_MOST) return IO_ELSEWHERE;
	auto read = [&](const iovec* list, uint64_t count, uint64_t offset) {
		return syscall(SYS_preadv2, io.fd, list, count, static_cast<long>(offset), static_cast<long>(offset >> 32),
		               RWF_NOWAIT);
	};
	iovec one{io.address, io.length};
	bool vector = io.op == IoOp::READV;
	long done = read(vector ? static_cast<const iovec*>(io.address) : &one, vector ? io.length : 1, io.offset);
	if (done < 0) return IO_ELSEWHERE; // also a stream
	if (done == 0 || static_cast<uint64_t>(done) == length) return done;
	// As far as the cache goes, or the file?
	char more;
	iovec next{&more, 1};
	return read(&next, 1, io.offset + static_cast<uint64_t>(done)) == 0 ? done : IO_ELSEWHERE;
}

} // namespace

// RWF_NOWAIT waits for the disk with O_DIRECT. A number is asked about now and then only: that it was closed
// and is another file's is rare, and costs no more than some waiting.
bool CachedReads::buffered(int fd) {
	constexpr uint32_t TRUSTED = 31;
	if (fd == fd_ && trusted_-- != 0) return true;
	long flags = syscall(SYS_fcntl, fd, F_GETFL);
	fd_ = flags != -1 && !(flags & O_DIRECT) ? fd : -1;
	trusted_ = TRUSTED;
	return fd_ == fd;
}

int64_t CachedReads::read(const Io& io) {
	if (!habit_.worthwhile()) return IO_ELSEWHERE;
	int64_t done = buffered(io.fd) ? read_at_once(io) : IO_ELSEWHERE;
	habit_.learn(done != IO_ELSEWHERE);
	return done;
}

bool io_reads(const Io& io) { return io.op == IoOp::READ || io.op == IoOp::READV; }

bool io_never_waits(const Io& io) { return io.op == IoOp::RECV || io.op == IoOp::SEND; }

bool io_writes(const Io& io) { return writes(io); }

bool io_appends(const Io& io) {
	if (io.op != IoOp::WRITE && io.op != IoOp::WRITEV) return false;
	int flags = fcntl(io.fd, F_GETFL);
	return flags != -1 && flags & O_APPEND;
}

bool is_blocking_stream(int fd) {
	int flags = fcntl(fd, F_GETFL);
	return flags != -1 && !(flags & O_NONBLOCK) && lseek(fd, 0, SEEK_CUR) < 0 && errno == ESPIPE;
}

int64_t io_call(const Io& io) {
	if (io_never_waits(io)) {
		int64_t done = call(io, false);
		return done == -EAGAIN ? IO_NOT_READY : done;
	}
	if (io.op == IoOp::CONNECT || !may_wait(io)) return call(io, true);
	// Not by poll(2) where it can be helped: it waits where the call has an answer (the end of a FIFO that
	// nobody has opened for writing yet, a listening socket, a length that is too short).
	int64_t done = transfers(io.op) ? call(io, false) : -EOPNOTSUPP;
	if (has_to_wait(done)) {
		int flags = fcntl(io.fd, F_GETFL);
		if (flags != -1 && !(flags & O_NONBLOCK)) return IO_MAY_BLOCK;
		done = call(io, true);
	}
	return done == -EAGAIN ? IO_NOT_READY : done;
}

bool io_ready(const Io& io) {
	pollfd ready{io.fd, static_cast<short>(io_writes(io) ? POLLOUT : POLLIN), 0};
	timespec now{};
	return syscall(SYS_ppoll, &ready, 1, &now, nullptr, 8) != 0; // raw: libc's is a cancellation point
}

int64_t io_block(const Io& io) {
	int64_t done = call(io, true);
	return done == -EAGAIN ? IO_NOT_READY : done; // with O_NONBLOCK, and somebody else was first
}

namespace {

// RLIMIT_NOFILE was lowered below what is open: poll(2) takes no more of them at a time.
void look_in_parts(pollfd* set, size_t count) {
	constexpr int64_t TURN_NS = 10'000'000;
	rlimit limit{};
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	size_t most = std::clamp<rlim_t>(limit.rlim_cur, 1, count);
	int ready = 0;
	for (size_t at = 0; at < count; at += most) ready += std::max(0, poll(set + at, std::min(most, count - at), 0));
	if (ready == 0) sleep_ns(TURN_NS);
}

} // namespace

void watch(Watched* list, size_t count) {
	std::vector<pollfd> set(count);
	for (size_t i = 0; i < count; i++) {
		int events = (list[i].wanted[0] ? POLLIN : 0) | (list[i].wanted[1] ? POLLOUT : 0);
		set[i] = {list[i].fd, static_cast<short>(events), 0};
	}
	int rc;
	while ((rc = poll(set.data(), count, -1)) < 0 && errno == EINTR) {}
	if (rc < 0) look_in_parts(set.data(), count);
	for (size_t i = 0; i < count; i++) {
		list[i].ready[0] = (set[i].revents & ~POLLOUT) != 0;
		list[i].ready[1] = (set[i].revents & ~POLLIN) != 0;
	}
}

int wait_readable(int first, int second, const Deadline& deadline) {
	pollfd set[2] = {{first, POLLIN, 0}, {second, POLLIN, 0}};
	int64_t left = deadline.poll ? 0 : deadline.at - monotonic_ns();
	if (left < 0) left = 0;
	timespec timeout{static_cast<time_t>(left / 1'000'000'000), static_cast<long>(left % 1'000'000'000)};
	int rc = ppoll(set, 2, deadline.infinite() && !deadline.poll ? nullptr : &timeout, nullptr);
	if (rc < 0) return errno;
	return rc == 0 ? ETIMEDOUT : 0;
}

} // namespace evp::sys
