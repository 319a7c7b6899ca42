// USER events and alerts (sections 9, 10), also those of handlers over the port's own critical section.

#include "core/blocks.hpp"
#include "core/port.hpp"
#include "core/slots.hpp"

#include <cerrno>

namespace evp {

using shm::Header;
using shm::Slot;

namespace {

constexpr int DEFERRED_SEND = 1 << 16;  // codes beside the flags of port_alert
constexpr int DEFERRED_ALERT = 1 << 17;

} // namespace

Result<void> Port::send(int32_t events, uint64_t user) {
	sys::Thread& thread = sys::self();
	if (sys::must_defer(thread)) [[unlikely]]
		return send_in_handler(thread, events, user);
	return send_message(thread, events, user, nullptr);
}

Result<void> Port::post(const void* data, uint32_t length, int32_t events, uint64_t user) {
	if (length > shm::BLOCK_BYTES) return Error{EINVAL};
	sys::Thread& thread = sys::self();
	if (sys::must_defer(thread)) [[unlikely]]
		return Error{EAGAIN};
	Bytes bytes{data, length};
	return send_message(thread, events, user, &bytes);
}

Result<void> Port::send_message(sys::Thread& thread, int32_t events, uint64_t user, const Bytes* bytes) {
	Guard guard(*this, thread);
	Header& header = region_.header();
	if (header.uncollected.load() != 0 && header.pollable.load() != 0) {
		guard.unlock();
		collect_now();
		guard.lock();
	}
	Result<void> posted = post_user(events, user, bytes);
	if (posted.error() != EAGAIN) [[likely]]
		return posted;
	guard.unlock();
	if (!reclaim()) return posted;
	guard.lock();
	return post_user(events, user, bytes);
}

Result<void> Port::post_user(int32_t events, uint64_t user, const Bytes* bytes) {
	int error = 0;
	uint32_t block = 0; // nothing needs none
	if (bytes && bytes->length != 0 && (block = blocks::take(region_, &error)) == 0) return Error{error};
	uint32_t index = slots::take(region_, &error);
	if (index == 0) {
		blocks::release(region_, block);
		return Error{error};
	}
	Slot& slot = region_.slot(index);
	slot.source.store(static_cast<uint8_t>(SourceKind::USER));
	if (bytes) [[unlikely]] {
		if (block != 0) region_.block(block).bytes.store(bytes->data, bytes->length);
		slot.link.store(block);
		slot.asked.store(bytes->length);
		slot.flags.store(shm::SLOT_SHARED | shm::SLOT_BYTES);
	} else {
		slot.flags.store(shm::SLOT_SHARED);
	}
	slot.owner.store(member_);
	slot.object.store(0);
	slot.user.store(user);
	slot.events.store(events);
	slots::enqueue(region_, index);
	return {};
}

Result<void> Port::alert(int flags, int32_t events, uint64_t user) {
	constexpr int SET = 1, UPDATE = 2;
	Header& header = region_.header();
	if (events != 0) {
		if ((flags & (SET | UPDATE)) == (SET | UPDATE)) return Error{EINVAL};
		if (flags == UPDATE && header.alert_events.load() != 0) {
			uint32_t member = header.alert_member.load();
			// The alert of one that is gone goes with it: who takes EBUSY for success relies on
			// there being one (10.3).
			bool gone = !sys::self().critical.load() && member != member_ && shared() && buried(member);
			if (!gone || header.alert_events.load() != 0) return Error{EBUSY};
		}
	}
	sys::Thread& thread = sys::self();
	if (sys::must_defer(thread)) [[unlikely]] {
		if (!sys::defer(thread, {run_deferred_call, this, flags | DEFERRED_ALERT, events, user}))
			return Error{EAGAIN};
		return {};
	}
	return set_alert(flags, events, user);
}

Result<void> Port::set_alert(int flags, int32_t events, uint64_t user) {
	constexpr int UPDATE = 2;
	Header& header = region_.header();
	Guard guard(*this);
	if (events != 0 && flags == UPDATE && header.alert_events.load() != 0) return Error{EBUSY};
	// The member first: dying before the last store, it takes the torn alert along.
	header.alert_member.store(member_);
	header.alert_user.store(user);
	header.alert_events.store(events);
	if (events != 0) waiters::alert_all(region_, guard.wakes());
	return {};
}

// A signal handler on a thread that holds the lock, or is about to: the slot is
// promised now, so that the answer is true, and the event posted at unlock.
Result<void> Port::send_in_handler(sys::Thread& thread, int32_t events, uint64_t user) {
	Header& header = region_.header();
	shm::Member& record = region_.member(member_);
	record.reserved.fetch_add(1);
	header.promising.exchange(1);
	// One more: the interrupted call may be between its check and its count.
	bool full = header.used.load() + slots::promised(region_) + 1 > region_.limit();
	if (full || !sys::defer(thread, {run_deferred_call, this, DEFERRED_SEND, events, user})) {
		record.reserved.fetch_add(-1u);
		return Error{EAGAIN};
	}
	return {};
}

void Port::run_deferred_call(const sys::DeferredCall& call) {
	auto* port = static_cast<Port*>(call.target);
	int saved = errno;
	if (call.code == DEFERRED_SEND) {
		Guard guard(*port);
		port->region_.member(port->member_).reserved.fetch_add(-1u);
		// The slot was promised: this fails only if memory itself ran out.
		(void)port->post_user(call.events, call.user, nullptr);
	} else {
		(void)port->set_alert(call.code & ~DEFERRED_ALERT, call.events, call.user);
	}
	errno = saved;
}

} // namespace evp
