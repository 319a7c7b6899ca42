// An event loop that waits at a port: the set it polls, and its record among the waiters.
//
// A loop is rung by the doorbell and takes by Port::try_get; it never leads. Before it sleeps it may
// look for a while (docs/decisions/009): its record says so meanwhile, and a post hands it the queue by a
// store, as to a thread that is awake.

#include "core/port.hpp"
#include "core/tags.hpp"

#include <cerrno>

namespace evp {

using shm::WaiterKind;

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
	    waiters::add(region_, WaiterKind::LOOP, wanted, member_, number, sys::self().tid);
	if (waiter == 0) return Error{ENOMEM};
	// Alert mode since the caller tried: whoever set it didn't see this waiter.
	if (region_.header().alert_events.load() != 0) waiters::alert_all(region_, guard.wakes());
	return waiter;
}

// What a waiter was told. Locked.
Port::LoopState Port::told(uint32_t waiter) {
	uint32_t bits = waiters::consume(region_, waiter);
	shm::Waiter& record = region_.waiter(waiter);
	return {(bits & shm::SIGNAL_ALERT) != 0,
	        alert_event(record.alert_events.load(), record.alert_user.load())};
}

Port::LoopState Port::loop_state(uint32_t waiter, bool leave) {
	Guard guard(*this);
	LoopState state = told(waiter);
	if (leave) waiters::remove(region_, waiter);
	return state;
}

Port::Look Port::loop_look(uint32_t waiter, int64_t longest_ns, const Pause& pause) {
	if (region_.header().pollable.load() != 0) return Look::NONE;
	shm::Waiter& record = region_.waiter(waiter);
	Guard guard(*this);
	if (record.word.load() != 0) return Look::NONE; // rung
	record.kind.store(WaiterKind::LOOKING);
	guard.unlock();
	auto end = [&] { return pause.end(pause.data); };
	uint32_t bits = sys::spin_until_set(*record.word.word(), ~0u, longest_ns, pause.every_ns, end);
	if (bits != 0) return Look::CALLED;
	guard.lock();
	if (record.word.load() != 0) return Look::CALLED;
	record.kind.store(WaiterKind::LOOP);
	return Look::IN_VAIN;
}

Port::LoopState Port::loop_rest(uint32_t waiter) {
	Guard guard(*this);
	LoopState state = told(waiter);
	region_.waiter(waiter).kind.store(WaiterKind::LOOP);
	return state;
}

} // namespace evp
