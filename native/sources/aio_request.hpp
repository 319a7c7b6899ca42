// A request in flight, and who is told when it is done.
//
// Records are type-stable: used again, never freed, so that what names one (an aiocb
// that is submitted twice, a cancellation) can be checked at any time.
// All fields are guarded by the book's lock (aio_book.hpp) but where it says so.
#pragma once
#include "core/types.hpp"
#include "sys/io_op.hpp"
#include "sys/private_lock.hpp"

namespace evp {

class Port;

// A port's part in this process's requests. Guarded by `lock`, inside the port's.
struct AioSet {
	sys::PrivateLock lock;
	std::atomic<Port*> port{nullptr}; // null: closed, events go nowhere (7.14)
	const std::atomic<Port*>* anchor = nullptr;
	uint32_t expected = 0;            // events to come
	std::atomic<bool> armed{false};   // the engine's descriptor is, in the inner set
	std::atomic<bool> known{false};   // the inner set holds it
	AioSet* next_free = nullptr;
};

// Where an event goes: a slot that was reserved when the request was made (7.2).
// Arrays of them are made for every batch: nothing is stored there unasked.
struct AioEvent {
	AioSet* set; // null: no event
	uint32_t slot;
	int32_t code; // its `events`
};

// Requests that are told of together (lio_listio). Freed by its last member.
struct AioGroup {
	uint32_t remaining = 1;    // the one is whoever submits, until all are
	AioEvent event{};
	void (*finished)(AioGroup& group) = nullptr; // with no lock held; the last touch
};

struct alignas(64) AioRequest {
	enum State : uint8_t { FREE, HELD, ACTIVE }; // HELD: an fsync waits for its turn
	// Whether somebody asked for its end, and whoever it was will not have it go on.
	enum Cancelled : uint8_t { NO, ASKED, FOR_GOOD };

	// What making and completing it need lies in two cache lines: the reads of a page
	// each time in between leave little else in the nearest cache.
	sys::Io io;
	uint64_t sequence = 0;
	uint32_t index = 0;
	uint32_t generation = 0;
	uint16_t pins = 0;        // cancellations under way: it is not used again meanwhile
	State state = FREE;
	Cancelled cancelled = NO;
	bool found = false;       // the engine said it will be cancelled
	bool result_code = false; // the event says the result, not `event.code`
	bool whole = false;       // where a stream took a part, the rest is written as well
	// Stores the result where its owner looks for it, before the event is visible (7.5).
	void (*store)(void* owner, int64_t result) = nullptr;
	void* owner = nullptr;
	AioEvent event{};
	AioGroup* group = nullptr;
	AioRequest* next = nullptr; // of its line, or free
	AioRequest* prev = nullptr;
	int64_t result = 0;       // once it is done
	int64_t moved = 0;        // of `whole`: what went before `io` as it is
	uint32_t unanswered = 0;  // of `pins`, without the engine's answer
	// The engine's own.
	AioRequest* queued = nullptr; // the next where it waits,
	AioRequest* behind = nullptr; // and in the line of those that append
	uint8_t stage = 0;
	bool ordered = false;
	uint32_t withdrawn = 0;
};

struct AioCompletion {
	AioRequest* request;
	int64_t result;     // or -errno
	bool cancellation;  // the answer to cancel(), not the end of the request
};

} // namespace evp
