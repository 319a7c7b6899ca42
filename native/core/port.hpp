// A port as this process sees it: the region, the kernel's sets, the sources.
//
// Threads: every member function may be called by any thread; a caller holds a
// PortRef (registry.hpp) so that the object outlives the call.
// Processes: the region and the descriptors are shared after fork; the object
// is private. A child becomes a member of its own on first use (enter()).
// Signal handlers: send() and alert() are deferred while their own thread is
// inside the critical section (hazard 18); other calls answer EINTR or EAGAIN.
//
// Descriptors: number -- the outer set, what the program knows; it holds
//   inner -- user descriptors (one-shot), private sources, kick (edge); where the
//            leader sleeps,
//   bell  -- level: the queue holds something that no waiter was handed.
#pragma once
#include "core/others.hpp"
#include "core/registering.hpp"
#include "core/source.hpp"
#include "core/types.hpp"
#include "core/waiters.hpp"
#include "shm/region.hpp"
#include "sys/epoll.hpp"
#include "sys/thread.hpp"

#include <atomic>
#include <cerrno>
#include <memory>

namespace evp {

struct PortOptions {
	uint32_t limit = 0;   // 0: PORT_MAX_EVENTS of the environment, or 65536
	bool cloexec = false;
};

// What a port consists of beside its number, in the hands of who makes it arrive.
struct PortParts {
	sys::UniqueFd inner, bell, kick, region;
};

// How they came: under the numbers that the outer set knows them by (exec), or not.
enum class Arrival { ORIGINALS, COPIES };

class Port final : public sys::FreedLater, private shm::Liveness {
public:
	static constexpr int COLLECT_MAX = 256;      // descriptors taken from the kernel at once
	static constexpr int64_t WATCH_NS = 250'000'000; // how often a shared port is looked after
	static constexpr uint32_t FAIR_EVENTS = 255; // deliveries between two collections (design rule 5)

	// EMFILE ENOMEM EINVAL (limit); the count of ports is the registry's matter.
	static Result<std::unique_ptr<Port>> make(const PortOptions& options);
	// A port that another process made, or this one before exec; the parts are taken on
	// success only. EBADMSG: they are none; EPROTO: of another version; ENOMEM EAGAIN.
	static Result<std::unique_ptr<Port>> from_parts(int number, PortParts& parts, Arrival how);
	~Port();

	// --- The calls of the contract. The lock is not held.
	Result<void> associate(SourceKind kind, uint64_t object, int32_t events, uint64_t user,
	                       const sys::Thread& thread = sys::self()) {
		Source* handler = source(kind);
		if (!handler) return Error{EINVAL};
		if (thread.critical.load(std::memory_order_relaxed)) return Error{EAGAIN};
		return handler->associate(*this, object, events, user);
	}
	Result<void> dissociate(SourceKind kind, uint64_t object);
	uint32_t associate_list(SourceKind kind, Association* list, uint32_t count);
	Result<void> send(int32_t events, uint64_t user);
	// A message with bytes of its own (our extension), at most shm::BLOCK_BYTES. EAGAIN also
	// while shm::MAX_BLOCKS of them are queued, and in signal handlers.
	Result<void> post(const void* bytes, uint32_t length, int32_t events, uint64_t user);
	Result<void> alert(int flags, int32_t events, uint64_t user);
	Taken get(const Wanted& wanted);
	// Takes up to max, but only when `wanted` are there or alert mode is on. At once with 0; else it may
	// let more gather for some microseconds (docs/decisions/009). `ask`: the kernel, if they are not.
	Taken try_get(Event* out, uint32_t max, uint32_t wanted, ByteSink* sink = nullptr, bool ask = true);
	uint32_t count(); // queued events, raw (2.5.3)
	PortInfo info();
	bool strict() const { return strict_; }

	// --- Event loops (the addon). `loop_set` is a descriptor to be polled by one
	// loop: readable when the loop should call loop_woken() and retrieve.
	Result<int> loop_set();            // owned by the caller: sys::close_raw
	void loop_woken(int set);          // takes the edges
	void loop_again(int set);          // gives new ones if something is still ready
	Result<uint32_t> loop_wait(uint32_t wanted, int number); // registers; a waiter's index
	// What it was woken for; the record is gone afterwards when `leave`.
	struct LoopState {
		bool alerted;
		Event alert;
	};
	LoopState loop_state(uint32_t waiter, bool leave);
	// About to sleep: looks for a while whether it is called; `pause` may end the look. Not where
	// descriptors are waited for. CALLED: nobody rings for it until it has left, or rests:
	// loop_rest() tells what it was called for.
	enum class Look { NONE, IN_VAIN, CALLED };
	Look loop_look(uint32_t waiter, int64_t longest_ns, const Pause& pause);
	LoopState loop_rest(uint32_t waiter);

	// --- Other processes (core/watch.cpp). While the port is shared the leader and one waiter
	// of each process call look_up() every WATCH_NS; whoever waits when that begins is woken once.
	// Calls that never wait that long do the same. True: there may be news.
	bool look_up();
	// A number of this process is another file now: what it may have of others' descriptors'
	// events is found out anew. Not locked.
	void look_again();
	static bool left_any() { return left_.load(std::memory_order_relaxed); }
	bool shared() const { // whether others may have to be looked after
		return region_.header().member_count.load() > (member_ != 0 ? 1u : 0u);
	}
	// Processes that hold the port, this one first: pids, 0 for those of another pid
	// namespace. At most `max`; how many were written.
	uint32_t members(int32_t* pids, uint32_t max);
	// Whether a member is gone; what it left behind is then ended. Not locked.
	bool buried(uint32_t member) { return member_dead(member) && (bury_dead(), true); }
	// Whose an association is, as far as its identity can mean another's (11.2).
	enum class Holder { NOBODY, THIS, OTHER };
	Holder holder(SourceKind kind, uint64_t object);

	// --- For sources.
	class Guard;
	shm::Region& region() { return region_; }
	uint32_t member() const { return member_; }
	int inner() const { return inner_.get(); }
	uint32_t next_arm() { // never 0; locked
		uint32_t arm = region_.header().arm_counter.load() + 1;
		arm += arm == 0;
		region_.header().arm_counter.store(arm);
		return arm;
	}
	// Registers a private descriptor in the inner set, one-shot (hazard 2).
	Result<void> watch_private(SourceKind kind, int fd);
	void watch_again(SourceKind kind, int fd);
	void watch_paused(SourceKind kind, int fd); // until the next watch_again()
	void set_source(SourceKind kind, std::unique_ptr<Source> source);
	void sources_set();
	Source* source(SourceKind kind) { return sources_[static_cast<int>(kind)].get(); }
	// Has the source's collect() called at every collection, and at the start of every
	// get: something else may take its descriptor's readiness without telling.
	void insist(SourceKind kind, bool on);
	// Changes the number of things armed in the inner set. Locked.
	void pollable_add(int amount) {
		shm::Cell<uint32_t>& pollable = region_.header().pollable;
		int64_t now = static_cast<int64_t>(pollable.load()) + amount;
		pollable.store(now < 0 ? 0 : static_cast<uint32_t>(now)); // a scribbled counter stops at 0
	}
	// The same for private descriptors: the count goes with this process.
	void private_add(int amount);
	// Has Source::after() called when the lock is released. Locked.
	void call_after(SourceKind kind);
	// The port is full: slots of what is gone unseen are given up. Not locked.
	bool reclaim();
	// Takes once more what found no room, if that gives some. Not locked.
	template <class Take>
	auto with_room(Take take) {
		auto taken = take();
		return taken.error() == EAGAIN && reclaim() ? take() : taken;
	}
	// An associated descriptor is ready: its event is queued. Locked.
	void post_fd(uint32_t slot, uint32_t events);
	// Whether a number of this process is what a registration of the inner set that
	// another process made is about; its pid, or 0. Not locked.
	bool same_descriptor(int fd, int32_t pid);
	Registering& registering() { return registering_; }
	int32_t pid_here(uint32_t member); // 0: it lives in another pid namespace
	// Asks the kernel, now; posts what it reports. The lock is not held.
	void collect_now();
	// The same if something was armed since it was last asked: what was ready when it was
	// associated comes before what is posted next (4.5, 3.1).
	void collect_armed() {
		if (region_.header().uncollected.load() != 0 && region_.header().pollable.load() != 0)
			collect_now();
	}

	// `outer`, in its slot, watches this port. False: too many do. Told at once if
	// something is queued.
	bool add_watcher(Port& outer, uint32_t slot);
	void tell_now() {
		if (region_.header().queued.load() != 0) tell_watchers(true);
	}

	// --- For the registry.
	int outer() const { return outer_.get(); }
	int give_number() { return outer_.release(); } // from now on the program's
	bool same_port(int fd) const;  // fd is a descriptor of this port (a dup)
	// Takes a number off the port; true: other descriptors may hold it, here or elsewhere.
	bool outlives(int number) const {
		return !same_port(number) || sys::epoll_outlives(number, kick_.get());
	}
	bool same_region(int fd) const; // fd is its region, or a copy of that descriptor
	void held_again();              // a copy of the region's descriptor was closed
	void keep_over_exec(bool on);   // whether a new image can recover it from its number
	void internals(int fds[4]) const;
	bool internal(int fd) const;   // fd is one of them
	// Whether they are its own yet: a raw close_range takes all there are, and their numbers are
	// anybody's then. Asked where it ends, of those that can be told apart.
	bool whole() const;
	void lose_internals();
	// Those that `newer` has now were closed behind our back: they are not this port's to close.
	void lose_to(const Port& newer);
	bool is_member(const sys::Thread& thread = sys::self()) const {
		return epoch_.load(std::memory_order_acquire) == thread.epoch.load(std::memory_order_relaxed);
	}
	void disown();                 // ends what this process owns (2.11.1)
	bool held_up();                // not all of it now: Source::held_up()
	void end_waits(sys::Thread& thread); // it ends, by pthread_exit in a handler over them
	void wake_number(int number);  // waiters on a closed number get EBADF, and are gone
	void fd_closing(int fd);       // a descriptor of this process is about to close (4.13)
	int enter(const sys::Thread& thread) { // first thing in every call
		return is_member(thread) ? 0 : become_member(); // or why it can't be one
	}

	std::atomic<uint32_t> references{0}; // numbers and handles; the registry's
	Port* next_kept = nullptr;           // the registry's as well

private:
	friend class Guard;
	class Get;
	Port() = default;

	int link();
	int leave_proof(int set);
	bool rings_in(int set, int bell);
	void make_level(int bell, bool high, uint32_t made);
	void known_internals(bool on);
	bool member_dead(uint32_t index);
	bool holder_gone(uint32_t member, uint32_t tid, bool marked) override;
	bool may_hold(uint32_t tid) override;
	int32_t threads_pid(uint32_t index, int32_t holder);
	bool member_may_hold(uint32_t index, uint32_t tid);
	void sleeps(bool on) override;
	int become_member();
	int enter_once(uint64_t now);
	void hold_door(bool on);
	int join();
	int take_record();
	void leave();
	bool resume();                       // locked
	bool of_another_copy() const;
	template <class Which>
	void release_owned(uint32_t member, Which which); // locked
	void repair();                       // locked
	void entered(sys::Thread& thread, bool inherited); // locked
	bool bury_dead();
	bool bury_at_times();
	bool look_due() const;
	bool keeps_lookout(uint32_t waiter);                 // locked
	uint32_t withdraw(Guard& guard, sys::Thread& thread, uint32_t waiter); // locked
	void call_the_silent(int64_t now);
	bool rearm_due() const { return region_.header().rearm.load() != rearmed_.load(std::memory_order_relaxed); }
	bool rearm_if_asked() { return rearm_due() && rearm(); }
	bool rearm();
	// For calls that wait for nothing: buries the dead, and takes up what they had in hand.
	void tidy_after_dead() {
		if (bury_dead()) (void)rearm_if_asked();
	}
	bool doubtful(Guard& guard, uint32_t member);
	void revive_waiter(uint32_t index);  // locked
	void fire(const waiters::Wakes& wakes);
	void not_asleep(uint32_t waiter);
	void kick();
	void unkick();
	void take_kick(Guard& guard);          // locked
	void run_after();
	Result<void> set_alert(int flags, int32_t events, uint64_t user);
	// What post() adds to a message.
	struct Bytes {
		const void* data;
		uint32_t length;
	};
	Result<void> send_message(sys::Thread& thread, int32_t events, uint64_t user, const Bytes* bytes);
	Result<void> post_user(int32_t events, uint64_t user, const Bytes* bytes); // locked
	Result<void> send_in_handler(sys::Thread& thread, int32_t events, uint64_t user);
	static void run_deferred_call(const sys::DeferredCall& call);

	bool called() const;
	bool collection_due(bool drain, bool full) const;
	// Whether the inner set may hold what is ready for nobody: a private descriptor, or one whose
	// association went unseen by the kernel, with its owner or by a close. It would keep the port
	// readable; a call that does not wait makes an end of that.
	bool ready_in_vain() const {
		return private_.load(std::memory_order_relaxed) || region_.header().fd_used.load() != 0;
	}
	// Whether a kick lies in the inner set, or soon will, that its leader, awake already, did not
	// come for: it would keep the port readable. Locked.
	bool kick_left(uint32_t waiter) const {
		shm::Header& header = region_.header();
		if (header.kicked.load() == 0) [[likely]]
			return false;
		uint32_t leader = header.leader.load();
		return leader == 0 || leader == waiter;
	}
	bool at_hand() {
		return Source::kernel_works.load(std::memory_order_relaxed) && source(SourceKind::AIO)->at_hand();
	}
	void collect_at_hand(Guard& guard, uint32_t tid);
	void note_fired(uint32_t member, int kind); // locked
	uint32_t take_fired(uint32_t member);       // locked
	// Where the events of descriptors go that need not be queued: a getter that is next in order
	// has found them itself, and the queue is empty.
	struct Direct {
		Event* out;
		uint32_t room;
		uint32_t taken;
	};
	// Whether a waiter that wants one event may be given what it finds: no event is queued before
	// it, nobody stands before it (3.10), nothing else was said to it meanwhile (3.15). 0: a getter
	// that doesn't wait, and asks for nobody but itself. Locked.
	bool may_take_directly(uint32_t waiter) const {
		shm::Header& header = region_.header();
		if ((header.queued.load() | static_cast<uint32_t>(header.alert_events.load())) != 0) return false;
		return waiter == 0 || (header.waiter_first.load() == waiter &&
		                       region_.waiter(waiter).word.load() == shm::POLLING);
	}
	int ask_kernel(sys::Ready* ready, const Deadline& deadline, sys::HeldSignals* held);
	// What post_ready() leaves to finish_ready().
	struct Left {
		uint32_t rearms; // listed
		bool kick;       // among what is ready
		bool called;     // private descriptors, too
	};
	Left post_ready(const sys::Ready* ready, int count, uint32_t* rearm, Direct* direct); // locked
	bool collect(Guard& guard, Direct* direct = nullptr); // locked before and after
	struct Watcher;
	void tell_watchers(bool associated);
	bool tell(Watcher& watcher, bool ready);
	bool told_by(Port& inner, uint32_t slot, bool ready);
	void unload(uint32_t slot);
	void finish_ready(const sys::Ready* ready, int count, const uint32_t* rearm, uint32_t rearms,
	                  bool leading);
	// Whether the queue, with `ready` events for this process, satisfies who wants that many. In the
	// strict profile what it may not have counts too: it may then get fewer, and with none goes on
	// waiting (2.5.13). Locked.
	bool satisfies(uint32_t ready, uint32_t wanted) const {
		return ready >= wanted || (strict_ && region_.header().queued.load() >= wanted);
	}
	bool may_gather(sys::Thread& thread, uint32_t ready, uint32_t max) const; // locked
	uint32_t take_messages(Event* out, uint32_t max);                        // locked
	uint32_t take(Event* out, uint32_t max, Others& others, ByteSink* sink, uint32_t had = 0); // locked
	void look_at_others(Guard& guard, Others& others);
	bool leads(uint32_t waiter) const;               // locked
	LoopState told(uint32_t waiter); // locked
	void count_delivered(SourceKind kind);           // locked
	void departed();

	shm::Region region_;
	sys::UniqueFd outer_, inner_, bell_, kick_;
	sys::UniqueFd proof_; // or none
	uint32_t member_ = 0;
	std::atomic<uint32_t> at_door_{0}; // a thread that is (Region::hold_door)
	// The thread that the lock favours, if it is one of this process (shm/lock.hpp).
	std::atomic<const sys::Thread*> favourite_{nullptr};
	std::atomic<uint64_t> epoch_{0}; // process image this object was last used in
	bool strict_ = false;
	bool originals_ = true;            // the outer set knows our descriptors by their numbers
	bool resumed_ = false; // it was this process's before exec
	std::atomic<bool> private_{false}; // a descriptor was registered by watch_private()
	std::atomic<uint32_t> insistent_{0}; // sources, by bit
	std::unique_ptr<Source> sources_[SOURCE_KINDS];
	std::atomic<uint32_t> after_{0}; // sources to be called, by bit
	struct Watcher {
		std::atomic<const std::atomic<Port*>*> port{nullptr};
		std::atomic<uint32_t> slot{0};
	};
	Watcher watchers_[32];             // ports of this process that watch this one
	std::atomic<bool> watched_{false};
	Registering registering_;
	std::atomic<uint32_t> departures_{0}; // bumped when a waiter leaves a closed number

	// Something of another process that should not last: since when it is as it is.
	class Unchanged {
	public:
		bool for_long(uint32_t who, uint32_t count, int64_t now, int64_t most);

	private:
		uint32_t who_ = 0, count_ = 0;
		int64_t since_ = 0;
	};
	Unchanged leader_, handed_, bell_late_; // locked
	std::atomic<int64_t> next_look_{0};
	struct Lookout {
		uint32_t waiter = 0, tid = 0;
	};
	Lookout lookout_; // of this process; locked
	static std::atomic<bool> left_; // events were left to others, by a look at their descriptors
	std::atomic<uint32_t> rearmed_{0};      // Header::rearm as of the last time
};

// The critical section of a port. Leaving it settles waiters and doorbell, then
// makes the system calls that asks for, then runs what signal handlers deferred.
class Port::Guard {
public:
	explicit Guard(Port& port, sys::Thread& thread = sys::self())
	    : port_(port), thread_(thread), image_(thread.image) {
		lock();
	}
	Guard(const Guard&) = delete;
	~Guard() {
		if (held_) unlock();
	}
	void lock() {
		held_ = true;
		shm::LockWords& words = port_.region_.header().lock;
		// A handler over this call may have forked, and this be the child: the favour is its parent's.
		if (port_.favourite_.load(std::memory_order_relaxed) == &thread_ && !of_parent() &&
		    shm::lock_favoured(words, thread_, port_.member_))
			return;
		bool inherited = shm::lock(words, thread_, port_.member_, port_, signals_);
		if (inherited || words.favoured.load() != shm::FOR_ALL) [[unlikely]]
			port_.entered(thread_, inherited);
	}
	void unlock() {
		held_ = false;
		if (wakes_.any() || waiters::unsettled(port_.region_) ||
		    port_.watched_.load(std::memory_order_relaxed)) [[unlikely]] {
			unlock_settling(port_, thread_, wakes_);
			wakes_ = waiters::Wakes();
			return;
		}
		shm::unlock(port_.region_.header().lock, thread_);
		if ((port_.after_.load(std::memory_order_relaxed) |
		     thread_.deferred_count.load(std::memory_order_relaxed)) != 0) [[unlikely]]
			after_unlock(port_, thread_);
	}
	waiters::Wakes& wakes() { return wakes_; }
	void holds(sys::HeldSignals& signals) { signals_ = &signals; }
	// Whether it was made before the fork of which this process is the child, which may have taken
	// over the thread's record since.
	bool of_parent() const { return !sys::is_current(image_); }

private:
	// Their arguments are values: of a guard that nobody points to, nothing lies in memory.
	static void unlock_settling(Port& port, sys::Thread& thread, waiters::Wakes wakes);
	static void after_unlock(Port& port, sys::Thread& thread);
	Port& port_;
	sys::Thread& thread_;
	const uint32_t image_;
	waiters::Wakes wakes_;
	sys::HeldSignals* signals_ = nullptr; // of the call
	bool held_ = false;
};

} // namespace evp
