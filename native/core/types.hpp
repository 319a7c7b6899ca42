// Words that all of the core shares.
#pragma once
#include "sys/clock.hpp"
#include "sys/result.hpp"

#include <cstdint>

namespace evp {

using sys::Deadline;

enum class SourceKind : uint8_t { // PORT_SOURCE_* (1.1)
	AIO = 1,
	TIMER = 2,
	USER = 3,
	FD = 4,
	ALERT = 5,
	MQ = 6,
	FILE = 7,
};
inline constexpr int SOURCE_KINDS = 8;

struct Event { // laid out as port_event_t (1.2); capi/port.cpp asserts it
	int32_t events;
	uint16_t source;
	uint16_t pad;
	uint64_t object;
	uint64_t user;
};

inline Event alert_event(int32_t events, uint64_t user) {
	return {events, static_cast<uint16_t>(SourceKind::ALERT), 0, 0, user};
}

// In Event::pad: the association stands, and may have the next event. Only for those who
// asked for such a one; C can't.
inline constexpr uint16_t EVENT_STANDING = 1;

// One association of a list; laid out as port_assoc_t, capi/extensions.cpp asserts it.
struct Association {
	uint64_t object;
	uint64_t user;
	int32_t events;
	int32_t error; // 0, or why not
};

// Where a retriever wants the bytes of messages (Port::post); without one they are dropped.
class ByteSink {
public:
	// Where to copy what the batch's event number `event` brings: `length` bytes, at most
	// BLOCK_BYTES of shm/layout.hpp. Locked: no system call, no allocation.
	virtual void* room(uint32_t event, uint32_t length) = 0;

protected:
	~ByteSink() = default;
};

// What a get call answers. code: 0, or ETIME (with what was there stored), EINTR,
// EBADF (the port's descriptor was closed meanwhile), EAGAIN (no waiter record).
struct Taken {
	int code;
	uint32_t count;
	bool in_vain = false; // ETIME in the strict profile: what satisfied it was all others' (2.5.12)
};

struct PortInfo {
	uint32_t limit, slots, queued, waiters, members;
	int32_t alert;
	uint64_t delivered[SOURCE_KINDS];
	uint64_t wakeups;
	uint32_t uid, gid;
	uint64_t created_ns;
};

} // namespace evp
