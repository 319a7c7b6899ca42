#include "sys/thread.hpp"

#include "sys/clock.hpp"
#include "sys/memory.hpp"
#include "sys/process.hpp"
#include "sys/signals.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <new>
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace evp::sys {

namespace {

// States of the wiped page beside a process image's number, which is above both.
enum : uint32_t { UNBORN = 0, STARTING = 1, FIRST_IMAGE = 2 };

using detail::Wiped;
using detail::wiped;

struct Process {
	std::atomic<uint64_t> epoch{FIRST_IMAGE - 1};
	Identity identity;
};

Process process;
std::atomic<Thread*> records{nullptr};
pthread_key_t exit_key;
pthread_once_t exit_once = PTHREAD_ONCE_INIT;

void unborn_child() {
	if (Wiped* page = wiped.load(std::memory_order_relaxed)) page->ready.store(UNBORN);
}

Wiped* make_wiped_page() {
	size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
	void* page = keep(size, size); // the first that is: there is always one
	if (madvise(page, size, MADV_WIPEONFORK) != 0) pthread_atfork(nullptr, nullptr, unborn_child);
	Wiped* expected = nullptr;
	if (wiped.compare_exchange_strong(expected, static_cast<Wiped*>(page))) return static_cast<Wiped*>(page);
	return expected; // two first calls at a time: a page is left over
}

uint64_t random_number() {
	uint64_t number = 0;
	if (syscall(SYS_getrandom, &number, sizeof number, GRND_NONBLOCK) != sizeof number)
		number = static_cast<uint64_t>(getpid()) << 32 ^ reinterpret_cast<uintptr_t>(&number);
	return number | 1;
}

uint64_t mixed(uint64_t word) {
	word = (word ^ word >> 32) * 0xd6e8feb86659fd93;
	word = (word ^ word >> 32) * 0xd6e8feb86659fd93;
	return word ^ word >> 32;
}

// Of the 16 bytes of chance that exec gives an image, which others may not learn, nor half of them: libc's guards.
uint64_t image_nonce(const Identity& process) {
	auto* given = reinterpret_cast<const void*>(getauxval(AT_RANDOM));
	if (!given) return process.chance;
	uint64_t words[2];
	memcpy(words, given, sizeof words);
	uint64_t own = mixed(static_cast<uint64_t>(process.pid) ^ mixed(process.start_time ^ mixed(process.pid_space)));
	return mixed(mixed(words[0] ^ own ^ reinterpret_cast<uintptr_t>(given)) + words[1]) | 1;
}

// The reader's fence is worth the question after as many.
constexpr uint32_t DEAR_FENCES = 4096;
std::atomic<uint32_t> dear_fences{0};

void ask_for_cheap_fence() {
	bool given = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
	cheap_fence.store(given, std::memory_order_seq_cst);
}

std::atomic<bool> reached{false};

void let_fence_reach() {
#if !defined(EVP_TSAN) // which sees no fence, nor what is ordered by one
	reached.store(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0,
	              std::memory_order_relaxed);
#endif
}

void start_process() {
	int32_t pid = process_id();
	uint32_t threads = 0;
	process.identity = {pid, start_time_of(pid, nullptr, &threads), 0, pid_space(), random_number()};
	process.identity.nonce = image_nonce(process.identity);
	cheap_fence.store(false, std::memory_order_relaxed); // a parent's
	reached.store(false, std::memory_order_relaxed);
	if (threads == 1) { // it takes no time then
		ask_for_cheap_fence();
		let_fence_reach();
	}
	process.epoch.fetch_add(1, std::memory_order_relaxed);
}

void ensure_process() {
	Wiped* page = wiped.load(std::memory_order_acquire);
	if (!page) page = make_wiped_page();
	uint32_t state = UNBORN;
	if (page->ready.compare_exchange_strong(state, STARTING, std::memory_order_acquire)) {
		start_process();
		page->ready.store(static_cast<uint32_t>(process.epoch.load()), std::memory_order_release);
		return;
	}
	while (page->ready.load(std::memory_order_acquire) == STARTING) sched_yield();
}

void reset_record(Thread& thread) {
	thread.critical.store(0, std::memory_order_relaxed);
	thread.entering.store(nullptr, std::memory_order_relaxed);
	thread.depth.store(0, std::memory_order_relaxed);
	thread.deferred_count.store(0, std::memory_order_relaxed);
	thread.waits = 0;
	thread.running_deferred = false;
	thread.collecting = nullptr; // else what a successor of it posts would wake nobody
	for (auto& object : thread.in_use) object.store(nullptr, std::memory_order_relaxed);
	for (auto& telling : thread.telling) telling = {};
	for (auto& target : thread.deferred_target) target.store(nullptr, std::memory_order_relaxed);
}

void release_record(void* record) {
	auto* thread = static_cast<Thread*>(record);
	if (thread->waits != 0) on_end_of_waiter.load(std::memory_order_relaxed)(*thread);
	detail::current = nullptr;
	reset_record(*thread); // a thread may end within a call, which keeps what it uses from being freed
	thread->taken.store(false, std::memory_order_release);
}

void make_exit_key() { pthread_key_create(&exit_key, release_record); }

// A record of another image belongs to a thread that fork left behind: anyone's.
bool inherit_record(Thread& thread, uint64_t epoch) {
	uint64_t seen = thread.epoch.load(std::memory_order_relaxed);
	return seen != epoch && thread.epoch.compare_exchange_strong(seen, epoch);
}

Thread* take_record() {
	uint64_t epoch = process.epoch.load(std::memory_order_relaxed);
	for (Thread* t = records.load(std::memory_order_acquire); t; t = t->next) {
		if (inherit_record(*t, epoch) || !t->taken.exchange(true)) {
			t->taken.store(true, std::memory_order_relaxed);
			reset_record(*t);
			return t;
		}
	}
	// Not from the allocator: a signal handler over it may be this thread's first call.
	void* room = keep(sizeof(Thread), alignof(Thread));
	if (!room) return nullptr;
	auto* fresh = new (room) Thread;
	fresh->taken.store(true, std::memory_order_relaxed);
	fresh->epoch.store(epoch, std::memory_order_relaxed);
	fresh->next = records.load(std::memory_order_relaxed);
	while (!records.compare_exchange_weak(fresh->next, fresh, std::memory_order_release)) {}
	return fresh;
}

void find_robust_list(Thread& thread) {
	size_t size = 0;
	robust_list_head* head = nullptr;
	if (syscall(SYS_get_robust_list, 0, &head, &size) != 0 || !head) {
		// musl registers the list with the first robust mutex of a thread.
		pthread_mutexattr_t attr;
		pthread_mutex_t mutex;
		pthread_mutexattr_init(&attr);
		pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
		pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
		pthread_mutex_init(&mutex, &attr);
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
		pthread_mutex_destroy(&mutex);
		if (syscall(SYS_get_robust_list, 0, &head, &size) != 0) head = nullptr;
	}
	// A child by the bare system call, or a thread that libc hasn't made: glibc believes it has registered it.
	static_assert(sizeof(RobustList) == sizeof(robust_list_head));
	if (!head) {
		thread.own_list.pending = nullptr;
		if (syscall(SYS_set_robust_list, &thread.own_list, sizeof thread.own_list) == 0)
			head = reinterpret_cast<robust_list_head*>(&thread.own_list);
	}
	thread.robust_pending =
	    head ? const_cast<const void**>(reinterpret_cast<void**>(&head->list_op_pending)) : nullptr;
	thread.robust_offset = head ? head->futex_offset : 0;
}

} // namespace

namespace detail {

std::atomic<Wiped*> wiped{nullptr};
__thread Thread* current = nullptr;
Thread nobody;

// As if in a handler over a critical section, with calls as deep as they go: each is refused.
static Thread& as_nobody(uint64_t epoch) {
	nobody.critical.store(1, std::memory_order_relaxed);
	nobody.depth.store(Thread::NESTING, std::memory_order_relaxed);
	nobody.epoch.store(epoch, std::memory_order_relaxed);
	return nobody;
}

Thread& start_thread() {
	// A handler over it would wait for ever for what its own thread is at.
	SignalsBlocked quiet;
	ensure_process();
	pthread_once(&exit_once, make_exit_key);
	uint64_t epoch = process.epoch.load(std::memory_order_relaxed);
	// A forked child goes on with the record of the thread that forked.
	Thread* thread = current;
	if (thread && inherit_record(*thread, epoch))
		reset_record(*thread);
	else
		thread = take_record();
	if (!thread) return as_nobody(epoch);
	__atomic_store_n(&thread->tid, static_cast<uint32_t>(syscall(SYS_gettid)), __ATOMIC_RELAXED); // see in_critical()
	thread->image = static_cast<uint32_t>(epoch);
	find_robust_list(*thread);
	current = thread;
	pthread_setspecific(exit_key, thread);
	return *thread;
}

} // namespace detail

const Identity& identity() {
	self();
	return process.identity;
}

Thread* all_threads() { return records.load(std::memory_order_acquire); }

bool in_critical(uint32_t tid) {
	const Thread& me = self();
	uint64_t epoch = me.epoch.load(std::memory_order_relaxed);
	for (Thread* t = all_threads(); t; t = t->next)
		if (t != &me && __atomic_load_n(&t->tid, __ATOMIC_RELAXED) == tid &&
		    t->epoch.load(std::memory_order_relaxed) == epoch && t->critical.load(std::memory_order_acquire) != 0)
			return true;
	return false;
}

bool uses(uint32_t tid, const void* object) {
	uint64_t epoch = self().epoch.load(std::memory_order_relaxed);
	auto here = [object](const std::atomic<const void*>& place) { return place.load(std::memory_order_acquire) == object; };
	for (Thread* t = all_threads(); t; t = t->next)
		if (__atomic_load_n(&t->tid, __ATOMIC_RELAXED) == tid && t->epoch.load(std::memory_order_relaxed) == epoch &&
		    std::ranges::any_of(t->in_use, here))
			return true;
	return false;
}

uint32_t end_left_calls(Thread& thread, const void* frame) {
	uint32_t depth = thread.depth.load(std::memory_order_relaxed);
	stack_t alternate{};
	if (sigaltstack(nullptr, &alternate) != 0 || alternate.ss_flags & SS_ONSTACK) return depth;
	uint32_t left = depth; // the first of those that are over; what stands above it was its own
	for (uint32_t at = depth; at-- != 0;) {
		const void* began = thread.frames[at].load(std::memory_order_relaxed);
		if (!began) continue;
		if (!std::less_equal<>()(began, frame)) break;
		left = at;
	}
	while (depth != left) {
		thread.telling[depth] = {};
		thread.in_use[--depth].store(nullptr, std::memory_order_release);
		thread.depth.store(depth, std::memory_order_relaxed);
	}
	if (depth != 0) return depth;
	thread.running_deferred = false;
	thread.collecting = nullptr;
	if (thread.waits != 0) on_end_of_waiter.load(std::memory_order_relaxed)(thread);
	thread.waits = 0;
	return 0;
}

bool defer(Thread& thread, const DeferredCall& call) {
	// Only handlers of this very thread compete; each takes an index of its own.
	uint32_t index = thread.deferred_count.load(std::memory_order_relaxed);
	do {
		if (index >= Thread::DEFERRED) return false;
	} while (!thread.deferred_count.compare_exchange_weak(index, index + 1));
	thread.deferred[index] = call;
	thread.deferred_target[index].store(call.target, std::memory_order_release);
	return true;
}

void run_deferred(Thread& thread) {
	if (thread.running_deferred) return;
	thread.running_deferred = true;
	uint32_t next = 0;
	for (;;) {
		uint32_t count = thread.deferred_count.load(std::memory_order_acquire);
		while (next < count) {
			DeferredCall call = thread.deferred[next];
			call.run(call);
			thread.deferred_target[next++].store(nullptr, std::memory_order_release);
		}
		// Handlers that came meanwhile have moved the count: go on with theirs.
		if (thread.deferred_count.compare_exchange_strong(count, 0)) break;
	}
	thread.running_deferred = false;
}

std::atomic<void (*)(Thread&)> on_end_of_waiter{nullptr};

std::atomic<bool> cheap_fence{false};
#if defined(EVP_TSAN)
std::atomic<uint32_t> fence_word{0};
#endif

void dear_fence() {
	full_fence();
	if (dear_fences.fetch_add(1, std::memory_order_relaxed) == DEAR_FENCES) ask_for_cheap_fence();
}

bool fence_reaches() { return reached.load(std::memory_order_relaxed); }

void fence_everywhere() {
	full_fence();
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0) return;
	// Refused to this process, by a filter. What a processor has still to write it has written by then.
	sleep_ns(10'000'000);
	full_fence();
}

void scanner_fence() {
	full_fence();
	if (cheap_fence.load(std::memory_order_seq_cst)) syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

} // namespace evp::sys
