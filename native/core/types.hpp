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

// For whoever must look up from a long wait, with the waiter's record in place:
// it keeps its order, its alert and its hand-over meanwhile.
struct Pause {
	int64_t every_ns;
	bool (*end)(void* data); // called with no lock held; true: give up
	void* data;
};

// What a call of port_get or port_getn asks for.
struct Wanted {
	int number; // of the port: when it is closed the call ends
	Event* out;
	uint32_t max;   // events that there is room for
	uint32_t least; // 1 to max: it waits for as many
	Deadline deadline;
	bool restart = false;         // a signal's handler does not end it (JavaScript)
	const Pause* pause = nullptr; // interrupts the sleep now and then, and may end the wait: EINTR all the same
	ByteSink* sink = nullptr;
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
