// An event loop that waits at a port: the set it polls, and its record among the waiters.
//
// A loop is rung by the doorbell and takes by Port::try_get; it never leads.

#include "core/port.hpp"
#include "core/tags.hpp"

#include <cerrno>

namespace evp {

Result<int> Port::loop_set() {
	Result<sys::UniqueFd> set = sys::epoll_make();
	if (!set) return Error{set.error()};
	// Inner and bell one by one rather than the outer set: the kernel allows only
	// so many sets within sets, and a loop puts this one into its own.
	constexpr uint32_t EDGE = sys::EPOLL_READABLE | sys::EPOLL_EDGE;
	int rc = sys::epoll_add(set->get(), bell_.get(), EDGE, TAG_BELL);
	if (rc == 0) rc = sys::epoll_add(set->get(), inner_.get(), EDGE, TAG_INNER);
	if (rc != 0) return Error{rc};
	return sys::move_high(std::move(*set)).release();
}

void Port::loop_woken(int set) {
	sys::Ready edges[2];
	(void)sys::epoll_collect(set, edges, 2, Deadline::now());
}

void Port::loop_again(int set) {
	sys::epoll_mod(set, inner_.get(), sys::EPOLL_READABLE | sys::EPOLL_EDGE, TAG_INNER);
	sys::epoll_mod(set, bell_.get(), sys::EPOLL_READABLE | sys::EPOLL_EDGE, TAG_BELL);
}

Result<uint32_t> Port::loop_wait(uint32_t wanted, int number) {
	Guard guard(*this);
	uint32_t waiter =
	    waiters::add(region_, shm::WaiterKind::LOOP, wanted, member_, number, sys::self().tid);
	if (waiter == 0) return Error{ENOMEM};
	// Alert mode since the caller tried: whoever set it didn't see this waiter.
	if (region_.header().alert_events.load() != 0) waiters::alert_all(region_, guard.wakes());
	return waiter;
}

Port::LoopState Port::loop_state(uint32_t waiter, bool leave) {
	Guard guard(*this);
	uint32_t bits = waiters::consume(region_, waiter);
	LoopState state{};
	state.alerted = bits & shm::SIGNAL_ALERT;
	shm::Waiter& record = region_.waiter(waiter);
	state.alert = alert_event(record.alert_events.load(), record.alert_user.load());
	if (leave) waiters::remove(region_, waiter);
	return state;
}

} // namespace evp
