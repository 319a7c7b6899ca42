// Scenarios of joining, of new images and tickets, of signal handlers, and of those who repair
// what another left torn.

#include "scenarios.hpp"

#include <cerrno>
#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace test {

namespace {

constexpr timespec MS{0, 1'000'000};

void bury(Diary& diary) {
	announce_send(diary, 1);
	(void)info_of(port);
}
void with_dead_member(Diary& diary) {
	join(diary);
	pid_t helper = helped_by([] { EQUAL(port_alert(port, PORT_ALERT_SET, 0, nullptr), 0); });
	EQUAL(waitpid(helper, nullptr, 0), helper); // it did not let go of the port
}

// --- A new image goes on: with the number it inherited, or with a ticket.

void with_much_to_its_name(Diary& diary) {
	join(diary);
	associate(other, THEIR_OWN);
	(void)reserve(open_source(), 0, THEIR_OWN);
	std::thread([] {
		port_event_t list[64];
		unsigned got = 64;
		(void)port_getn(port, list, 64, &got, nullptr);
	}).detach();
	await([] {
		evp::PortRef ref = here();
		evp::shm::Region& region = ref->region();
		for (uint32_t i = 1; i < region.header().waiter_fresh.load(); i++)
			if (region.waiter(i).wanted.load() == 64 && region.waiter(i).word.load() != 0) return true;
		return false;
	});
}
void exec_and_send(Diary& diary) { go_on_in_new_image(diary, "number", port); }

int ticket = -1;
void make_ticket() { CHECK((ticket = port_ticket(port)) >= 0); }
void close_ticket() { EQUAL(close(ticket), 0); }
void exec_and_attach(Diary& diary) { go_on_in_new_image(diary, "ticket", dup(ticket)); }
void give_ticket(Diary&) { EQUAL(close(port_ticket(port)), 0); }

// Another port: what it leaves behind is nothing.
void make_another(Diary&) { CHECK(port_create() >= 0); }

// --- Calls of signal handlers within the critical section.

int handled = 0, refused = 0;
void send_twice_in_handler(int) {
	int error = errno;
	for (int i = 0; i < 2; i++) {
		if (port_send(port, 9, cookie(THEIRS + static_cast<uint64_t>(handled))) == 0)
			handled++;
		else
			refused++;
	}
	errno = error;
}
void be_interrupted(const char* file) {
	if (strcmp(file, "core/slots.hpp") != 0 || !inside()) return;
	on_store(nullptr);
	EQUAL(raise(SIGUSR1), 0);
}
// Their messages are made when the call that they interrupted is.
void associate_interrupted(Diary& diary, int sent) {
	CHECK(signal(SIGUSR1, send_twice_in_handler) != SIG_ERR);
	diary.sending += static_cast<uint32_t>(sent);
	on_store(be_interrupted);
	associate(other, THEIR_OWN);
	EQUAL(handled, sent);
	EQUAL(handled + refused, 2);
	diary.sent += static_cast<uint32_t>(sent);
}
void interrupted(Diary& diary) { associate_interrupted(diary, 2); }
void interrupted_at_limit(Diary& diary) { associate_interrupted(diary, 0); }
void fill_but_one(Diary& diary) {
	join(diary);
	port_source_t source = open_source();
	for (uint32_t used = info_of(port).pi_slots; used < LIMIT - 1; used++) (void)reserve(source, 0, THEIR_OWN);
}

// --- One dies inside the critical section, so that the next, who dies in its turn, repairs.

// At the `nth` store that it makes in `file`, having prepared.
void torn(const char* file, uint32_t nth, void (*prepare)(Diary&), void (*run)(Diary&)) {
	Diary& first = shared_diary();
	only_in = file;
	CHECK(dies_at(nth, first, prepare, run) && first.inside);
	only_in = nullptr;
	forget_diary(first);
	most_of_a_place = 3;
}
void torn(Diary& diary) {
	join(diary);
	torn("core/post.cpp", 1, join, alert_on);
}
void with_associated(Diary& diary) {
	join(diary);
	associate(other, THEIR_OWN);
}
void torn_with_associations(Diary& diary) {
	with_associated(diary);
	announce_take(diary, 16, 12, &MS); // a waiter's record, free again
	announce_take(diary, 1);           // a slot likewise
	auto with_its_own = [](Diary& first) {
		join(first);
		associate(spare, THEIR_OWN);
	};
	torn("core/post.cpp", 1, with_its_own, alert_on);
}
void torn_joining(Diary& diary) {
	join(diary);
	torn("core/members.cpp", 3, nothing, join);
}
void post_when_torn(Diary& diary) {
	announce_post(diary, 1);
	announce_take(diary, 3);
}

// A thread of the one that repairs leads meanwhile.
std::thread leader;
void torn_under_leader(Diary& diary) {
	with_associated(diary);
	static std::atomic<uint32_t> tid{0};
	leader = std::thread([&diary] {
		tid = evp::sys::self().tid;
		announce_take(diary, 20, BEFORE + 1, nullptr);
	});
	await_waiter(tid, evp::shm::POLLING);
	torn("core/post.cpp", 1, join, alert_on);
}
void send_and_let_leader_come(Diary& diary) {
	announce_send(diary, 1);
	leader.join();
}

// The kernel does not mark the lock.
void unmarked(Diary& diary) {
	join(diary);
	evp::sys::self().robust_pending = nullptr;
}
void torn_unmarked(Diary& diary) {
	join(diary);
	torn("core/post.cpp", 1, unmarked, alert_on);
}

} // namespace

std::vector<Scenario> membership() {
	return {
	    {"join", nothing, join},
	    {"bury a dead member", with_dead_member, bury},
	    {"go on in a new image", with_much_to_its_name, exec_and_send, EITHER_OF_THREADS},
	    {"attach a ticket", nothing, exec_and_attach, EITHER, make_ticket, close_ticket},
	    {"make a ticket", join, give_ticket},
	    {"make another port", join, make_another},
	    {"send in a signal handler", join, interrupted},
	    {"send in a signal handler at the limit", fill_but_one, interrupted_at_limit},
	    {"repair", torn, [](Diary& diary) { announce_send(diary, 3); }},
	    {"repair with associations", torn_with_associations, post_when_torn},
	    {"repair what was joining", torn_joining, [](Diary& diary) { announce_send(diary, 1); }},
	    {"repair under a leader", torn_under_leader, send_and_let_leader_come, COMES_LATER},
	    {"repair what the kernel did not mark", torn_unmarked,
	     [](Diary& diary) { announce_send(diary, 1); }, EITHER, nullptr, nullptr, false, 8},
	};
}

} // namespace test
