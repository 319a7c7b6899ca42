// The requests of JavaScript (addon/aio.cpp), with their memory and results: one table for
// all threads, since one may retrieve what another asked for. Never destroyed: the engine
// stores into it until the process ends.
//
// Lock: `lock`, of whatever is called here and of every field but `result`. Descriptors
// of abandoned requests are closed under it.
// Fork: nothing of it is used in a child.
#pragma once
#include "sys/io_op.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace evp::addon {

struct Binding;

// A place of the table, used again.
struct Request {
	static constexpr int64_t UNDONE = INT64_MIN;

	const Binding* binding = nullptr; // null: abandoned
	char* block = nullptr;
	size_t room = 0;
	uint64_t id = 0; // of the core, to cancel it
	uint32_t generation = 0;
	uint32_t index = 0;
	int fd = -1; // CONNECT: a socket of ours until the event is retrieved
	sys::IoOp op = sys::IoOp::READ;
	bool used = false;
	std::atomic<int64_t> result{UNDONE};

	bool done() const { return result.load(std::memory_order_acquire) != UNDONE; }
	// Of JavaScript (lib/aio-requests.ts): generation, 25 bits; operation, 4; index, 24.
	uint64_t number() const {
		return static_cast<uint64_t>(generation) << 28 | static_cast<uint64_t>(op) << 24 | index;
	}
};

class Requests {
public:
	static Requests& all();

	std::mutex lock;

	// With memory of `length` bytes, aligned as O_DIRECT asks for it. Null: there is none.
	Request* take(const Binding& binding, sys::IoOp op, size_t length);
	// The socket that was accepted or connected, the caller's from now on; else -1.
	int release(Request& request);
	Request* find(double number);
	// That is no longer the engine's. Of an event its number is believed no further: it came
	// through memory that others write to.
	Request* find_done(double number);
	// Nobody will ask for the requests of a binding. Those that would take from a socket,
	// or connect one, are cancelled. Not locked.
	void abandon(const Binding& binding);

private:
	char* take_block(size_t length, size_t* room);
	void give_block(Request& request);
	void sweep();

	std::vector<Request*> requests_;
	std::vector<uint32_t> free_;
	uint32_t abandoned_ = 0;
	std::vector<char*> blocks_[8]; // of 512 bytes to 64 KiB, by powers of two
};

} // namespace evp::addon
