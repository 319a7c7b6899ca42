// Sources of other libraries (port_linux.h): what a source of ours is to the core, behind
// handles that may be stale, so that foreign code can't corrupt what it is told of.
//
// Any thread of the process that opened the source; not in a signal handler over a
// critical section, nor in a callback of `deliver` (EAGAIN). A forked child has none of
// its parent's: their handles name nothing there (ENOENT).
#pragma once
#include "core/source.hpp"

#include <memory>

struct port_event; // of <port.h>, laid out as Event

namespace evp::library {

// Where the core keeps them: no event says 0, and no source of ours has it.
inline constexpr SourceKind KIND{0};
// What their events may say of themselves.
inline constexpr uint32_t FIRST_NUMBER = 256, LAST_NUMBER = 0xffff;

struct Callbacks {
	// The last word before an event is handed over, in the thread that retrieves it; 0
	// refuses it. Locked as Source::deliver is. Null: as posted.
	int (*deliver)(void* arg, port_event* event) = nullptr;
	// The process has let go of the port: every slot is gone. Not locked. Null: not told.
	void (*close)(void* arg) = nullptr;
};

std::unique_ptr<Source> make_source();

// EBADF: the port is being closed; ENOMEM EAGAIN.
Result<uint64_t> open(Port& port, uint32_t number, const Callbacks& callbacks, void* arg);
// Releases its slots; `close` is not called, and no callback runs any more. ENOENT EAGAIN.
Result<void> close(uint64_t source);

struct Reservation {
	bool shared; // any process may retrieve it: once posted the slot is the port's
	bool kept;   // it outlives the delivery of its event, to be posted again
	uint64_t object, user;
	void* arg;   // of `deliver`
};
// ENOENT: no such source, or its port was closed; EAGAIN: no slot left; ENOMEM; EINVAL:
// both kinds at once.
Result<uint64_t> reserve(uint64_t source, const Reservation& wanted);
// Queues its event; one that is queued keeps its place, the bits are joined. ENOENT: the
// slot was delivered, released, or its port closed; EAGAIN.
Result<void> post(uint64_t slot, int32_t events);
// Gives the slot back, with an event that is still queued. ENOENT EAGAIN.
Result<void> release(uint64_t slot);

} // namespace evp::library
