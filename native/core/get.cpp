// One call of port_get or port_getn (2.4, 2.5): it takes what there is, or waits, as leader or as
// follower, and looks again.

#include "core/port.hpp"
#include "core/registry.hpp"
#include "core/slots.hpp"
#include "sys/futex.hpp"
#include "sys/signals.hpp"

#include <algorithm>
#include <cerrno>

namespace evp {

using shm::Header;
using shm::WaiterKind;

// All steps: the lock is held before and after.
class Port::Get {
public:
	Get(Port& port, sys::Thread& thread, const Wanted& wanted)
	    : port_(port), region_(port.region_), header_(region_.header()), thread_(thread), of_(wanted),
	      drain_(of_.deadline.poll || port.insistent_.load(std::memory_order_relaxed) != 0),
	      gathers_(may_gather_first(port, thread, wanted)), found_{wanted.out, wanted.max, 0},
	      direct_(wanted.least == 1 ? &found_ : nullptr), guard_(port, thread) {}

	Taken run() {
		// What stands before the sleep would find nothing.
		Step step = goes_straight() ? sleep(of_.deadline) : Step::AGAIN;
		while (step != Step::DONE) step = look();
		return result_;
	}

private:
	enum class Step { ON, AGAIN, DONE };
	// A handler over the sleep forked, and this is the child: the call, and its place among the
	// waiters, are the parent's.
	static constexpr int FORKED = -1;
	// What a waiter that is awake comes for; it leads once it sleeps.
	static constexpr uint32_t COME = ~static_cast<uint32_t>(shm::SIGNAL_LEAD);
	// Events delivered between two collections, where a waiter that is awake has them.
	static constexpr uint32_t UNASKED_MOST = 16;

	// A waiter that mostly found enough the last time looks a little later.
	static bool may_gather_first(Port& port, sys::Thread& thread, const Wanted& wanted) {
		bool gathers = !wanted.deadline.poll && port.region_.header().pollable.load() == 0 && thread.gathering.eager();
		if (gathers) thread.gathering.wait();
		return gathers;
	}

	// --- The end of the call.

	Step done(Taken taken) {
		result_ = taken;
		return Step::DONE;
	}
	Step leave(Taken taken) {
		if (waiter_ != 0 && port_.withdraw(guard_, thread_, waiter_) & shm::SIGNAL_CLOSED) {
			port_.departed();
			if (taken.code == EINTR) taken.code = EBADF; // (2.11.4)
		}
		return done(taken);
	}
	// The kernel tells COLLECT_MAX at once; what else is ready comes along where there is room for it.
	[[gnu::always_inline]] Step leave_with_found() {
		leave({0, found_.taken});
		for (uint32_t had = 0; found_.taken - had == COLLECT_MAX && found_.taken < of_.max;) {
			had = found_.taken;
			port_.collect(guard_, direct_);
		}
		// So does what the same look at the kernel queued: of timers, and of others' descriptors.
		if (found_.taken < of_.max && header_.queued.load() != 0) [[unlikely]] {
			if (others_.unseen(region_, port_.member_)) port_.look_at_others(guard_, others_);
			found_.taken = port_.take(of_.out, of_.max, others_, of_.sink, found_.taken);
		}
		result_.count = found_.taken;
		return Step::DONE;
	}
	Step leave_with_alert(int32_t events, uint64_t user) {
		of_.out[0] = alert_event(events, user);
		port_.count_delivered(SourceKind::ALERT);
		return leave({0, 1});
	}

	// --- Looking.

	Step look() {
		rearm();
		Step step = told();
		if (step == Step::ON) step = alerted();
		if (step == Step::ON) step = collect();
		if (step == Step::ON) step = take();
		if (step != Step::ON) return step;
		if (of_.deadline.poll) return end_at_once();
		if (late_) return end_late();
		if (waiter_ == 0) step = wait();
		return step == Step::ON ? sleep_and_look_up() : step;
	}

	// Of one that was found dead since this call began: nobody may look again while this sleeps.
	void rearm() {
		if (!port_.rearm_due()) [[likely]]
			return;
		guard_.unlock();
		drain_ |= port_.rearm_if_asked();
		guard_.lock();
	}

	// What was said to it as a waiter.
	Step told() {
		if (waiter_ == 0) return Step::ON;
		uint32_t bits = waiters::consume(region_, waiter_);
		called_ = bits & shm::SIGNAL_TAKE;
		if (bits & shm::SIGNAL_ALERT) {
			shm::Waiter& record = region_.waiter(waiter_);
			return leave_with_alert(record.alert_events.load(), record.alert_user.load());
		}
		if (bits & shm::SIGNAL_CLOSED) {
			port_.withdraw(guard_, thread_, waiter_);
			port_.departed();
			return done({EBADF, 0});
		}
		return Step::ON;
	}

	Step alerted() {
		int32_t events = header_.alert_events.load();
		if (events == 0) return Step::ON;
		if (port_.doubtful(guard_, header_.alert_member.load())) return Step::AGAIN;
		return leave_with_alert(events, header_.alert_user.load());
	}

	// Strict, a larger want may stand before it, which starves it however it was woken (3.12).
	bool in_turn() const {
		return !port_.strict_ || waiter_ == 0 || called_ || header_.waiter_first.load() == waiter_;
	}

	// What other processes posted, and what the kernel has.
	Step collect() {
		if (others_.unseen(region_, port_.member_)) [[unlikely]] {
			port_.look_at_others(guard_, others_);
			return Step::AGAIN;
		}
		ready_ = slots::deliverable(region_, port_.member_) + others_.count(region_, port_.member_);
		enough_ = port_.satisfies(ready_, of_.least) && in_turn();
		bool ends = enough_ || of_.deadline.poll;
		if (ends && port_.kick_left(waiter_)) [[unlikely]]
			port_.take_kick(guard_);
		// Whoever must wait anyway asks the kernel by sleeping in it.
		if (!port_.called() && !((ends || drain_) && port_.collection_due(drain_, ready_ >= of_.max))) return Step::ON;
		// Again where the kernel told as much as it can at once (4.5).
		drain_ = port_.collect(guard_, waiter_ == 0 ? direct_ : nullptr);
		return found_.taken != 0 ? leave_with_found() : Step::AGAIN;
	}

	Step take() {
		if (!enough_) return Step::ON;
		if (!gathers_ && waiter_ == 0 && !of_.deadline.poll && port_.may_gather(thread_, ready_, of_.max)) {
			gathers_ = true;
			found_first_ = ready_;
			guard_.unlock();
			thread_.gathering.wait();
			guard_.lock();
			return Step::AGAIN;
		}
		uint32_t taken = port_.take(of_.out, of_.max, others_, of_.sink);
		if (gathers_) thread_.gathering.learn(found_first_, taken, of_.max);
		thread_.hears = taken != 0 && of_.out[0].source == static_cast<uint16_t>(SourceKind::USER);
		if (taken != 0) return leave({0, taken});
		if (slots::deliverable(region_, port_.member_) >= of_.least) port_.repair(); // scribbled counters
		in_vain_ = port_.strict_;
		return Step::ON;
	}

	// What is left is others', to be taken or read: of one that is gone perhaps. Or nothing is, because
	// one that is gone had it in hand.
	Step end_at_once() {
		bool left = header_.queued.load() != 0 || header_.foreign.load() != 0;
		if (!buried_ && (left ? port_.shared() : port_.look_due())) {
			buried_ = true;
			guard_.unlock();
			drain_ = left ? port_.bury_dead() : port_.look_up();
			guard_.lock();
			if (drain_) return Step::AGAIN;
		}
		return leave({0, port_.take(of_.out, of_.max, others_, of_.sink)});
	}

	Step end_late() {
		if (!buried_ && port_.look_due()) {
			buried_ = true;
			guard_.unlock();
			drain_ = port_.look_up();
			guard_.lock();
			return Step::AGAIN; // what it was called for meanwhile comes first
		}
		uint32_t taken = port_.take(of_.out, of_.max, others_, of_.sink);
		return leave({ETIME, taken, in_vain_ && taken == 0});
	}

	// --- Waiting.

	// Whether nothing is queued or was said, and something may come from the kernel alone.
	bool quiet() const {
		uint32_t said = header_.queued.load() | header_.foreign.load() | header_.kicked.load() |
		                static_cast<uint32_t>(header_.alert_events.load());
		return said == 0 && header_.pollable.load() != 0 && !port_.shared() && !port_.rearm_due() &&
		       port_.insistent_.load(std::memory_order_relaxed) == 0 &&
		       !Source::kernel_works.load(std::memory_order_relaxed);
	}

	// Also on a port that waits for descriptors: its last sleep was ended by a message.
	bool expects_message() const { return thread_.yielding.woken_by_thread() && thread_.hears; }

	bool goes_straight() {
		return !of_.deadline.poll && !of_.pause && !expects_message() && quiet() &&
		       registry::names(of_.number, &port_) && add_waiter();
	}

	bool add_waiter() {
		waiter_ = waiters::add(region_, WaiterKind::THREAD, of_.least, port_.member_, of_.number, thread_.tid);
		thread_.waits += waiter_ != 0;
		return waiter_ != 0;
	}

	// Joins the waiters; what has come by then may spare it the sleep.
	Step wait() {
		// Closed since the call began? Then nobody would wake us (2.11.4).
		if (!registry::names(of_.number, &port_)) return done({EBADF, 0});
		if (!add_waiter()) return done({ENOMEM, 0});
		// Registered, so that what is posted now rings for nobody.
		if (port_.at_hand()) [[unlikely]] {
			guard_.unlock();
			port_.source(SourceKind::AIO)->collect_at_hand(port_);
			guard_.lock();
			return Step::AGAIN;
		}
		// With a record in the list and awake: a post in this time makes no system call.
		// Not where descriptors are waited for: what comes then comes from the kernel mostly, and
		// threads that look while others serve only take their time.
		if (header_.pollable.load() != 0) {
			if (!expects_message()) return Step::ON;
			// A sleep would have asked the kernel before each message, and nobody else does.
			if (header_.leader.load() == 0 && header_.since_collect.load() >= UNASKED_MOST) drain_ = port_.collect(guard_);
			if (header_.queued.load() != 0) return Step::AGAIN;
		}
		if (thread_.yielding.worthwhile()) return yield();
		if (!thread_.spinning.worth_waking()) return Step::ON;
		guard_.unlock();
		uint32_t word = sys::spin_until_set(*region_.waiter(waiter_).word.word(), COME);
		thread_.spinning.learn(word != 0);
		gathers_ = word == shm::SIGNAL_TAKE && thread_.gathering.worthwhile(1, of_.max);
		if (gathers_) thread_.gathering.wait();
		guard_.lock();
		return Step::AGAIN;
	}

	Step yield() {
		guard_.unlock();
		thread_.yielding.let_others_run(*region_.waiter(waiter_).word.word(), COME);
		guard_.lock();
		return Step::AGAIN;
	}

	Step sleep_and_look_up() {
		Deadline until = of_.deadline;
		bool looking = port_.shared() && port_.keeps_lookout(waiter_);
		if (of_.pause || looking) {
			if (turn_ == 0) turn_ = sys::monotonic_ns() + (of_.pause ? of_.pause->every_ns : WATCH_NS);
			until.at = std::min(until.at, turn_);
		}
		// Whatever woke it: a peer that scribbles may call it again and again, for nothing.
		if (sleep(until) == Step::DONE) return Step::DONE;
		if (late_ || !(of_.pause || looking) || sys::monotonic_ns() < turn_) return Step::AGAIN;
		turn_ = 0;
		guard_.unlock();
		if (looking) port_.look_up();
		bool end = of_.pause && of_.pause->end(of_.pause->data);
		guard_.lock();
		return end ? leave({EINTR, 0}) : Step::AGAIN;
	}

	[[gnu::always_inline]] Step sleep(const Deadline& until) {
		int rc = port_.leads(waiter_) ? sleep_in_kernel(until) : sleep_on_word(until);
		if (rc == FORKED) return done({EINTR, 0});
		if (found_.taken != 0) [[likely]]
			return leave_with_found();
		if (rc == EINTR && !of_.restart) return leave({EINTR, 0});
		late_ = of_.deadline.passed();
		if (!late_ && !of_.restart) hold_signals();
		return Step::AGAIN;
	}

	// A follower. 0, an errno or, without the lock, FORKED.
	int sleep_on_word(const Deadline& until) {
		shm::Waiter& record = region_.waiter(waiter_);
		record.waker.store(0);
		record.word.store(shm::SLEEPING);
		guard_.unlock();
		bool interrupted = held_.due();
		held_.let_go(); // a futex takes no mask
		int rc = interrupted ? EINTR : sys::futex_wait(record.word.word(), shm::SLEEPING, until.at);
		if (guard_.of_parent()) [[unlikely]]
			return FORKED;
		guard_.lock();
		thread_.yielding.woken_from(record.waker.load());
		return rc == EAGAIN ? 0 : rc;
	}

	// The leader, which posts what the kernel reported. The same.
	int sleep_in_kernel(const Deadline& until) {
		shm::Waiter& record = region_.waiter(waiter_);
		header_.leader.store(waiter_);
		header_.leader_beat.store(header_.leader_beat.load() + 1);
		record.waker.store(0);
		record.word.store(shm::POLLING);
		guard_.unlock();
		sys::Ready ready[COLLECT_MAX];
		int count = port_.ask_kernel(ready, until, &held_);
		if (guard_.of_parent()) [[unlikely]]
			return FORKED;
		uint32_t rearm[COLLECT_MAX];
		guard_.lock();
		thread_.yielding.woken_from(record.waker.load());
		Direct* direct = direct_ && port_.may_take_directly(waiter_) ? direct_ : nullptr;
		Left left = port_.post_ready(ready, count, rearm, direct);
		if (port_.kick_left(waiter_)) port_.take_kick(guard_);
		if (count < 0) return -count;
		// It is awake: what is posted meanwhile needs no kick, which nobody would take from the
		// inner set and which would keep the port readable.
		if (!direct || direct->taken == 0) record.word.store(record.word.load() & ~shm::POLLING);
		if (left.rearms != 0 || left.called) [[unlikely]] {
			guard_.unlock();
			port_.finish_ready(ready, count, rearm, left.rearms, true);
			guard_.lock();
		}
		return count == 0 && until.passed() ? ETIMEDOUT : 0;
	}

	// Between two sleeps: from here on no handler runs. Not where this seems to be the last waking, or a
	// follower was called to lead, as with every event where several threads wait: two system
	// calls would be paid for what one look at the queue is going to end. What it was called for may be gone
	// by then, so that is believed no more than twice a call.
	void hold_signals() {
		constexpr uint32_t CALLED = shm::SIGNAL_TAKE | shm::SIGNAL_LEAD | shm::SIGNAL_ALERT | shm::SIGNAL_CLOSED;
		if (held_.holding()) return;
		bool called = (region_.waiter(waiter_).word.load() & CALLED) != 0 ||
		              port_.satisfies(slots::deliverable(region_, port_.member_), of_.least);
		if (called && held_.spare()) return;
		guard_.unlock();
		held_.hold();
		guard_.holds(held_);
		guard_.lock();
	}

	Port& port_;
	shm::Region& region_;
	Header& header_;
	sys::Thread& thread_;
	const Wanted& of_;
	Taken result_{};
	bool drain_;           // the kernel may have more than it told
	bool gathers_;
	bool late_ = false;
	bool buried_ = false;
	bool in_vain_ = false;
	bool enough_ = false;  // of what is ready
	bool called_ = false;  // to take it
	uint32_t ready_ = 0;
	uint32_t found_first_ = 1;
	uint32_t waiter_ = 0;  // its record; 0: none yet
	int64_t turn_ = 0;     // when a long wait looks up next, however often it is woken till then
	Others others_;
	sys::HeldSignals held_;
	Direct found_;
	Direct* direct_;       // where it may take what it finds itself; nullptr: nowhere
	Guard guard_;
};

// Whether a waiter that goes to sleep does so in the inner set. Locked.
bool Port::leads(uint32_t waiter) const {
	uint32_t leader = region_.header().leader.load();
	return leader == waiter || (leader == 0 && region_.header().pollable.load() != 0);
}

Taken Port::get(const Wanted& wanted) {
	sys::Thread& thread = sys::self();
	// In a handler over our own critical section nothing can be taken or waited for.
	if (thread.critical.load(std::memory_order_relaxed)) [[unlikely]]
		return {EINTR, 0};
	rearm_if_asked();
	return Get(*this, thread, wanted).run();
}

} // namespace evp
