#include "sys/uring.hpp"

#include <cerrno>

#ifdef EVP_LIBURING

#include <fcntl.h>
#include <liburing.h>
#include <new>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

struct Ring::State {
	io_uring ring{};
	int write_flags = 0;
};

namespace {

constexpr uint8_t NEEDED[] = {
    IORING_OP_READ,   IORING_OP_WRITE,   IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC,
    IORING_OP_ACCEPT, IORING_OP_CONNECT, IORING_OP_RECV,  IORING_OP_SEND,   IORING_OP_ASYNC_CANCEL,
};

// FAST_POLL (Linux 5.7): a read of an empty pipe waits without holding a thread.
bool sufficient(io_uring& ring) {
	constexpr unsigned FEATURES = IORING_FEAT_NODROP | IORING_FEAT_FAST_POLL | IORING_FEAT_SUBMIT_STABLE;
	if ((ring.features & FEATURES) != FEATURES) return false;
	io_uring_probe* probe = io_uring_get_probe_ring(&ring);
	if (!probe) return false;
	bool all = true;
	for (uint8_t op : NEEDED) all &= io_uring_opcode_supported(probe, op) != 0;
	io_uring_free_probe(probe);
	return all;
}

// RWF_NOSIGNAL, by Linux 6.18: a write that nobody reads raises no SIGPIPE. Where it isn't known, it is refused.
constexpr int NO_SIGNAL = 0x100;

// A filter may refuse a part of io_uring only. Asked for without a ring: the end of one that was of no use
// would interrupt a wait of the thread that made it.
int refusal() {
	constexpr int NONE = -2; // -1 has a meaning by Linux 6.13
	if (syscall(SYS_io_uring_enter, NONE, 0, 0, 0, nullptr, 0) < 0 && errno != EBADF) return errno;
	if (syscall(SYS_io_uring_register, NONE, IORING_REGISTER_PROBE, nullptr, 0) < 0 && errno != EBADF) return errno;
	return 0;
}

int initialise(io_uring& ring, unsigned entries, unsigned completions) {
	// SUBMIT_ALL is of Linux 5.18: a request that is refused doesn't stop the others.
	for (unsigned extra : {unsigned{IORING_SETUP_SUBMIT_ALL}, 0u}) {
		io_uring_params params{};
		params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | extra;
		params.cq_entries = completions;
		int rc = io_uring_queue_init_params(entries, &ring, &params);
		if (rc != -EINVAL || extra == 0) return -rc;
	}
	return EINVAL;
}

} // namespace

Result<std::unique_ptr<Ring>> Ring::make(unsigned entries, unsigned completions) {
	std::unique_ptr<Ring> made(new (std::nothrow) Ring);
	std::unique_ptr<State> state(new (std::nothrow) State);
	if (!made || !state) return Error{ENOMEM};
	if (int refused = refusal(); refused != 0) return Error{refused};
	int rc = initialise(state->ring, entries, completions);
	// Locked memory is short: as little as works.
	if (rc == ENOMEM) rc = initialise(state->ring, 8, 64);
	if (rc != 0) return Error{rc};
	made->state_ = state.release();
	if (!sufficient(made->state_->ring)) return Error{EOPNOTSUPP};
	if (made->knows_no_signal()) made->state_->write_flags = NO_SIGNAL;
	io_uring_ring_dontfork(&made->state_->ring);
	// Away from the program's low numbers, as all descriptors of ours.
	UniqueFd high = move_high(UniqueFd(made->state_->ring.ring_fd));
	made->state_->ring.ring_fd = made->state_->ring.enter_ring_fd = high.release();
	return made;
}

bool Ring::knows_no_signal() {
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0) return false;
	UniqueFd reader(ends[0]), writer(ends[1]);
	io_uring_sqe* sqe = io_uring_get_sqe(&state_->ring);
	io_uring_prep_write(sqe, writer.get(), "", 1, 0);
	sqe->rw_flags = NO_SIGNAL;
	int rc;
	while ((rc = io_uring_submit_and_wait(&state_->ring, 1)) == -EINTR) {}
	if (rc < 0) { // the kernel is short of something; asked later, the number may be another file's
		uint64_t unasked;
		(void)withdraw(&unasked, 1);
	}
	RingCompletion answer{};
	return take(&answer, 1) == 1 && answer.result == 1;
}

Ring::~Ring() {
	if (!state_) return;
	io_uring_queue_exit(&state_->ring);
	delete state_;
}

void Ring::forget() {
	if (whole()) close_raw(state_->ring.ring_fd); // the mapping did not cross
	delete state_;
	state_ = nullptr;
}

int Ring::fd() const { return state_->ring.ring_fd; }

bool Ring::whole() const {
	return syscall(SYS_io_uring_enter, state_->ring.ring_fd, 0, 0, 0, nullptr, 0) >= 0 ||
	       (errno != EBADF && errno != EOPNOTSUPP);
}

bool Ring::prepare(const Io& io, uint64_t data) {
	io_uring_sqe* sqe = io_uring_get_sqe(&state_->ring);
	if (!sqe) return false;
	auto length = static_cast<unsigned>(io.length < IO_MOST ? io.length : IO_MOST);
	switch (io.op) {
	case IoOp::READ: io_uring_prep_read(sqe, io.fd, io.address, length, io.offset); break;
	case IoOp::WRITE:
		io_uring_prep_write(sqe, io.fd, io.address, length, io.offset);
		sqe->rw_flags = state_->write_flags;
		break;
	case IoOp::READV:
		io_uring_prep_readv(sqe, io.fd, static_cast<iovec*>(io.address), length, io.offset);
		break;
	case IoOp::WRITEV:
		io_uring_prep_writev(sqe, io.fd, static_cast<iovec*>(io.address), length, io.offset);
		sqe->rw_flags = state_->write_flags;
		break;
	case IoOp::FSYNC: io_uring_prep_fsync(sqe, io.fd, 0); break;
	case IoOp::FDATASYNC: io_uring_prep_fsync(sqe, io.fd, IORING_FSYNC_DATASYNC); break;
	case IoOp::ACCEPT:
		io_uring_prep_accept(sqe, io.fd, nullptr, nullptr, static_cast<int>(io.offset));
		break;
	case IoOp::CONNECT:
		io_uring_prep_connect(sqe, io.fd, static_cast<sockaddr*>(io.address), length);
		break;
	case IoOp::RECV:
		io_uring_prep_recv(sqe, io.fd, io.address, length, static_cast<int>(io.offset));
		break;
	case IoOp::SEND:
		io_uring_prep_send(sqe, io.fd, io.address, length, static_cast<int>(io.offset));
		break;
	}
	sqe->user_data = data;
	return true;
}

bool Ring::prepare_cancel(uint64_t victim, uint64_t data) {
	io_uring_sqe* sqe = io_uring_get_sqe(&state_->ring);
	if (!sqe) return false;
	io_uring_prep_cancel64(sqe, victim, 0);
	sqe->user_data = data;
	return true;
}

int Ring::submit() {
	while (io_uring_sq_ready(&state_->ring) != 0) {
		int rc = io_uring_submit(&state_->ring);
		if (rc == -EINTR) continue;
		if (rc <= 0) return rc == 0 ? EAGAIN : -rc;
	}
	return 0;
}

unsigned Ring::unsubmitted() const { return io_uring_sq_ready(&state_->ring); }

// The newest first: what stays is as if those had never been prepared.
unsigned Ring::withdraw(uint64_t* data, unsigned max) {
	io_uring_sq& sq = state_->ring.sq;
	unsigned left = io_uring_sq_ready(&state_->ring);
	unsigned count = left < max ? left : max;
	for (unsigned i = 0; i < count; i++) data[i] = sq.sqes[--sq.sqe_tail & (*sq.kring_entries - 1)].user_data;
	// Those that were on their way when the kernel refused.
	sq.sqe_head = sq.sqe_tail;
	__atomic_store_n(sq.ktail, sq.sqe_tail, __ATOMIC_RELEASE);
	return count;
}

unsigned Ring::take(RingCompletion* out, unsigned max) {
	constexpr unsigned BATCH = 64;
	io_uring_cqe* list[BATCH];
	// Also brings in what the kernel kept for want of room.
	unsigned count = io_uring_peek_batch_cqe(&state_->ring, list, max < BATCH ? max : BATCH);
	for (unsigned i = 0; i < count; i++) out[i] = {list[i]->user_data, list[i]->res};
	io_uring_cq_advance(&state_->ring, count);
	return count;
}

bool Ring::at_hand() const {
	const io_uring_cq& cq = state_->ring.cq;
	return __atomic_load_n(cq.ktail, __ATOMIC_ACQUIRE) != __atomic_load_n(cq.khead, __ATOMIC_RELAXED);
}

// Every entry has one completion.
bool Ring::busy() const {
	return __atomic_load_n(state_->ring.sq.ktail, __ATOMIC_RELAXED) !=
	       __atomic_load_n(state_->ring.cq.khead, __ATOMIC_RELAXED);
}

} // namespace evp::sys

#else // no liburing when this was built

namespace evp::sys {

struct Ring::State {};

Result<std::unique_ptr<Ring>> Ring::make(unsigned, unsigned) { return Error{ENOPKG}; }
Ring::~Ring() = default;
int Ring::fd() const { return -1; }
bool Ring::prepare(const Io&, uint64_t) { return false; }
bool Ring::prepare_cancel(uint64_t, uint64_t) { return false; }
int Ring::submit() { return ENOPKG; }
unsigned Ring::unsubmitted() const { return 0; }
unsigned Ring::withdraw(uint64_t*, unsigned) { return 0; }
unsigned Ring::take(RingCompletion*, unsigned) { return 0; }
bool Ring::at_hand() const { return false; }
bool Ring::busy() const { return false; }
void Ring::forget() {}
bool Ring::whole() const { return true; }

} // namespace evp::sys

#endif
