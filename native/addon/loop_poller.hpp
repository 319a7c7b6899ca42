// One port on one event loop, without a thread: a private epoll set of the port
// (Port::loop_set, edges only) under a uv_poll.
//
// States: idle, no waiter's record, the uv_poll stopped at its next wake; waiting,
// a record stands in the port's list for the first get of lib/waits.ts. Leaving
// the record may find an alert that was meant for everyone waiting: it is kept
// for the next wait() to report. While other processes share the port a timer ticks, from
// a wait on until it finds nobody waiting: somebody must look after those processes.
// Before the loop sleeps it looks for some microseconds whether a message comes, as long as that
// pays (docs/decisions/009); after one that did the loop has a turn without a sleep.
// Thread: the environment's own.
#pragma once
#include "core/port.hpp"

#include <array>
#include <uv.h>

namespace evp::addon {

struct Binding;
struct Environment;

class LoopPoller {
public:
	// EMFILE ENOMEM; EAGAIN: too many loops are watching what the port watches.
	static Result<LoopPoller*> make(Binding& binding);

	// Calls ready() once `min` events are there, with up to `max`. 0; 1: an alert
	// that was missed is in the first row, nothing else was done; or -errno.
	int wait(uint32_t min, uint32_t max, bool ref);
	void idle();
	void set_ref(bool on);
	// Ends it; freed by libuv's callback.
	void close();

private:
	explicit LoopPoller(Binding& binding);
	static void woken(uv_poll_t* handle, int status, int events);
	static void ticked(uv_timer_t* handle);
	static void about_to_sleep(uv_prepare_t* handle);
	static void awake(uv_idle_t* handle);
	static bool others_ready(void* loop);
	static void closed(uv_handle_t* handle);
	int start(); // 0 or -errno
	void readable();
	void tick();
	void tick_while_shared();
	void look();
	void look_awhile();
	std::array<uv_handle_t*, 4> handles();
	bool serve(); // whether ready() was called
	void leave();
	void note(const Port::LoopState& state);

	uv_poll_t poll_{};
	uv_timer_t timer_{};
	uv_prepare_t prepare_{};
	uv_idle_t idle_{}; // active: the loop doesn't sleep
	sys::Habit looking_{6}; // a look is dear, but so is to miss one who answers at once
	Binding* binding_;
	Environment* environment_; // outlives the binding
	int set_ = -1;
	uint32_t waiter_ = 0;
	uint32_t min_ = 0;
	uint32_t max_ = 0;
	bool started_ = false;
	bool ticking_ = false;
	int open_handles_ = 4;
	bool ref_ = false;
	bool alerted_ = false;
	Event alert_{};
};

} // namespace evp::addon
