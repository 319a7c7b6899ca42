// What the native tests share: checks that end the program, a watchdog, counts.
#pragma once

#include <port.h>
#include <port_linux.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/types.h>

namespace test {

// Runs `body` in a child of this process. If it hangs, the stacks of all its
// threads are dumped and the program fails. The answer is main's exit code; a
// line "N passed, N failed, N skipped" is printed for scripts that count.
int watched(int (*body)());

// What body() answers: the cases that passed, as it counted them.
extern int passed;
void done(const char* name); // a case passed: counted and said

// Said before a failure ends the program: where a test was.
extern void (*explain)();

[[noreturn]] void fail(const char* file, int line, const char* what, long long saw, long long want);

#define CHECK(e)                                                                                   \
	do {                                                                                       \
		if (!(e)) ::test::fail(__FILE__, __LINE__, #e, errno, 0);                              \
	} while (0)
#define EQUAL(e, want)                                                                             \
	do {                                                                                       \
		long long saw_ = static_cast<long long>(e), want_ = static_cast<long long>(want);      \
		if (saw_ != want_) ::test::fail(__FILE__, __LINE__, #e, saw_, want_);                  \
	} while (0)

// Less work where a sanitizer makes each step ten times as dear.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool SANITIZED = true;
#else
inline constexpr bool SANITIZED = false;
#endif

inline void* cookie(uint64_t number) { return reinterpret_cast<void*>(number); }
inline uint64_t number_of(const port_event_t& event) {
	return reinterpret_cast<uintptr_t>(event.portev_user);
}

// A small generator of its own for each thread: runs can be repeated by seed.
class Random {
public:
	explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
	uint32_t below(uint32_t bound) {
		state_ ^= state_ << 13;
		state_ ^= state_ >> 7;
		state_ ^= state_ << 17;
		return static_cast<uint32_t>((state_ >> 32) % bound);
	}

private:
	uint64_t state_;
};

port_info_t info_of(int port);
// In the call that a thread waits by, not on the way there.
bool asleep_in_call(pid_t tid);

// How often a process has slept, and whether it is in a call on a futex now.
long sleeps_of(pid_t pid);
bool in_futex(pid_t pid);
timespec milliseconds(long ms);

// To stderr, by gdb.
void dump_stacks(pid_t pid);

} // namespace test
