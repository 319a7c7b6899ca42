// A port in one environment (an isolate of Node): what an int handle stands for.
//
// Who owns what: the process keeps one Shared a port, with its number; each
// environment that uses the port holds one Binding, which holds the port. The
// number is closed when the last Binding goes, so that it can't be reused under
// a thread that still means the port.
// Threads: a Binding belongs to its environment's thread. What other threads may
// touch (the mail) is guarded by the process's one lock. Blocked gets hold nothing.
#pragma once
#include "addon/cookies.hpp"
#include "addon/loop_poller.hpp"
#include "addon/turn.hpp"
#include "core/registry.hpp"
#include "sys/spin.hpp"

#include <atomic>
#include <vector>

namespace evp::addon {

struct Environment;

struct Shared {
	Port* port;
	int number;
	std::atomic<uint32_t> users{0};  // changed under the lock
	std::atomic<bool> closed{false}; // close(): calls fail from now on
	// A ticket of it was made or redeemed: for good, because who has one can't be known.
	std::atomic<bool> crosses{false};
};

struct Binding {
	Binding(Environment& user, Shared* named, uint32_t unique)
	    : environment(&user), shared(named), port(named->port), id(unique) {}
	Environment* environment;
	Shared* shared;
	Port* port;
	uint32_t id; // in cookies; unlike any other's of this process
	int32_t handle = -1;
	LoopPoller* poller = nullptr;
	Turn turn;
	sys::Habit asking{4}; // the kernel on the spot, before a get waits
	// Mail, guarded.
	std::vector<uint32_t> returned; // entries of our cookies that others retrieved
	bool mail = false;
	bool closed_by_other = false;

	// No other environment has the port yet.
	bool alone() const { return shared->users.load(std::memory_order_relaxed) == 1; }
	bool closed() const { return shared->closed.load(std::memory_order_acquire); }
	// A cookie whose value stays in this process, while others may retrieve it.
	bool refuses(double code) const {
		return shared->crosses.load(std::memory_order_relaxed) && cookie_held(code);
	}
};

// A new port, or the port of a number; its Binding in this environment. The same
// one for the same port. EBADF EBADFD and those of registry::create.
Result<Binding*> create_binding(Environment& environment, uint32_t limit);
Result<Binding*> attach_binding(Environment& environment, int number);
// Passing (core/ticket.hpp): a ticket, a descriptor of the caller's; the port of one.
Result<int> make_ticket(Binding& binding);
Result<Binding*> redeem_ticket(Environment& environment, int ticket);

// Gives up the port, and frees the Binding once its event loop has let go of it.
void release_binding(Binding& binding);

// Every wait of this process ends; the other environments get mail.
void close_everywhere(Binding& binding);
// Closes any descriptor. The number of a port: for all, as close_everywhere() does, and
// it is closed when the last environment has let go. 0 or EBADF.
int close_number(int number);

// A message's cookie was retrieved where its value can't be had.
void give_back(uint64_t cookie);

// What came for a Binding since the last time; at most `max` entries.
uint32_t take_returned(Binding& binding, uint32_t* out, uint32_t max);
struct Mail {
	int32_t handle;
	uint32_t id; // of the Binding
	bool closed;
};
std::vector<Mail> take_mail(Environment& environment);

} // namespace evp::addon
