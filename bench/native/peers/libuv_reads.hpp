// peers/libuv_reads.hpp - uv_fs_read, by libuv's pool of threads as it is by default.
#pragma once

#include <uv.h>

#include "../aio_load.hpp"

namespace bench {

class LibuvReads {
public:
	LibuvReads(int fd, size_t depth) : fd_(fd), buffers_(depth), requests_(depth) {
		uv_loop_init(&loop_);
		loop_.data = this;
	}
	~LibuvReads() { uv_loop_close(&loop_); }
	LibuvReads(const LibuvReads &) = delete;

	void start(size_t slot, off_t offset) {
		const uv_buf_t buffer = uv_buf_init(static_cast<char *>(buffers_.at(slot)), BLOCK);
		uv_fs_read(&loop_, &requests_[slot], fd_, &buffer, 1, offset, on_read);
	}
	void submit() {}
	void wait(std::vector<size_t> &done) {
		done_ = &done;
		while (done.empty())
			uv_run(&loop_, UV_RUN_ONCE);
		for (const size_t slot : done)
			check_read(requests_[slot].result);
	}

private:
	static void on_read(uv_fs_t *request) {
		auto *self = static_cast<LibuvReads *>(request->loop->data);
		self->done_->push_back(static_cast<size_t>(request - self->requests_.data()));
		uv_fs_req_cleanup(request);
	}

	uv_loop_t loop_;
	int fd_;
	Buffers buffers_;
	std::vector<uv_fs_t> requests_;
	std::vector<size_t> *done_ = nullptr;
};

} // namespace bench
