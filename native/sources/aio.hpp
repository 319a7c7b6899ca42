// PORT_SOURCE_AIO (section 7): requests carried out by io_uring or by threads, told
// of by events; and what the C and Node faces need of them.
//
// Any thread; not in a signal handler over a critical section of this library (EAGAIN).
// A request belongs to the process that made it: a forked child has none (7.13). It
// outlives the thread that made it, and its port (7.14): its memory must stay until it
// is done. Results are stored before events are visible, by Order::store.
#pragma once
#include "core/source.hpp"
#include "sources/aio_request.hpp"

#include <memory>

namespace evp {

std::unique_ptr<Source> make_aio_source();

namespace aio {

struct Order {
	Order() noexcept {} // not defaulted: a vector would clear its memory first
	sys::Io io;
	bool notify = true;       // an event of its own
	bool whole = false;       // a write that goes on until all is written, as write(2) does
	bool result_code = false; // which says the result in its `events`
	int32_t code = 0;         // what it says else
	uint64_t object = 0;
	uint64_t user = 0;
	void (*store)(void* owner, int64_t result) = nullptr; // under a lock: stores, nothing else
	void (*identify)(void* owner, uint64_t id) = nullptr; // before it starts; likewise
	void* owner = nullptr;
	// It may wait for flush(), to be handed to the kernel together with others, where others of its port are
	// under way.
	bool patient = false;
	// Out.
	bool waits = false; // for that
	uint64_t id = 0;
	int error = 0;
};

// Submits in order; `error` tells of each that was refused, as if it had never been:
// EAGAIN (slots), EMFILE ENFILE (none left for an engine), ENOMEM, EBADF, EINVAL. Returns how
// many were accepted.
// A port is needed for orders that notify, and for the group's event.
uint32_t submit(Port* port, Order* orders, uint32_t count, AioGroup* group = nullptr);

// Hands to the kernel what waits for that; so does whoever submits impatiently, looks for completions or
// begins to wait for them.
void flush();

// A group: begin reserves its event's slot, end says that all its orders are submitted.
Result<void> begin_group(AioGroup& group, Port& port, int32_t code, uint64_t object, uint64_t user);
void join_group(AioGroup& group); // one thing more to be done, by others
void end_group(AioGroup& group);  // and done
bool ended(AioGroup& group);      // all is done, and it was told of or is about to be

// Whether this is a signal handler over a critical section: what takes a request's id or descriptor is not to be
// called then.
bool in_handler();

enum class Cancelled { CANCELED, NOT_CANCELED, ALL_DONE };
// Whether an id names a request in flight, and this owner's.
bool in_flight(uint64_t id, const void* owner);

// ALL_DONE when there is no such request. What is NOT_CANCELED goes on to its own end.
Cancelled cancel(uint64_t id, const void* owner);
// All of a descriptor.
Cancelled cancel_descriptor(int fd);
// Cancelled, or never begun again where the kernel gives it up later.
void abandon(uint64_t id, const void* owner);

// Looks whether anything was completed, and tells of it.
void reap();

// Waits until `done` says so, which is asked under no lock. 0 EINTR ETIMEDOUT EAGAIN.
int wait_until(bool (*done)(void* data), void* data, const Deadline& deadline);

enum class EngineKind { NONE, URING, THREADS };
struct EngineInfo {
	EngineKind kind;
	int error;          // why not io_uring; 0: it is, or was not wanted
	const char* reason; // the same in words
};
// Starts the engine if there is none yet.
EngineInfo engine();

} // namespace aio
} // namespace evp
