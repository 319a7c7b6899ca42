// peers/libuv_timers.hpp - as many uv_timer_t on one loop.
#pragma once

#include <uv.h>

#include "../timer_load.hpp"

namespace bench {

class LibuvTimers {
public:
	explicit LibuvTimers(size_t count) : timers_(count) {
		uv_loop_init(&loop_);
		for (auto &timer : timers_)
			uv_timer_init(&loop_, &timer);
	}

	~LibuvTimers() {
		for (auto &timer : timers_)
			uv_close(reinterpret_cast<uv_handle_t *>(&timer), nullptr);
		uv_run(&loop_, UV_RUN_DEFAULT);
		uv_loop_close(&loop_);
	}

	LibuvTimers(const LibuvTimers &) = delete;
	LibuvTimers &operator=(const LibuvTimers &) = delete;

	void begin() {
		uv_update_time(&loop_);
		begun_ = wall_ns();
	}
	// The loop's time stands still until it runs.
	uint64_t now() const { return begun_; }
	void arm(size_t index, uint64_t delay_ns) {
		uv_timer_start(&timers_[index], on_timer, delay_ns / 1'000'000, 0);
	}
	void cancel(size_t index) { uv_timer_stop(&timers_[index]); }

	// Waits for expirations and notes each.
	void step(Arrivals &arrivals) {
		loop_.data = this;
		arrivals_ = &arrivals;
		uv_run(&loop_, UV_RUN_ONCE);
	}

private:
	static void on_timer(uv_timer_t *timer) {
		auto *self = static_cast<LibuvTimers *>(timer->loop->data);
		self->arrivals_->note(static_cast<size_t>(timer - self->timers_.data()));
	}

	uv_loop_t loop_;
	uint64_t begun_ = 0;
	std::vector<uv_timer_t> timers_;
	Arrivals *arrivals_ = nullptr;
};

} // namespace bench
