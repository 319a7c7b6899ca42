// The calls of <port.h>: argument checks in the contract's order (2.12), errno.

#include "capi/errno.hpp"
#include "capi/trace.hpp"

#include <port.h>

#include <algorithm>
#include <cstddef>
#include <poll.h>

namespace evp::capi {

static_assert(sizeof(Event) == sizeof(port_event_t));
static_assert(offsetof(Event, source) == offsetof(port_event_t, portev_source));
static_assert(offsetof(Event, object) == offsetof(port_event_t, portev_object));
static_assert(offsetof(Event, user) == offsetof(port_event_t, portev_user));
static_assert(sizeof(void*) == 8, "event ports for Linux are for 64-bit machines");

bool read_timeout(const timespec* timeout, Deadline* deadline) {
	constexpr int64_t SECOND = 1'000'000'000;
	if (!timeout) {
		*deadline = Deadline::never();
		return true;
	}
	timespec given = *timeout;
	if (given.tv_sec == 0 && given.tv_nsec == 0) {
		*deadline = Deadline::now();
		return true;
	}
	if (given.tv_sec < 0 || given.tv_nsec < 0 || given.tv_nsec >= SECOND) return false;
	int64_t ns = given.tv_sec > INT64_MAX / SECOND - 1 ? INT64_MAX : given.tv_sec * SECOND + given.tv_nsec;
	*deadline = Deadline::after(ns);
	return true;
}

namespace {

uint64_t cookie(void* user) { return reinterpret_cast<uintptr_t>(user); }

// The caller's timeout, copied before the port is touched: a wild pointer faults
// here, and a handler may jump out of that (2.4.2).
class Timeout {
public:
	explicit Timeout(const timespec* given) : null_(!given) {
		if (given) value_ = *given;
	}
	const timespec* given() const { return null_ ? nullptr : &value_; }

private:
	timespec value_{};
	bool null_;
};

// Where events go is written to once before the port's lock is held: a wild pointer faults
// here, and neither the events nor the lock are lost with who jumps out of that (2.5.15).
inline void touch(port_event_t* list) {
	volatile int* first = &list->portev_events;
	*first = *first;
}

// Retrieval proper. The timeout is read only if the call would have to wait
// (2.5.5, 2.5.6): an alert, or enough events, come before a bad timeout.
Taken retrieve(Port& port, int number, Event* list, unsigned max, unsigned wanted,
               const Timeout& timeout) {
	Deadline deadline;
	if (read_timeout(timeout.given(), &deadline)) return port.get({number, list, max, wanted, deadline});
	Taken taken = port.try_get(list, max, wanted);
	return taken.code == 0 && taken.count == 0 ? Taken{EINVAL, 0} : taken;
}

// The port of a call of the program's.
__attribute__((always_inline)) inline PortRef begin(int number, int* error) {
	return registry::find(number, error, sys::call_frame());
}

} // namespace
} // namespace evp::capi

using namespace evp;
using namespace evp::capi;

#define PUBLIC extern "C" __attribute__((visibility("default")))

PUBLIC int port_create(void) {
	if (trace::due("port_create")) [[unlikely]] return trace::told_create();
	Outcome outcome;
	Result<int> number = registry::create({});
	return number ? *number : outcome.fail(number.error());
}

PUBLIC int port_associate(int number, int source, uintptr_t object, int events, void* user) {
	if (trace::due("port_associate")) [[unlikely]] return trace::told_associate(number, source, object, events, user);
	Outcome outcome;
	int error = 0;
	PortRef port = begin(number, &error);
	if (!port) return outcome.fail(error);
	if (source != PORT_SOURCE_FD && source != PORT_SOURCE_FILE) return outcome.fail(EINVAL);
	return outcome.answer(port->associate(static_cast<SourceKind>(source), object, events, cookie(user), port.thread()));
}

PUBLIC int port_dissociate(int number, int source, uintptr_t object) {
	if (trace::due("port_dissociate")) [[unlikely]] return trace::told_dissociate(number, source, object);
	Outcome outcome;
	int error = 0;
	PortRef port = begin(number, &error);
	if (!port) return outcome.fail(error);
	if (source != PORT_SOURCE_FD && source != PORT_SOURCE_FILE) return outcome.fail(EINVAL);
	return outcome.answer(port->dissociate(static_cast<SourceKind>(source), object));
}

PUBLIC int port_send(int number, int events, void* user) {
	if (trace::due("port_send")) [[unlikely]] return trace::told_send(number, events, user);
	Outcome outcome;
	int error = 0;
	PortRef port = begin(number, &error);
	if (!port) return outcome.fail(error);
	return outcome.answer(port->send(events, cookie(user)));
}

PUBLIC int port_sendn(int ports[], int errors[], unsigned count, int events, void* user) {
	if (trace::due("port_sendn")) [[unlikely]] return trace::told_sendn(ports, errors, count, events, user);
	Outcome outcome;
	constexpr unsigned CHUNK = 8192; // PORT_MAX_LIST: errors[] is written a chunk at a time (2.7.6)
	if (count == 0) return outcome.fail(EINVAL);
	if (!ports) return outcome.fail(EFAULT);
	int sent = 0;
	for (unsigned from = 0; from < count; from += CHUNK) {
		unsigned end = std::min(count, from + CHUNK);
		int before = sent;
		bool failed = false;
		for (unsigned i = from; i < end; i++) {
			int error = 0;
			if (PortRef port = begin(ports[i], &error); port)
				error = port->send(events, cookie(user)).error();
			sent += error == 0;
			// Not ahead of what was read: both may be one array.
			if (error != 0 && !failed && errors) std::fill(errors + from, errors + i, 0);
			failed |= error != 0;
			if (failed && errors) errors[i] = error;
		}
		// What was sent stays sent, though it isn't counted.
		if (failed && !errors) return from == 0 ? outcome.fail(EFAULT) : before;
	}
	return sent;
}

PUBLIC int port_get(int number, port_event_t* event, const struct timespec* given) {
	if (trace::due("port_get")) [[unlikely]] return trace::told_get(number, event, given);
	Outcome outcome;
	Timeout timeout(given);
	int error = 0;
	PortRef port = begin(number, &error);
	if (!port) return outcome.fail(error);
	if (!event) return outcome.fail(EFAULT);
	touch(event);
	Taken taken = retrieve(*port, number, reinterpret_cast<Event*>(event), 1, 1, timeout);
	// Too late by a larger want before it (3.12), and taken all the same: it would be lost (2.4.4).
	if (taken.code != 0 && taken.count == 0) return outcome.fail(taken.code);
	// Polled and nothing there: the source of illumos answers 0 (2.4.3).
	if (taken.count == 0 && !port->strict()) return outcome.fail(ETIME);
	return 0;
}

PUBLIC int port_getn(int number, port_event_t list[], unsigned max, unsigned* nget,
                     const struct timespec* given) {
	if (trace::due("port_getn")) [[unlikely]] return trace::told_getn(number, list, max, nget, given);
	Outcome outcome;
	if (!nget) return outcome.fail(EINVAL);
	unsigned wanted = *nget;
	int error = 0;
	PortRef port = begin(number, &error);
	if (!port) return outcome.fail(error);
	if (max == 0) {
		*nget = port->count();
		return 0;
	}
	if (wanted > max) return outcome.fail(EINVAL);
	if (!list) return outcome.fail(EFAULT);
	if (wanted == 0) return 0;
	touch(list);
	auto* events = reinterpret_cast<Event*>(list);
	Taken taken = given ? retrieve(*port, number, events, max, wanted, Timeout(given))
	                    : port->get({number, events, max, wanted, Deadline::never()});
	if ((taken.code == 0 || taken.code == ETIME) && !taken.in_vain) *nget = taken.count;
	return taken.code == 0 ? 0 : outcome.fail(taken.code);
}

PUBLIC int port_alert(int number, int flags, int events, void* user) {
	if (trace::due("port_alert")) [[unlikely]] return trace::told_alert(number, flags, events, user);
	Outcome outcome;
	int error = 0;
	PortRef port = begin(number, &error);
	if (!port) return outcome.fail(error);
	return outcome.answer(port->alert(flags, events, cookie(user)));
}
