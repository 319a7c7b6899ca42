// peers/uring_reads.hpp - a bare ring for one thread, with the flags that suit it best: what is
// started goes with the call that waits.
#pragma once

#include <liburing.h>

#include "../aio_load.hpp"

namespace bench {

class UringReads {
public:
	UringReads(int fd, size_t depth) : fd_(fd), buffers_(depth) {
		const int rc = io_uring_queue_init(256, &ring_, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
		if (rc < 0)
			throw std::system_error(-rc, std::generic_category(), "io_uring_queue_init");
	}
	~UringReads() { io_uring_queue_exit(&ring_); }
	UringReads(const UringReads &) = delete;

	void start(size_t slot, off_t offset) {
		io_uring_sqe *sqe = io_uring_get_sqe(&ring_);
		io_uring_prep_read(sqe, fd_, buffers_.at(slot), BLOCK, static_cast<uint64_t>(offset));
		io_uring_sqe_set_data64(sqe, slot);
	}
	void submit() {}
	void wait(std::vector<size_t> &done) {
		const int rc = io_uring_submit_and_wait(&ring_, 1);
		if (rc < 0)
			throw std::system_error(-rc, std::generic_category(), "io_uring_submit_and_wait");
		io_uring_cqe *cqe;
		unsigned head, count = 0;
		io_uring_for_each_cqe(&ring_, head, cqe) {
			check_read(cqe->res);
			done.push_back(cqe->user_data);
			count++;
		}
		io_uring_cq_advance(&ring_, count);
	}

private:
	int fd_;
	Buffers buffers_;
	io_uring ring_;
};

} // namespace bench
