// peers/libuv.hpp - libuv, one-shot: uv_poll_stop and uv_poll_start in the callback.
#pragma once

#include <uv.h>

#include "../fd_pool.hpp"

namespace bench {

class Libuv {
public:
	explicit Libuv(std::span<const int> fds) : polls_(fds.size()) {
		uv_loop_init(&loop_);
		loop_.data = this;
		for (size_t i = 0; i < fds.size(); i++) {
			uv_poll_init(&loop_, &polls_[i], fds[i]);
			uv_poll_start(&polls_[i], UV_READABLE, on_ready);
		}
	}

	~Libuv() {
		for (auto &poll : polls_)
			uv_close(reinterpret_cast<uv_handle_t *>(&poll), nullptr);
		uv_run(&loop_, UV_RUN_DEFAULT);
		uv_loop_close(&loop_);
	}

	Libuv(const Libuv &) = delete;
	Libuv &operator=(const Libuv &) = delete;

	unsigned step() {
		handled_ = 0;
		uv_run(&loop_, UV_RUN_ONCE);
		return handled_;
	}

private:
	static void on_ready(uv_poll_t *poll, int, int) {
		uv_os_fd_t fd;
		uv_fileno(reinterpret_cast<uv_handle_t *>(poll), &fd);
		uv_poll_stop(poll);
		FdPool::drain(fd);
		uv_poll_start(poll, UV_READABLE, on_ready);
		static_cast<Libuv *>(poll->loop->data)->handled_++;
	}

	uv_loop_t loop_;
	std::vector<uv_poll_t> polls_;
	unsigned handled_ = 0;
};

} // namespace bench
