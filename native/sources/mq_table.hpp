// The registrations with message queues that this process has, as far as is known.
//
// One that the kernel tells of (SOCKET) stays until the kernel has said that it ended,
// which it does exactly once. Of the others only the calls are seen that make and end them.
// Locks: all under `lock`, which nests inside the port's.
// Fork: a child starts with a table of its own; a registration is the process's that made it.
#pragma once
#include "sys/private_lock.hpp"

#include <cstdint>
#include <memory>
#include <mqueue.h>

namespace evp {

class Port;

namespace mq {

enum class How {
	SOCKET, // the port's source reads how it ends
	LOST,   // it did, until the port was closed; nobody is notified
	OTHER,  // the program's own notification, by libc
};

struct Registration {
	mqd_t queue;
	How how;
	uint64_t user;
	Port* port; // compared only: it is held by its anchor
	const std::atomic<Port*>* anchor;
	uint32_t slot = 0; // SOCKET: reserved in the port
	uint64_t id = 0;   // within the table
	Registration* next = nullptr;
};

using Owned = std::unique_ptr<Registration>;

class Table {
public:
	// Of this process image; null: no memory.
	static Table* current();

	// Locked. What is taken out is freed by the caller, unlocked.
	uint64_t add(Owned registration); // its id
	Owned take(uint64_t id);          // null: not there
	// The one with the lowest id above `after` that is about the queue, or null.
	Registration* next(mqd_t queue, uint64_t after);
	bool has(mqd_t queue) { return next(queue, 0) != nullptr; }
	template <class Do>
	void each(Do what) {
		for (Registration* at = first_; at; at = at->next) what(*at);
	}

	// Not locked. All of a queue but those the kernel tells of.
	void forget(mqd_t queue);

	sys::PrivateLock lock;

private:
	Registration* first_ = nullptr;
	uint64_t last_id_ = 0;
	uint64_t image_ = 0;
	Table* inherited_ = nullptr; // the parent's: unused, and not lost
};

} // namespace mq
} // namespace evp
