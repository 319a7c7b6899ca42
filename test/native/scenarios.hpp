// What a process does while it dies at each of its stores in turn (repair.cpp).
//
// Survivor and dead one use the port in `port`. Cookies say whose a message is; the dead
// one's own events, of descriptors and the like, carry THEIR_OWN and must never be seen again.
#pragma once

#include "kill.hpp"

#include "core/registry.hpp"

#include <ctime>
#include <vector>

namespace test {

constexpr uint32_t LIMIT = 160;
constexpr uint64_t OURS = 1000;   // cookies the survivor sent before
constexpr uint64_t THEIRS = 2000; // the dead one's
constexpr uint64_t LATER = 3000;  // the survivor's afterwards
constexpr uint32_t BEFORE = 5;
constexpr uint32_t LENGTH = 100; // of messages with bytes, all of which say whose they are
constexpr uint64_t FD_OURS = 1, THEIR_OWN = 2, TIMER_OURS = 3;
constexpr uint64_t FD_MANY = 100; // of the survivor's: this one and those after it
constexpr uint32_t LIBRARY = PORT_SOURCE_LIBRARY;

extern int port;
extern int mine[2], other[2], spare[2]; // pipes: the survivor's, the dead one's

enum Survivor : uint8_t { COMES_LATER = 1, WAITS_ALREADY = 2, EITHER = 3 };
// For scenarios that start threads, which TSan does not allow who was forked while others ran.
#ifdef __SANITIZE_THREAD__
inline constexpr Survivor EITHER_OF_THREADS = COMES_LATER;
#else
inline constexpr Survivor EITHER_OF_THREADS = EITHER;
#endif

struct Scenario {
	const char* name;
	void (*prepare)(Diary&); // by the one that dies, before its stores count
	void (*run)(Diary&);
	Survivor survivor = EITHER;
	void (*before)() = nullptr; // by the survivor, before the other is born
	void (*after)() = nullptr;  // by the survivor, to set right what `before` and the other did to its own
	bool bare = false;          // no descriptor was ever associated before
	uint32_t most = UINT32_MAX; // deaths
};

std::vector<Scenario> messages();     // and descriptors
std::vector<Scenario> waiting();      // threads, event loops, leaders, those who stopped
std::vector<Scenario> membership();   // joining, exec, tickets, signal handlers, repair
std::vector<Scenario> other_sources(); // timers, files, asynchronous I/O, libraries

// --- Steps.

inline const timespec NONE{};

inline void nothing(Diary&) {}
void join(Diary&);
void announce_send(Diary& diary, int count);
int post(uint64_t number); // bytes; 0 or an errno
void announce_post(Diary& diary, int count);
// At most 128; `timeout` null waits for ever.
void announce_take(Diary& diary, unsigned max, unsigned wanted = 1, const timespec* timeout = &NONE);
void collect(); // asks the kernel, takes nothing
void associate(const int (&pair)[2], uint64_t user);
void make_ready(const int (&pair)[2]);
void alert_on(Diary&);

port_source_t open_source();
port_slot_t reserve(port_source_t source, int flags, uint64_t user);
timer_t make_timer(uint64_t user, timespec first, timespec interval = {});

// This process's port, for the length of a statement.
evp::PortRef here();

template <class Condition>
void await(Condition condition) {
	while (!condition()) sched_yield();
}
// Until a thread of that id waits as one of the bits says (shm/layout.hpp).
void await_waiter(const std::atomic<uint32_t>& tid, uint32_t bits);
void stopped(pid_t pid); // waits for that

} // namespace test
