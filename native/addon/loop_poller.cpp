#include "addon/loop_poller.hpp"

#include "addon/environment.hpp"
#include "sys/fd.hpp"

#include <cerrno>
#include <memory>

namespace evp::addon {

namespace {

// What it takes to wake a loop on another processor and have its program's answer: so that two that
// have slept so far find each other awake. To go on like that it must come sooner.
constexpr int64_t LOOK_NS = 50'000;
// A look may keep other handles of the loop waiting for this long.
constexpr int64_t OTHERS_NS = 3'000;

} // namespace

LoopPoller::LoopPoller(Binding& binding)
    : binding_(&binding), environment_(binding.environment) {}

Result<LoopPoller*> LoopPoller::make(Binding& binding) {
	Result<int> set = binding.port->loop_set();
	if (!set) return Error{set.error()};
	std::unique_ptr<LoopPoller> poller(new LoopPoller(binding));
	poller->set_ = *set;
	Environment& environment = *binding.environment;
	if (int rc = uv_poll_init(environment.loop, &poller->poll_, *set); rc != 0) {
		sys::close_raw(*set);
		return Error{sys::used_up(-rc)};
	}
	uv_timer_init(environment.loop, &poller->timer_); // these cannot fail
	uv_prepare_init(environment.loop, &poller->prepare_);
	uv_idle_init(environment.loop, &poller->idle_);
	environment.open_handles++;
	for (uv_handle_t* handle : poller->handles()) {
		handle->data = poller.get();
		uv_unref(handle);
	}
	return poller.release();
}

std::array<uv_handle_t*, 4> LoopPoller::handles() {
	return {reinterpret_cast<uv_handle_t*>(&poll_), reinterpret_cast<uv_handle_t*>(&timer_),
	        reinterpret_cast<uv_handle_t*>(&prepare_), reinterpret_cast<uv_handle_t*>(&idle_)};
}

int LoopPoller::wait(uint32_t min, uint32_t max, bool ref) {
	Port& port = *binding_->port;
	if (waiter_ != 0) {
		Port::LoopState state = port.loop_state(waiter_, min != min_);
		if (min != min_) waiter_ = 0;
		note(state);
	}
	if (alerted_) {
		if (waiter_ != 0) leave();
		environment_->columns.write(&alert_, 1, *binding_);
		alerted_ = false;
		return 1;
	}
	min_ = min;
	max_ = max;
	if (waiter_ == 0) {
		Result<uint32_t> waiter = port.loop_wait(min, binding_->shared->number);
		if (!waiter) return -waiter.error();
		waiter_ = *waiter;
	}
	if (!started_) {
		if (int rc = start(); rc != 0) {
			leave();
			return rc;
		}
		uv_prepare_start(&prepare_, about_to_sleep);
		started_ = true;
	}
	tick_while_shared();
	set_ref(ref);
	if (binding_->turn.was_over()) port.loop_again(set_);
	return 0;
}

// libuv registers later, and aborts where the kernel refuses: the set leads to files that a hundred
// loops' sets lead to already. One that is registered it finds so.
int LoopPoller::start() {
	int rc = uv_poll_start(&poll_, UV_READABLE, woken);
	if (rc != 0) return rc;
	int error = sys::epoll_add(uv_backend_fd(environment_->loop), set_, sys::EPOLL_READABLE, static_cast<uint64_t>(set_));
	if (error == 0 || error == EEXIST) return 0;
	uv_poll_stop(&poll_);
	return -sys::used_up(error);
}

void LoopPoller::leave() {
	note(binding_->port->loop_state(waiter_, true));
	waiter_ = 0;
}

void LoopPoller::note(const Port::LoopState& state) {
	if (!state.alerted) return;
	alerted_ = true;
	alert_ = state.alert;
}

void LoopPoller::idle() {
	if (waiter_ != 0) leave();
	alerted_ = false; // of those it was meant for none is left
	set_ref(false);
}

void LoopPoller::set_ref(bool on) {
	if (on == ref_) return;
	ref_ = on;
	auto* handle = reinterpret_cast<uv_handle_t*>(&poll_);
	on ? uv_ref(handle) : uv_unref(handle);
}

void LoopPoller::close() {
	if (waiter_ != 0) leave();
	binding_->poller = nullptr;
	for (uv_handle_t* handle : handles()) uv_close(handle, closed);
}

void LoopPoller::closed(uv_handle_t* handle) {
	auto* self = static_cast<LoopPoller*>(handle->data);
	if (--self->open_handles_ != 0) return;
	std::unique_ptr<LoopPoller> poller(self);
	sys::close_raw(poller->set_);
	poller->environment_->handle_closed();
}

void LoopPoller::tick_while_shared() {
	if (ticking_ || !binding_->port->shared()) return;
	constexpr uint64_t EVERY_MS = Port::WATCH_NS / 1'000'000;
	ticking_ = uv_timer_start(&timer_, ticked, EVERY_MS, EVERY_MS) == 0;
}

void LoopPoller::ticked(uv_timer_t* handle) { static_cast<LoopPoller*>(handle->data)->tick(); }

void LoopPoller::tick() {
	if (waiter_ == 0 || !binding_->port->shared()) {
		uv_timer_stop(&timer_);
		ticking_ = false;
	}
	if (waiter_ == 0) return;
	binding_->port->look_up(); // also once after the last of the others has gone: it may have left something
	look();
}

void LoopPoller::woken(uv_poll_t* handle, int, int) {
	static_cast<LoopPoller*>(handle->data)->readable();
}

void LoopPoller::readable() {
	if (waiter_ == 0) { // nobody asked since the last time: stop listening
		binding_->port->loop_woken(set_);
		uv_poll_stop(&poll_);
		uv_prepare_stop(&prepare_);
		started_ = false;
		return;
	}
	tick_while_shared(); // perhaps it was woken because that has begun
	look();
}

// The edges are taken only where they were for nothing, so that they don't come again: the set
// is no longer readable without that, once what they told of is gone. What came between the look
// and the taking is found by the second look.
void LoopPoller::look() {
	if (serve()) return; // this object may be gone
	binding_->port->loop_woken(set_);
	serve();
}

// --- Looking before sleeping.

void LoopPoller::about_to_sleep(uv_prepare_t* handle) {
	auto* self = static_cast<LoopPoller*>(handle->data);
	self->binding_->turn.end();
	self->environment_->company.disperse();
	if (self->waiter_ != 0 && uv_backend_timeout(handle->loop) != 0) self->look_awhile();
}

bool LoopPoller::others_ready(void* loop) {
	return sys::is_readable(uv_backend_fd(static_cast<uv_loop_t*>(loop)));
}

// In the loop's turn after a message other handles come first, without a sleep; then it looks again.
void LoopPoller::awake(uv_idle_t* handle) { uv_idle_stop(handle); }

void LoopPoller::look_awhile() {
	Port& port = *binding_->port;
	if (!looking_.worth_waking()) return;
	int64_t began = sys::monotonic_ns();
	Port::Look look = port.loop_look(waiter_, LOOK_NS, {OTHERS_NS, others_ready, environment_->loop});
	if (look == Port::Look::IN_VAIN) looking_.learn(false);
	if (look != Port::Look::CALLED) return;
	if (sys::monotonic_ns() - began > sys::SPIN_NS)
		looking_.learn_late();
	else
		looking_.learn(true);
	tick_while_shared(); // perhaps that is why it was called
	uv_idle_start(&idle_, awake);
	if (serve()) return; // this object may be gone
	uv_idle_stop(&idle_);
	note(port.loop_rest(waiter_));
	if (alerted_) serve();
}

bool LoopPoller::serve() {
	Port& port = *binding_->port;
	Event list[Columns::ROWS];
	Port::LoopState state{};
	Taken taken{0, 1};
	if (port.region().waiter(waiter_).word.load() & shm::SIGNAL_ALERT) {
		state = port.loop_state(waiter_, false);
		list[0] = state.alert;
	} else {
		// Before its call is answered: else it would be called again for what it is about to take.
		taken = port.try_get(list, max_, min_, &environment_->columns);
		if (taken.code == 0 && taken.count == 0) { // not for us, or taken by another
			note(port.loop_state(waiter_, false));
			if (!alerted_) return false;
			alerted_ = false;
			state = {true, alert_};
			list[0] = alert_;
			taken.count = 1;
		}
	}
	leave();
	binding_->turn.begin(environment_->clock, taken.count, environment_->company);
	set_ref(false); // until the next wait(): JavaScript need not say that nobody is left
	if (taken.code == 0) environment_->columns.write(list, taken.count, *binding_);
	// Nothing of this object may be used afterwards: the port may be closed in there.
	environment_->call(environment_->ready, binding_->handle,
	                   taken.code == 0 ? static_cast<int64_t>(taken.count) : -taken.code,
	                   state.alerted);
	return true;
}

} // namespace evp::addon
