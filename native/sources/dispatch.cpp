#include "sources/dispatch.hpp"

#include "core/registry.hpp"
#include "core/slots.hpp"
#include "sys/futex.hpp"
#include "sys/signals.hpp"

#include <cerrno>

namespace evp::dispatch {

namespace {

// A waiter holds the port: it looks up this often whether its number was closed unseen, and
// whether its count went with that of one who died. Seldom: a handler that runs while it
// wakes by itself does not end the call. Nor at a time that a program's own alarm may well have.
constexpr int64_t LOOK_UP = 1'013'370'000;

} // namespace

Result<void> post(Port& port, int number, SourceKind kind, bool shared, int32_t events,
                  uint64_t object, uint64_t user) {
	if (sys::self().critical.load(std::memory_order_relaxed)) return Error{EAGAIN};
	shm::Header& header = port.region().header();
	sys::HeldSignals held;
	Port::Guard guard(port);
	guard.holds(held);
	for (bool reclaimed = false;;) {
		if (header.uncollected.load() != 0 && header.pollable.load() != 0) { // as before a send (4.5, 3.1)
			guard.unlock();
			port.collect_now();
			guard.lock();
		}
		int error = 0;
		uint32_t index = slots::take(port.region(), &error);
		if (index != 0) {
			shm::Slot& slot = port.region().slot(index);
			slot.source.store(static_cast<uint8_t>(kind));
			slot.flags.store(shared ? shm::SLOT_SHARED : uint16_t{0});
			slot.owner.store(port.member());
			slot.object.store(object);
			slot.user.store(user);
			slot.events.store(events);
			slots::enqueue(port.region(), index);
			return {};
		}
		if (error != EAGAIN) return Error{error};
		if (!reclaimed) { // nobody else may ever ask for what is left of the dead, and of closed descriptors
			reclaimed = true;
			guard.unlock();
			(void)port.reclaim();
			guard.lock();
			continue;
		}
		// Whoever frees a slot changes `used` and finds that somebody waits for that.
		uint32_t used = header.used.load();
		header.slot_waiters.store(header.slot_waiters.load() + 1);
		guard.unlock();
		bool interrupted = held.due();
		held.let_go(); // a futex takes no mask
		int rc = interrupted ? EINTR : sys::futex_wait(header.used.word(), used, sys::monotonic_ns() + LOOK_UP);
		if (guard.of_parent()) [[unlikely]]
			return Error{EINTR}; // a handler forked, and this is the child: the wait is its parent's
		reclaimed = rc != ETIMEDOUT;
		if (rc == ETIMEDOUT || !held.spare()) held.hold();
		guard.lock();
		if (header.slot_waiters.load() != 0) header.slot_waiters.store(header.slot_waiters.load() - 1);
		if (rc == EINTR) return Error{EINTR};
		if (number >= 0 && !registry::names(number, &port)) return Error{EBADF};
	}
}

} // namespace evp::dispatch
