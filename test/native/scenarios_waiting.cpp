// Scenarios of those who wait: threads, event loops, leaders, and whoever looks after others
// that stopped (core/watch.cpp).

#include "scenarios.hpp"

#include <csignal>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace test {

namespace {

using evp::shm::POLLING;
using evp::shm::SLEEPING;

constexpr timespec MS{0, 1'000'000};

// Until that thread is not inside: stopped there it would stop all.
void await_unlocked(uint32_t tid) {
	await([&] { return (lock_word->load() & FUTEX_TID_MASK) != tid; });
}

// A thread of the one that dies, which waits for so many events.
class Waiting {
public:
	Waiting(Diary& diary, unsigned wanted, uint32_t bits = SLEEPING | POLLING)
	    : thread_([this, &diary, wanted] {
		      tid_ = static_cast<uint32_t>(syscall(SYS_gettid));
		      announce_take(diary, wanted + 10, wanted, nullptr);
	      }) {
		await_waiter(tid_, bits);
	}
	~Waiting() { thread_.join(); }
	void interrupt(int signal) {
		await_unlocked(tid_);
		EQUAL(pthread_kill(thread_.native_handle(), signal), 0);
	}

private:
	std::atomic<uint32_t> tid_{0};
	std::thread thread_;
};

// The same in a process of its own, which is stopped then.
std::atomic<uint32_t> helper_tid{0};
unsigned helper_wanted = 0;
void wait_for_ever() {
	unsigned got = helper_wanted;
	port_event_t list[64];
	(void)port_getn(port, list, 64, &got, nullptr);
}
void stopped_waiter(unsigned wanted) {
	helper_wanted = wanted;
	pid_t pid = helped_by(wait_for_ever);
	helper_tid = static_cast<uint32_t>(pid);
	await_waiter(helper_tid, SLEEPING | POLLING);
	await_unlocked(helper_tid);
	EQUAL(kill(pid, SIGSTOP), 0);
	stopped(pid);
}

void wait_in_vain(Diary& diary) { announce_take(diary, 16, 12, &MS); }
void wait_leading(Diary& diary) {
	associate(other, THEIR_OWN);
	announce_take(diary, 16, 12, &MS);
}
void wait_behind(Diary& diary) {
	announce_take(diary, 64, 45, &MS);
	announce_take(diary, 64, 45, &MS);
}
void be_handed(Diary& diary) {
	Waiting waiting(diary, BEFORE + 1);
	announce_send(diary, 1);
}

std::atomic<bool> over_its_sleep{false}, let_it_go_on{false};
void be_handed_in_handler(Diary& diary) {
	struct sigaction action {};
	action.sa_handler = [](int) {
		over_its_sleep = true;
		await([] { return let_it_go_on.load(); });
	};
	EQUAL(sigaction(SIGUSR1, &action, nullptr), 0);
	Waiting waiting(diary, BEFORE + 1, SLEEPING);
	waiting.interrupt(SIGUSR1);
	await([] { return over_its_sleep.load(); });
	announce_send(diary, 1);
	let_it_go_on = true;
}

void lead_with_timer(Diary& diary) {
	(void)make_timer(THEIR_OWN, {0, 1});
	announce_take(diary, 16, 12, &MS);
}

void alert_while_waiting(Diary& diary) {
	Waiting waiting(diary, 12);
	alert_on(diary);
}
void alert_on_off(Diary& diary) {
	alert_on(diary);
	EQUAL(port_alert(port, PORT_ALERT_SET, 0, nullptr), 0);
}
void alert_update(Diary&) {
	EQUAL(port_alert(port, PORT_ALERT_UPDATE, 7, cookie(7)), 0);
	EQUAL(port_alert(port, PORT_ALERT_UPDATE, 8, cookie(7)), -1);
	EQUAL(errno, EBUSY);
	EQUAL(port_alert(port, PORT_ALERT_SET, 9, cookie(7)), 0);
}
void alert_and_take(Diary& diary) {
	alert_on(diary);
	announce_take(diary, 16);
}

void ring_loop(Diary& diary) {
	for (int i = 0; i < 2; i++) {
		evp::Result<uint32_t> waiter = here()->loop_wait(1, port);
		CHECK(waiter);
		announce_send(diary, 1);
		alert_on(diary);
		(void)here()->loop_state(*waiter, true);
	}
}

// It looks before it sleeps: in vain, and until it is called.
void look_from_loop(Diary& diary) {
	evp::Result<uint32_t> waiter = here()->loop_wait(BEFORE + 1, port);
	CHECK(waiter);
	auto give_up = [](void*) { return true; };
	CHECK(here()->loop_look(*waiter, 1'000'000'000, {1, give_up, nullptr}) == evp::Port::Look::IN_VAIN);
	auto send = [](void* to) { return announce_send(*static_cast<Diary*>(to), 1), false; };
	CHECK(here()->loop_look(*waiter, 10'000'000'000, {1, send, &diary}) == evp::Port::Look::CALLED);
	(void)here()->loop_rest(*waiter);
	announce_send(diary, 1);
	(void)here()->loop_state(*waiter, true);
}

// The leader wakes for a descriptor, and is called between that and its coming.
void let_leader_wake(const char* file) {
	if (strcmp(file, "core/waiters.cpp") != 0 || !inside()) return;
	on_store(nullptr);
	make_ready(other);
	await([] { return (lock_word->load() & FUTEX_WAITERS) != 0; });
}
void kick_in_vain(Diary& diary) {
	associate(other, THEIR_OWN);
	Waiting waiting(diary, BEFORE + 1, POLLING);
	on_store(let_leader_wake);
	announce_send(diary, 1);
	on_store(nullptr);
}

// The kick of a leader that can't come is found by another.
void with_leader_stopped(Diary& diary) {
	join(diary);
	stopped_waiter(BEFORE + 2);
	only_in = "core/collect.cpp";
}
void pass_kick_on(Diary& diary) {
	announce_send(diary, 2);
	collect();
}

// --- Looking after others. By the clock: the stores of that file only.

void with_both_roles_stopped(Diary& diary) {
	join(diary);
	stopped_waiter(BEFORE + 1);
	announce_send(diary, 1); // handed to it
	only_in = "core/watch.cpp";
}
void ring_and_stop() {
	on_store([](const char* file) {
		if (inside() || strcmp(file, "core/port.cpp") != 0) return;
		on_store(nullptr);
		EQUAL(raise(SIGSTOP), 0); // the bell is to ring, and doesn't
	});
	(void)here()->loop_wait(1, port);
}
void with_bell_late(Diary& diary) {
	join(diary);
	stopped(helped_by(ring_and_stop));
	only_in = "core/watch.cpp";
}
void wait_and_look(Diary& diary) {
	timespec second = milliseconds(1000);
	announce_take(diary, 16, 14, &second);
}

} // namespace

void alert_on(Diary&) { EQUAL(port_alert(port, PORT_ALERT_SET, 7, cookie(7)), 0); }

std::vector<Scenario> waiting() {
	return {
	    {"wait", join, wait_in_vain},
	    {"wait where nothing else is waited for", join, wait_in_vain, EITHER, nullptr, nullptr, true},
	    {"wait in the kernel", join, wait_leading},
	    {"wait behind others", join, wait_behind, WAITS_ALREADY},
	    {"be handed the queue", join, be_handed, EITHER_OF_THREADS},
	    {"be handed the queue by a futex", join, be_handed, EITHER_OF_THREADS, nullptr, nullptr, true},
	    {"be handed the queue by a futex, in a handler", join, be_handed_in_handler, EITHER_OF_THREADS, nullptr, nullptr, true},
	    {"lead, with a timer", join, lead_with_timer},
	    {"alert", join, alert_on},
	    {"alert and leave it", join, alert_on_off},
	    {"alert, where it is not set", join, alert_update},
	    {"alert a thread of one's own", join, alert_while_waiting, EITHER_OF_THREADS},
	    {"get an alert", join, alert_and_take},
	    {"ring an event loop", join, ring_loop},
	    {"look from an event loop", join, look_from_loop, EITHER, nullptr, nullptr, true},
	    {"kick a leader that woke already", join, kick_in_vain, COMES_LATER},
	    {"find another's kick", with_leader_stopped, pass_kick_on, COMES_LATER},
	    {"look after a stopped leader", with_both_roles_stopped, wait_and_look, COMES_LATER},
	    {"look after a bell that does not ring", with_bell_late, wait_and_look, COMES_LATER},
	};
}

} // namespace test
