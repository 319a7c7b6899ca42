// port_get and port_getn (2.4, 2.5): taking, waiting, leading.

#include "core/port.hpp"
#include "core/registry.hpp"
#include "core/slots.hpp"
#include "core/tags.hpp"
#include "sys/futex.hpp"
#include "sys/signals.hpp"

#include <algorithm>
#include <cerrno>

namespace evp {

using shm::Header;
using shm::Slot;
using shm::SlotState;
using shm::WaiterKind;

// Whether the queue, with `ready` events for this process, satisfies who wants that many. In the
// strict profile what it may not have counts too: it may then get fewer, and with none goes on
// waiting (2.5.13).
inline bool Port::satisfies(uint32_t ready, uint32_t wanted) const {
	return ready >= wanted || (strict_ && region_.header().queued.load() >= wanted);
}

namespace {

// A handler over the sleep forked, and this is the child: the call, and its place among the waiters,
// are the parent's.
constexpr int FORKED = -1;

} // namespace

// Whether a waiter that goes to sleep does so in the inner set. Locked.
bool Port::leads(uint32_t waiter) const {
	uint32_t leader = region_.header().leader.load();
	return leader == waiter || (leader == 0 && region_.header().pollable.load() != 0);
}

// Whether nothing is queued or was said, and something may come from the kernel alone.
inline bool Port::quiet() const {
	Header& header = region_.header();
	uint32_t said = header.queued.load() | header.foreign.load() | header.kicked.load() |
	                static_cast<uint32_t>(header.alert_events.load());
	return said == 0 && header.pollable.load() != 0 && !shared() && !rearm_due() &&
	       insistent_.load(std::memory_order_relaxed) == 0 &&
	       !Source::kernel_works.load(std::memory_order_relaxed);
}

// Sleeps as leader or follower until signalled, ready or late, and posts what
// the kernel reported. Called and left with the lock held, but for FORKED. 0 or an errno.
int Port::sleep(Guard& guard, uint32_t waiter, const Deadline& deadline, Direct* direct, sys::HeldSignals& held) {
	Header& header = region_.header();
	shm::Waiter& record = region_.waiter(waiter);
	if (!leads(waiter)) {
		record.word.store(shm::SLEEPING);
		guard.unlock();
		bool interrupted = held.due();
		held.let_go(); // a futex takes no mask
		int rc = interrupted ? EINTR : sys::futex_wait(record.word.word(), shm::SLEEPING, deadline.at);
		if (guard.of_parent()) [[unlikely]]
			return FORKED;
		guard.lock();
		return rc == EAGAIN ? 0 : rc;
	}
	header.leader.store(waiter);
	header.leader_beat.store(header.leader_beat.load() + 1);
	record.word.store(shm::POLLING);
	guard.unlock();
	sys::Ready ready[COLLECT_MAX];
	int count = ask_kernel(ready, deadline, &held);
	if (guard.of_parent()) [[unlikely]]
		return FORKED;
	uint32_t rearm[COLLECT_MAX];
	guard.lock();
	if (direct && !may_take_directly(waiter)) direct = nullptr;
	Left left = post_ready(ready, count, rearm, direct);
	if (kick_left(waiter)) take_kick(guard);
	if (count < 0) return -count;
	// It is awake: what is posted meanwhile needs no kick, which nobody would take from the
	// inner set and which would keep the port readable.
	if (!direct || direct->taken == 0) record.word.store(record.word.load() & ~shm::POLLING);
	if (left.rearms != 0 || left.called) [[unlikely]] {
		guard.unlock();
		finish_ready(ready, count, rearm, left.rearms, true);
		guard.lock();
	}
	return count == 0 && deadline.passed() ? ETIMEDOUT : 0;
}

// Between two sleeps: from here on no handler runs. Not where this seems to be the last waking, or a
// follower was called to lead, as with every event where several threads wait: two system
// calls would be paid for what one look at the queue is going to end. What it was called for may be gone
// by then, so that is believed no more than twice a call. Locked before and after.
void Port::hold_signals(Guard& guard, uint32_t waiter, uint32_t wanted, sys::HeldSignals& held) {
	constexpr uint32_t CALLED = shm::SIGNAL_TAKE | shm::SIGNAL_LEAD | shm::SIGNAL_ALERT | shm::SIGNAL_CLOSED;
	if (held.holding()) return;
	bool called = (region_.waiter(waiter).word.load() & CALLED) != 0 ||
	              satisfies(slots::deliverable(region_, member_), wanted);
	if (called && held.spare()) return;
	guard.unlock();
	held.hold();
	guard.holds(held);
	guard.lock();
}

// Another process's word is about to be taken: true if it is gone, and what it owned
// with it. Locked before and after.
bool Port::doubtful(Guard& guard, uint32_t member) {
	if (member == member_ || !shared()) return false;
	guard.unlock();
	bool any = bury_dead();
	guard.lock();
	return any;
}

// Few, from a sender that goes on: more of them at once cost both sides less. Not where descriptors
// are waited for: what comes then comes from the kernel mostly.
bool Port::may_gather(sys::Thread& thread, uint32_t ready, uint32_t max) const {
	return region_.header().pollable.load() == 0 && thread.gathering.worthwhile(ready, max);
}

Taken Port::get(int number, Event* out, uint32_t max, uint32_t wanted, const Deadline& deadline,
                bool restart, const Pause* pause, ByteSink* sink) {
	sys::Thread& thread = sys::self();
	// In a handler over our own critical section nothing can be taken or waited for.
	if (thread.critical.load(std::memory_order_relaxed)) [[unlikely]]
		return {EINTR, 0};
	Header& header = region_.header();
	bool drain = deadline.poll || insistent_.load(std::memory_order_relaxed) != 0;
	Others others;
	bool late = false;
	bool buried = false;
	int64_t turn = 0; // when a long wait looks up next, however often it is woken till then
	bool gathers = !deadline.poll && header.pollable.load() == 0 && thread.gathering.eager();
	uint32_t found_first = 1;
	bool in_vain = false;
	uint32_t waiter = 0;
	sys::HeldSignals held;
	Direct found{out, max, 0};
	Direct* direct = wanted == 1 ? &found : nullptr;
	rearm_if_asked();
	if (gathers) thread.gathering.wait();
	Guard guard(*this, thread);
	auto leave = [&](Taken taken) {
		if (waiter != 0 && withdraw(guard, thread, waiter) & shm::SIGNAL_CLOSED) {
			departed();
			if (taken.code == EINTR) taken.code = EBADF; // (2.11.4)
		}
		return taken;
	};
	// The kernel tells COLLECT_MAX at once; what else is ready comes along where there is room for it.
	auto leave_with_found = [&]() __attribute__((always_inline)) -> Taken {
		Taken taken = leave({0, found.taken});
		for (uint32_t had = 0; found.taken - had == COLLECT_MAX && found.taken < max;) {
			had = found.taken;
			collect(guard, direct);
		}
		taken.count = found.taken;
		return taken;
	};
	// What stands before the sleep would find nothing.
	bool straight = !deadline.poll && !pause && quiet() && registry::names(number, this);
	if (straight) {
		waiter = waiters::add(region_, WaiterKind::THREAD, wanted, member_, number, thread.tid);
		straight = waiter != 0;
		thread.waits += straight;
	}
	for (;; straight = false) {
		if (straight) {
			int rc = sleep(guard, waiter, deadline, direct, held);
			if (rc == FORKED) return {EINTR, 0};
			if (found.taken != 0) [[likely]]
				return leave_with_found();
			if (rc == EINTR && !restart) return leave({EINTR, 0});
			late = deadline.passed();
			if (!late && !restart) hold_signals(guard, waiter, wanted, held);
			continue;
		}
		// Of one that was found dead since this call began: nobody may look again while this sleeps.
		if (rearm_due()) [[unlikely]] {
			guard.unlock();
			drain |= rearm_if_asked();
			guard.lock();
		}
		if (waiter != 0) {
			uint32_t bits = waiters::consume(region_, waiter);
			if (bits & shm::SIGNAL_ALERT) {
				shm::Waiter& record = region_.waiter(waiter);
				out[0] = alert_event(record.alert_events.load(), record.alert_user.load());
				count_delivered(SourceKind::ALERT);
				return leave({0, 1});
			}
			if (bits & shm::SIGNAL_CLOSED) {
				withdraw(guard, thread, waiter);
				departed();
				return {EBADF, 0};
			}
		}
		if (int32_t events = header.alert_events.load(); events != 0) {
			if (doubtful(guard, header.alert_member.load())) continue;
			out[0] = alert_event(events, header.alert_user.load());
			count_delivered(SourceKind::ALERT);
			return leave({0, 1});
		}
		if (others.unseen(region_, member_)) [[unlikely]] {
			look_at_others(guard, others);
			continue;
		}
		uint32_t ready = slots::deliverable(region_, member_) + others.count(region_, member_);
		bool enough = satisfies(ready, wanted);
		if ((enough || deadline.poll) && kick_left(waiter)) [[unlikely]]
			take_kick(guard);
		// Whoever must wait anyway asks the kernel by sleeping in it.
		if (called() || ((enough || deadline.poll || drain) && collection_due(drain, ready >= max))) {
			// Again where the kernel told as much as it can at once (4.5).
			drain = collect(guard, waiter == 0 ? direct : nullptr);
			if (found.taken != 0) return leave_with_found();
			continue;
		}
		if (enough && !gathers && waiter == 0 && !deadline.poll && may_gather(thread, ready, max)) {
			gathers = true;
			found_first = ready;
			guard.unlock();
			thread.gathering.wait();
			guard.lock();
			continue;
		}
		if (enough) {
			uint32_t taken = take(out, max, others, sink);
			if (gathers) thread.gathering.learn(found_first, taken, max);
			if (taken != 0) return leave({0, taken});
			if (slots::deliverable(region_, member_) >= wanted) repair(); // scribbled counters
			in_vain = strict_;
		}
		if (deadline.poll) {
			// What is left is others', to be taken or read: of one that is gone perhaps. Or
			// nothing is, because one that is gone had it in hand.
			bool left = header.queued.load() != 0 || header.foreign.load() != 0;
			if (!buried && (left ? shared() : look_due())) {
				buried = true;
				guard.unlock();
				drain = left ? bury_dead() : look_up();
				guard.lock();
				if (drain) continue;
			}
			return leave({0, take(out, max, others, sink)});
		}
		if (late) {
			if (!buried && look_due()) {
				buried = true;
				guard.unlock();
				drain = look_up();
				guard.lock();
				continue; // what it was called for meanwhile comes first
			}
			uint32_t taken = take(out, max, others, sink);
			return leave({ETIME, taken, in_vain && taken == 0});
		}
		if (waiter == 0) {
			// Closed since the call began? Then nobody would wake us (2.11.4).
			if (!registry::names(number, this)) return {EBADF, 0};
			waiter = waiters::add(region_, WaiterKind::THREAD, wanted, member_, number, thread.tid);
			if (waiter == 0) return {ENOMEM, 0};
			thread.waits++;
			// Registered, so that what is posted now rings for nobody.
			if (at_hand()) [[unlikely]] {
				guard.unlock();
				source(SourceKind::AIO)->collect_at_hand(*this);
				guard.lock();
				continue;
			}
			// With a record in the list and awake: a post in this time makes no system call. Not
			// where descriptors are waited for: what comes then comes from the kernel mostly, and
			// threads that look while others serve only take their time.
			if (header.pollable.load() == 0 && thread.spinning.worth_waking()) {
				guard.unlock();
				uint32_t word = sys::spin_until_set(*region_.waiter(waiter).word.word());
				thread.spinning.learn(word != 0);
				gathers = word == shm::SIGNAL_TAKE && thread.gathering.worthwhile(1, max);
				if (gathers) thread.gathering.wait();
				guard.lock();
				continue;
			}
		}
		Deadline until = deadline;
		bool looking = shared() && keeps_lookout(waiter);
		if (pause || looking) {
			if (turn == 0) turn = sys::monotonic_ns() + (pause ? pause->every_ns : WATCH_NS);
			until.at = std::min(until.at, turn);
		}
		int rc = sleep(guard, waiter, until, direct, held);
		if (rc == FORKED) return {EINTR, 0};
		if (found.taken != 0) return leave_with_found();
		if (rc == EINTR && !restart) return leave({EINTR, 0});
		// Whatever woke it: a peer that scribbles may call it again and again, for nothing.
		late = deadline.passed();
		if (!late && !restart) hold_signals(guard, waiter, wanted, held);
		if (!late && (pause || looking) && sys::monotonic_ns() >= turn) {
			turn = 0;
			guard.unlock();
			if (looking) look_up();
			bool end = pause && pause->end(pause->data);
			guard.lock();
			if (end) return leave({EINTR, 0});
		}
	}
}

// What can be had without the kernel is queued, for this thread: with a record of its own among
// the waiters, so that the bell stays low.
void Port::collect_at_hand(Guard& guard, uint32_t tid) {
	if (!at_hand()) [[likely]]
		return;
	constexpr int NUMBER = -1; // of no descriptor that could be closed under it
	uint32_t waiter = waiters::add(region_, WaiterKind::THREAD, 1, member_, NUMBER, tid);
	if (waiter == 0) return;
	guard.unlock();
	source(SourceKind::AIO)->collect_at_hand(*this);
	guard.lock();
	waiters::remove(region_, waiter);
}

Taken Port::try_get(Event* out, uint32_t max, uint32_t wanted, ByteSink* sink, bool ask) {
	sys::Thread& thread = sys::self();
	if (thread.critical.load(std::memory_order_relaxed)) [[unlikely]]
		return {EINTR, 0};
	rearm_if_asked();
	Guard guard(*this, thread);
	collect_at_hand(guard, thread.tid);
	Others others;
	auto missing = [&] {
		return !satisfies(slots::deliverable(region_, member_) + others.count(region_, member_), wanted);
	};
	// Edges of a loop's set are taken already: what the kernel has is left there only
	// when enough came.
	if (kick_left(0)) [[unlikely]]
		take_kick(guard);
	bool more = (ask || !missing()) && collection_due(wanted == 0 || missing(), false) && collect(guard);
	while (more && missing()) more = collect(guard);
	if (others.unseen(region_, member_)) look_at_others(guard, others);
	Header& header = region_.header();
	uint32_t ready = slots::deliverable(region_, member_);
	bool gathers = wanted != 0 && ready >= wanted && header.alert_events.load() == 0 && may_gather(thread, ready, max);
	if (gathers) {
		guard.unlock();
		thread.gathering.wait();
		guard.lock();
	}
	if (header.alert_events.load() != 0) (void)doubtful(guard, header.alert_member.load());
	if (rearm_due()) [[unlikely]] { // as in get(); what it finds rings again
		guard.unlock();
		(void)rearm_if_asked();
		guard.lock();
	}
	if (int32_t events = header.alert_events.load(); events != 0) {
		out[0] = alert_event(events, header.alert_user.load());
		count_delivered(SourceKind::ALERT);
		return {0, 1};
	}
	if (missing()) return {0, 0};
	uint32_t taken = take(out, max, others, sink);
	if (gathers) thread.gathering.learn(ready, taken, max);
	return {0, taken};
}

void Port::count_delivered(SourceKind kind) {
	auto& counter = region_.header().delivered[static_cast<int>(kind)];
	counter.store(counter.load() + 1);
}

// --- The end of a wait that does not return: its thread ends, or its number is closed.

void Port::end_waits(sys::Thread& thread) {
	// The handler came over the critical section: the kernel tells the next who locks.
	if (thread.critical.load(std::memory_order_relaxed)) return;
	{
		Guard guard(*this, thread);
		auto own = [&] {
			uint32_t found = 0;
			waiters::each(region_, [&](uint32_t at, const shm::Waiter& record) {
				if (record.kind.load() == WaiterKind::THREAD && record.member.load() == member_ &&
				    record.tid.load() == thread.tid)
					found = at;
			});
			return found;
		};
		while (uint32_t waiter = own()) withdraw(guard, thread, waiter);
	}
	departed();
}

void Port::departed() {
	departures_.fetch_add(1, std::memory_order_release);
	sys::futex_wake(&departures_, INT32_MAX);
}

void Port::wake_number(int number) {
	sys::futex_wake(region_.header().used.word(), INT32_MAX); // who waits for a slot
	for (;;) {
		uint32_t seen = departures_.load(std::memory_order_acquire);
		uint32_t waiting = 0;
		{
			Guard guard(*this);
			uint32_t at = region_.header().waiter_first.load();
			for (uint32_t steps = 0; at != 0 && steps < shm::MAX_WAITERS; steps++) {
				shm::Waiter& record = region_.waiter(at);
				if (record.number.load() == number && record.member.load() == member_ &&
				    record.kind.load() == WaiterKind::THREAD) {
					waiting++;
					waiters::Wakes one;
					waiters::signal(region_, at, shm::SIGNAL_CLOSED, one);
					guard.wakes().asked |= one.asked;
					if (one.count != 0) sys::futex_wake(record.word.word(), 1);
				}
				at = record.next.load();
			}
		}
		if (waiting == 0) return;
		sys::futex_wait(&departures_, seen, sys::monotonic_ns() + 1'000'000'000);
	}
}

} // namespace evp
