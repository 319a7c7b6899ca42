// What a process and a thread know of themselves, valid over fork.
//
// A process is told from its parent by a word that fork wipes (hazard 11), so a
// call costs one load instead of a getpid. Records of threads are never freed,
// only reused: others may look at them at any time.
#pragma once
#include "sys/io_call.hpp"
#include "sys/spin.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace evp::sys {

// Who a process is: the pid may be reused, the start time tells (14.6, hazard
// 9), the nonce tells images of one process apart over exec. Copies of this library in one image have one.
struct Identity {
	int32_t pid = 0;
	uint64_t start_time = 0; // clock ticks since boot, /proc/self/stat
	uint64_t nonce = 0;
	uint64_t pid_space = 0;  // inode of its pid namespace, 0 unknown
	uint64_t chance = 0;     // no other process's, image's or copy's
};

// A call that a signal handler made while its own thread was inside a critical
// section; run when the thread leaves it (hazard 18).
struct DeferredCall {
	void (*run)(const DeferredCall&);
	void* target;
	int32_t code;
	int32_t events;
	uint64_t user;
};

// The kernel's list of a thread's robust mutexes (struct robust_list_head).
struct RobustList {
	void* next;
	long offset;
	const void* pending;
};

struct Thread {
	static constexpr int NESTING = 24;  // calls within handlers, and ports told by ports
	static constexpr uint32_t DEFERRED = 32;

	uint32_t tid = 0;
	std::atomic<uint64_t> epoch{0};     // image of the process this record belongs to
	const void** robust_pending = nullptr; // list_op_pending of the kernel's list of this thread
	long robust_offset = 0;
	uint32_t image = 0;                 // low half of epoch, as the wiped page has it
	std::atomic<uint32_t> critical{0};  // not 0: inside, or about to enter, a critical section
	std::atomic<const void*> entering{nullptr}; // the port it is joining
	std::atomic<uint32_t> depth{0};
	std::atomic<const void*> in_use[NESTING]{}; // objects that may not be freed now
	// How deep the stack was (call_frame) where a call of the program's began; null within one.
	std::atomic<const void*> frames[NESTING]{};
	// A port that tells those who watch it, at each depth; whether once more.
	struct Telling {
		const void* port = nullptr;
		bool again = false;
	};
	Telling telling[NESTING + 1];
	std::atomic<uint32_t> deferred_count{0};
	uint32_t waits = 0;                 // calls of it that stand among a port's waiters
	bool running_deferred = false;      // they leave critical sections themselves
	std::atomic<const void*> hub{nullptr}; // of files, which it holds or is about to
	Habit spinning;                     // before this thread sleeps for an event
	Yielding yielding;                  // the same
	CachedReads cached;
	bool hears = false;                 // what it took last from a queue began with a message
	Gathering gathering;                // once there is one, for more
	// The port whose sources it has collect, to take from it next: what they post is settled then.
	const void* collecting = nullptr;
	DeferredCall deferred[DEFERRED];
	std::atomic<const void*> deferred_target[DEFERRED]{}; // may not be freed now, either
	Thread* next = nullptr;             // all records, for ever
	std::atomic<bool> taken{false};
	// Where libc has registered none. The kernel looks at it when the thread ends, which the record outlives;
	// what the record's next thread announces then is of another id.
	RobustList own_list{&own_list, 0, nullptr};
};

// The fast path of self(), inlined into every call; thread.cpp owns these.
namespace detail {
// Lies alone on a page that the kernel zeroes in a forked child.
struct Wiped {
	std::atomic<uint32_t> ready;
};
extern std::atomic<Wiped*> wiped;
#if defined(__GLIBC__)
// One load instead of a call; musl can't do this in a library opened at run time.
__attribute__((tls_model("initial-exec")))
#endif
extern __thread Thread* current;
extern Thread nobody;
Thread& start_thread();
} // namespace detail

// Whether this is the process still that had an image (Thread::image), and not a child of it. Only for
// the image of a record that was had from self().
inline bool is_current(uint32_t image) {
	return detail::wiped.load(std::memory_order_relaxed)->ready.load(std::memory_order_relaxed) == image;
}

// Of the calling thread; made on first use, made anew after fork.
inline Thread& self() {
	Thread* thread = detail::current;
	if (thread && is_current(thread->image)) [[likely]] // who has a record has seen the page made
		return *thread;
	return detail::start_thread();
}

// There was no memory for the calling thread's record: it can keep nothing from being freed, so it
// uses no port. Its next call tries again.
inline bool recordless(const Thread& thread) { return &thread == &detail::nobody; }

// Number of the process image: differs between a process and its forked child.
inline uint64_t process_epoch() { return self().epoch.load(std::memory_order_relaxed); }
const Identity& identity();
// Whether a pid of that namespace is the same process's here. Two that are not known (no /proc) may differ.
inline bool pid_means_here(uint64_t pid_space) { return pid_space != 0 && pid_space == identity().pid_space; }

// Called for a thread that ends, or left its call, while it waits.
extern std::atomic<void (*)(Thread&)> on_end_of_waiter;

// Where the stack stood when the function that this is compiled into was called. A call whose
// frame is not above that is over, however it ended.
__attribute__((always_inline)) inline const void* call_frame() { return __builtin_dwarf_cfa(); }

// A handler may have left calls of this thread by siglongjmp. Those whose frames are free again,
// as the stack now stands at `frame`, end here: what they used may be freed, and where none is
// left the thread waits nowhere. On an alternate stack nothing can be told. How many there are.
uint32_t end_left_calls(Thread& thread, const void* frame);

// Head of all thread records.
Thread* all_threads();

// Whether a thread of this process with that id, and not the calling one, is in a critical section,
// or about to enter one.
bool in_critical(uint32_t tid);
// Whether a thread of this process with that id keeps the object from being freed.
bool uses(uint32_t tid, const void* object);

// Whether what a signal handler calls must wait: its thread is inside a critical section,
// or has left one and not made yet what was deferred there, which comes first.
inline bool must_defer(const Thread& thread) {
	return (thread.critical.load(std::memory_order_relaxed) |
	        thread.deferred_count.load(std::memory_order_relaxed)) != 0;
}
// Whether it closes a port in a handler over a call, which can't end before.
inline bool over_call(const Thread& thread) { return thread.depth.load(std::memory_order_relaxed) != 0; }
// From a signal handler, then. False: no room.
bool defer(Thread& thread, const DeferredCall& call);
void run_deferred(Thread& thread);

// Makes stores of `in_use` visible to a scan, and the scan's cleared pointers to
// their readers, at the scanner's cost alone (membarrier, else a fence in readers).
//
// Asking the kernel for it takes a process of several threads milliseconds, so readers
// make fences until there were many of them. A scanner that sees the old state has cleared its
// pointers before the new one began: readers that trust the kernel find them cleared.
extern std::atomic<bool> cheap_fence; // the kernel makes the fence in all threads for the scanner
void dear_fence();                     // a fence, and now and then the question
#if defined(EVP_TSAN)
// TSan knows no fences: read-modify-writes of one word order just as they do.
extern std::atomic<uint32_t> fence_word;
inline void full_fence() { fence_word.fetch_add(1, std::memory_order_seq_cst); }
inline void reader_fence() { full_fence(); }
#else
inline void full_fence() { std::atomic_thread_fence(std::memory_order_seq_cst); }
inline void reader_fence() {
	if (cheap_fence.load(std::memory_order_acquire)) [[likely]]
		std::atomic_signal_fence(std::memory_order_seq_cst);
	else
		dear_fence();
}
#endif
void scanner_fence();

// The same between processes. Whether others can have this process make the fence: known from its
// first call on, and not if it had several threads then, or the kernel can't.
bool fence_reaches();
void fence_everywhere(); // in all threads of all processes that it reaches

} // namespace evp::sys
