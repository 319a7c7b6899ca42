// Random sequences of calls beside a model of the contract, as in sequences.cpp, by up to five processes that
// share one port, one call at a time: who may have which event, whose association it is, what goes with a
// process that closes, exits or is killed (2.11, 4.12, 4.13, 6.9, 11).
//
//   native_sequences_shared [SEED [SEEDS]]

#include "sequences.hpp"
#include "sequences_actor.hpp"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <map>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace test;
using namespace test::sequences;

namespace {

constexpr int STEPS = 300;
constexpr int PROCESSES = 5;
constexpr unsigned LIMIT = 14;
constexpr int NUMBERS = 6; // descriptors that are associated
constexpr int FIRST = 100; // of their numbers

// --- The model.

struct Association {
	int file = 0;
	int owner = 0;
	short asked = 0, first = 0, all = 0;
	uint64_t user = 0, posted = 0;
	bool armed = true, touched = false, taken = false;
};
struct Message {
	int events;
	uint64_t user, posted;
	int source = PORT_SOURCE_USER;
	int owner = -1; // whose alone it is
	uint64_t slot = 0;
};
struct Slot {
	uint64_t id = 0, user = 0;
	int owner = 0, flags = 0;
};
struct Timer {
	uint64_t id = 0, user = 0;
	int owner = 0, expired = 0;
};
struct Process {
	bool lives = false;
	bool has_port = false;
	pid_t pid = 0;
	std::map<int, int> files; // by number
};

class Sequence {
public:
	explicit Sequence(uint64_t from) : random_(from) {
		CHECK((port = port_create_limit(LIMIT, 0)) >= 0);
		library_of = 0; // what there was went with the last port
		for (int i = 0; i < NUMBERS; i++) {
			int fresh = eventfd(0, EFD_NONBLOCK);
			EQUAL(dup2(fresh, FIRST + i), FIRST + i);
			EQUAL(close(fresh), 0);
			processes_[0].files[FIRST + i] = ++files_;
		}
		for (int i = 1; i < PROCESSES; i++) {
			int ends[2];
			EQUAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
			for (bool end : {false, true}) {
				EQUAL(dup2(ends[end], channel_of(i, end)), channel_of(i, end));
				EQUAL(close(ends[end]), 0);
			}
		}
		processes_[0].lives = processes_[0].has_port = true;
	}
	~Sequence() {
		for (int who = 1; who < PROCESSES; who++)
			if (processes_[who].lives) end(who, true);
		for (Timer& timer : timers_) EQUAL(timer_delete(reinterpret_cast<timer_t>(timer.id)), 0);
		EQUAL(close(port), 0);
		for (auto& [number, file] : processes_[0].files) EQUAL(close(number), 0);
		for (int i = 1; i < PROCESSES; i++)
			for (bool end : {false, true}) EQUAL(close(channel_of(i, end)), 0);
	}

	void run() {
		for (step = 0; step < STEPS; step++) {
			act();
			observe();
			int who = any_process();
			Answer answer = tell(who, {.what = Do::INFO});
			EQUAL(answer.info.pi_slots, slots());
			EQUAL(answer.info.pi_alert, alert_);
		}
	}

private:
	bool chance(uint32_t of) { return random_.below(of) == 0; }
	unsigned slots() const {
		size_t sum = associations_.size() + timers_.size() + slots_.size();
		for (const Message& one : messages_) sum += one.slot == 0;
		return static_cast<unsigned>(sum);
	}
	static bool may_have(int who, const Message& one) { return one.owner < 0 || one.owner == who; }
	unsigned messages_for(int who) const {
		unsigned sum = 0;
		for (const Message& one : messages_) sum += may_have(who, one);
		return sum;
	}
	int any_process() {
		int who;
		do who = static_cast<int>(random_.below(PROCESSES));
		while (!processes_[who].lives || !processes_[who].has_port);
		return who;
	}
	int any_number() { return FIRST + static_cast<int>(random_.below(NUMBERS)); }

	Answer tell(int who, const Call& call) {
		if (who == 0) return carry_out(call);
		int channel = channel_of(who, false);
		EQUAL(write(channel, &call, sizeof call), sizeof call);
		Answer answer;
		EQUAL(read(channel, &answer, sizeof answer), sizeof answer);
		return answer;
	}

	void act() {
		int who = any_process();
		switch (random_.below(22)) {
		case 0: case 1: return send(who);
		case 2: case 3: case 4: case 5: return associate(who);
		case 6: return dissociate(who);
		case 7: case 8: case 9: return get(who);
		case 10: case 11: case 12: return touch(who);
		case 13: return alert(who);
		case 14: return timer(who);
		case 15: return chance(2) ? replace(who) : close_number(who);
		case 16: return start(who);
		case 17: return dispatch(who);
		case 18: case 19: case 20: return slot(who);
		default: if (who != 0 && chance(2)) end(who, false);
		}
	}

	// --- Processes.

	void start(int parent) {
		for (int fresh = 1; fresh < PROCESSES; fresh++) {
			if (processes_[fresh].lives) continue;
			Answer answer = tell(parent, {.what = Do::FORK, .number = fresh});
			processes_[fresh] = processes_[parent];
			processes_[fresh].pid = static_cast<pid_t>(answer.count);
			note("process %d forks %d, pid %d", parent, fresh, processes_[fresh].pid);
			return;
		}
	}
	void end(int who, bool all) {
		Process& process = processes_[who];
		uint32_t how = all ? 0 : random_.below(3);
		note("process %d %s", who, how == 0 ? "exits" : how == 1 ? "is killed" : "closes the port and exits");
		if (how == 2) EQUAL(tell(who, {.what = Do::LEAVE}).error, 0);
		auto handle = static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0));
		CHECK(handle >= 0);
		if (how == 1) {
			EQUAL(kill(process.pid, SIGKILL), 0);
		} else {
			Call call{.what = Do::EXIT};
			EQUAL(write(channel_of(who, false), &call, sizeof call), sizeof call);
		}
		pollfd ended{handle, POLLIN, 0}; // all its threads: a sanitizer has one of its own
		EQUAL(poll(&ended, 1, -1), 1);
		EQUAL(close(handle), 0);
		(void)waitpid(process.pid, nullptr, WNOHANG); // a grandchild is another's to reap
		process.lives = false;
		std::erase_if(associations_, [&](const auto& one) { return one.second.owner == who; });
		std::erase_if(timers_, [&](const Timer& one) { return one.owner == who; });
		std::erase_if(messages_, [&](const Message& one) { return one.owner == who; });
		std::erase_if(slots_, [&](const Slot& one) { return one.owner == who; });
		if (alert_ != 0 && alert_owner_ == who) alert_ = 0;
	}

	// --- Descriptors.

	// The association that a number of a process is about: of that number and file, whoever made it.
	std::map<int, Association>::iterator found(int who, int number) {
		int file = file_of(who, number);
		return std::find_if(associations_.begin(), associations_.end(), [&](const auto& one) {
			return one.second.file == file && numbers_[one.first] == number && file != 0;
		});
	}
	int file_of(int who, int number) const {
		auto at = processes_[who].files.find(number);
		return at == processes_[who].files.end() ? 0 : at->second;
	}
	void forget(int who, int number) { // it was closed (4.13)
		auto at = found(who, number);
		if (at != associations_.end() && at->second.owner == who) associations_.erase(at);
		processes_[who].files.erase(number);
	}
	void close_number(int who) {
		int number = any_number();
		bool open = file_of(who, number) != 0;
		note("process %d closes %d, which is%s open", who, number, open ? "" : " not");
		EQUAL(tell(who, {.what = Do::CLOSE, .number = number}).error, open ? 0 : EBADF);
		if (open) forget(who, number);
	}
	void replace(int who) {
		int number = any_number();
		note("process %d replaces %d", who, number);
		(void)tell(who, {.what = Do::REPLACE, .number = number});
		forget(who, number);
		processes_[who].files[number] = ++files_;
	}
	void touch(int who) {
		int number = any_number();
		Do what = chance(2) ? Do::WRITE : Do::READ;
		note("process %d %s %d", who, what == Do::WRITE ? "writes" : "reads", number);
		(void)tell(who, {.what = what, .number = number});
		for (auto& [id, one] : associations_)
			if (one.file == file_of(who, number)) one.touched = true;
	}
	short state(int who, int number, short asked) {
		return static_cast<short>(tell(who, {.what = Do::STATE, .number = number, .events = asked}).count);
	}
	void observe() {
		for (auto& [id, one] : associations_)
			if (one.armed) one.all |= now_[id] = state(one.owner, numbers_[id], one.asked);
	}

	bool may_have(int who, int id, const Association& one) const { return file_of(who, numbers_.at(id)) == one.file; }
	bool must_come(int id, const Association& one) { return one.armed && (one.taken || now_[id] != 0); }

	// --- Calls.

	void collected() {
		for (auto& [id, one] : associations_)
			if (one.armed && one.posted != 0 && !one.touched) one.taken = true;
	}
	void send(int who) {
		uint64_t user = ++users_;
		bool room = slots() < LIMIT;
		note("process %d sends user %llu", who, static_cast<unsigned long long>(user));
		EQUAL(tell(who, {.what = Do::SEND, .events = 5, .user = user}).error, room ? 0 : EAGAIN);
		collected();
		if (room) messages_.push_back({5, user, ++posts_});
	}
	void dispatch(int who) {
		if (slots() >= LIMIT) return; // it would wait
		bool shared = chance(2);
		uint64_t user = ++users_;
		note("process %d dispatches user %llu, shared %d", who, static_cast<unsigned long long>(user), shared);
		Call call{.what = Do::DISPATCH, .number = shared ? PORT_SHARE_EVENT : 0, .events = 6, .user = user};
		EQUAL(tell(who, call).error, 0);
		collected();
		messages_.push_back({6, user, ++posts_, PORT_SOURCE_MQ, shared ? -1 : who});
	}
	void slot(int who) {
		auto own = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& one) { return one.owner == who; });
		if (own == slots_.end() || chance(3)) {
			constexpr int FLAGS[] = {0, PORT_SLOT_KEEP, PORT_SHARE_EVENT};
			Slot fresh{0, ++users_, who, FLAGS[random_.below(3)]};
			bool room = slots() < LIMIT;
			note("process %d reserves user %llu flags %d", who, static_cast<unsigned long long>(fresh.user), fresh.flags);
			Answer answer = tell(who, {.what = Do::RESERVE, .number = fresh.flags, .user = fresh.user});
			EQUAL(answer.error, room ? 0 : EAGAIN);
			fresh.id = answer.timer;
			if (room) slots_.push_back(fresh);
			return;
		}
		auto queued = std::find_if(messages_.begin(), messages_.end(), [&](const Message& one) {
			return one.owner == who && one.slot == own->id;
		});
		bool ends = chance(4);
		note("process %d %s user %llu", who, ends ? "releases" : "posts", static_cast<unsigned long long>(own->user));
		EQUAL(tell(who, {.what = ends ? Do::RELEASE : Do::POST, .events = 1, .user = own->id}).error, 0);
		if (ends) {
			if (queued != messages_.end()) messages_.erase(queued);
			slots_.erase(own);
			return;
		}
		collected();
		if (queued != messages_.end()) return;
		bool shared = own->flags == PORT_SHARE_EVENT;
		messages_.push_back({1, own->user, ++posts_, LIBRARY, shared ? -1 : who, shared ? 0 : own->id});
		if (shared) slots_.erase(own);
	}
	void associate(int who) {
		constexpr short BITS[] = {POLLIN, POLLOUT, POLLIN | POLLOUT, 0};
		int number = any_number();
		short asked = BITS[random_.below(4)];
		uint64_t user = ++users_;
		auto known = found(who, number);
		int file = file_of(who, number);
		int error = file == 0 ? EBADFD : known == associations_.end() && slots() >= LIMIT ? EAGAIN : 0;
		note("process %d associates %d asked %x user %llu", who, number, static_cast<unsigned>(asked),
		     static_cast<unsigned long long>(user));
		EQUAL(tell(who, {.what = Do::ASSOCIATE, .number = number, .events = asked, .user = user}).error, error);
		if (file != 0) used_ = true; // (2.3.1)
		if (error != 0) return;
		Association fresh;
		fresh.file = file;
		fresh.owner = known == associations_.end() ? who : known->second.owner; // (4.12)
		fresh.asked = asked;
		fresh.user = user;
		int id = known == associations_.end() ? ++ids_ : known->first;
		numbers_[id] = number;
		fresh.first = fresh.all = now_[id] = state(who, number, asked);
		// Armed again for another process it keeps the place in the kernel that it had.
		if (fresh.first != 0 && fresh.owner == who) fresh.posted = ++posts_;
		associations_[id] = fresh;
	}
	void dissociate(int who) {
		int number = any_number();
		auto known = found(who, number);
		bool none = known == associations_.end();
		int error = !used_ ? ENOENT : file_of(who, number) == 0 ? EBADFD : none ? ENOENT
		            : known->second.owner != who ? EACCES : known->second.armed ? 0 : ENOENT;
		note("process %d dissociates %d", who, number);
		EQUAL(tell(who, {.what = Do::DISSOCIATE, .number = number}).error, error);
		if (!none && known->second.owner == who) associations_.erase(known);
	}
	void alert(int who) {
		int flags = static_cast<int>(random_.below(3)), events = static_cast<int>(random_.below(2));
		uint64_t user = ++users_;
		note("process %d alert flags %d events %d", who, flags, events);
		int error = events != 0 && flags == 2 && alert_ != 0 ? EBUSY : 0;
		EQUAL(tell(who, {.what = Do::ALERT, .number = flags, .events = events, .user = user}).error, error);
		if (error != 0) return;
		alert_ = events;
		alert_user_ = user;
		alert_owner_ = who;
	}
	void timer(int who) {
		auto own = std::find_if(timers_.begin(), timers_.end(), [&](const Timer& one) { return one.owner == who; });
		if (own == timers_.end() || chance(4)) {
			Timer fresh;
			fresh.owner = who;
			fresh.user = ++users_;
			bool room = slots() < LIMIT;
			note("process %d makes a timer", who);
			Answer answer = tell(who, {.what = Do::TIMER, .user = fresh.user});
			EQUAL(answer.error, room ? 0 : EAGAIN);
			fresh.id = answer.timer;
			if (room) timers_.push_back(fresh);
			return;
		}
		bool ends = chance(3);
		note("process %d %s a timer", who, ends ? "deletes" : "sets");
		EQUAL(tell(who, {.what = ends ? Do::DELETE : Do::SET, .user = own->id}).error, 0);
		if (ends)
			timers_.erase(own);
		else
			own->expired++;
	}

	void get(int who) {
		unsigned max = random_.below(MOST + 1), want = random_.below(max + 2);
		long wait = chance(3) ? 20'000 : 0;
		unsigned least = 0, most = 0, all = 0, all_most = 0;
		for (auto& [id, one] : associations_) {
			bool must = must_come(id, one), may = must || (one.armed && one.all != 0);
			all += must;
			all_most += may;
			least += must && may_have(who, id, one);
			most += may && may_have(who, id, one);
		}
		for (Timer& one : timers_) {
			all += one.expired != 0;
			all_most += one.expired != 0;
			least += one.owner == who && one.expired != 0;
			most += one.owner == who && one.expired != 0;
		}
		for (unsigned* each : {&all, &all_most}) *each += static_cast<unsigned>(messages_.size());
		for (unsigned* each : {&least, &most}) *each += messages_for(who);
		note("process %d getn max %u nget %u wait %ld, %u to %u there", who, max, want, wait, least, most);
		Answer answer = tell(who, {.what = Do::GETN, .max = max, .want = want, .wait_ns = wait});
		note("  answers %d, %u events", answer.error, answer.count);
		if (max != 0 && answer.error != EINVAL) note_events(answer.list, answer.count);
		if (max != 0 && want > max) {
			EQUAL(answer.error, EINVAL);
			return;
		}
		if (max == 0) { // also what it may not have (2.5.3), but for what only its owner can read from the kernel
			EQUAL(answer.error, 0);
			CHECK(answer.count >= least && answer.count <= all_most);
			return;
		}
		if (want == 0) {
			EQUAL(answer.error, 0);
			EQUAL(answer.count, 0);
			return;
		}
		if (alert_ != 0) {
			EQUAL(answer.error, 0);
			EQUAL(answer.count, 1);
			EQUAL(answer.list[0].portev_source, PORT_SOURCE_ALERT);
			EQUAL(number_of(answer.list[0]), alert_user_);
			return;
		}
		if (wait != 0) {
			if (answer.error == ETIME) {
				CHECK(least < want);
				if (strict && least == 0 && answer.count == want && answer.list[0].portev_source == 0) return; // (2.5.12)
			} else {
				CHECK(answer.error == 0 && (answer.count >= want || strict));
			}
			// Strict, what it may not have satisfies it too, before the kernel is asked (2.5.13).
			CHECK(strict || answer.count >= std::min({max, want, least}));
			CHECK(answer.count <= std::min(max, most));
		} else {
			EQUAL(answer.error, 0);
			CHECK(answer.count >= std::min(max, least) && answer.count <= std::min(max, most));
		}
		came(who, answer);
	}
	void came(int who, const Answer& answer) {
		uint64_t last = 0;
		for (unsigned i = 0; i < answer.count; i++) {
			const port_event_t& event = answer.list[i];
			uint64_t posted = 0;
			if (event.portev_source == PORT_SOURCE_USER || event.portev_source == PORT_SOURCE_MQ ||
			    event.portev_source == LIBRARY) {
				auto first = std::find_if(messages_.begin(), messages_.end(),
				                          [&](const Message& one) { return may_have(who, one); });
				CHECK(first != messages_.end());
				EQUAL(number_of(event), first->user);
				EQUAL(event.portev_source, first->source);
				EQUAL(event.portev_events, first->events);
				posted = first->posted;
				std::erase_if(slots_, [&](const Slot& one) {
					return one.owner == who && one.id == first->slot && one.flags == 0;
				});
				messages_.erase(first);
			} else if (event.portev_source == PORT_SOURCE_FD) {
				posted = came_ready(who, event);
			} else {
				EQUAL(event.portev_source, PORT_SOURCE_TIMER);
				auto at = std::find_if(timers_.begin(), timers_.end(), [&](const Timer& one) {
					return one.owner == who && one.user == number_of(event);
				});
				CHECK(at != timers_.end());
				EQUAL(event.portev_events, at->expired);
				EQUAL(event.portev_object, at->id);
				at->expired = 0;
			}
			if (posted != 0) {
				CHECK(posted > last);
				last = posted;
			}
		}
	}
	uint64_t came_ready(int who, const port_event_t& event) {
		auto at = std::find_if(associations_.begin(), associations_.end(),
		                       [&](const auto& one) { return one.second.user == number_of(event); });
		CHECK(at != associations_.end());
		Association& one = at->second;
		EQUAL(event.portev_object, numbers_[at->first]);
		CHECK(one.armed);
		CHECK(may_have(who, at->first, one));
		CHECK(event.portev_events != 0);
		EQUAL(event.portev_events & ~one.all, 0);
		bool exact = (one.posted != 0 && !one.touched) || one.taken;
		if (exact) EQUAL(event.portev_events, one.first);
		one.armed = false;
		return exact ? one.posted : 0;
	}

	Random random_;
	Process processes_[PROCESSES];
	std::map<int, Association> associations_;
	std::map<int, int> numbers_;
	std::map<int, short> now_;
	std::deque<Message> messages_;
	std::vector<Timer> timers_;
	std::vector<Slot> slots_;
	int alert_ = 0, alert_owner_ = 0;
	uint64_t alert_user_ = 0, users_ = 0, posts_ = 0;
	int files_ = 0, ids_ = 0;
	bool used_ = false;
};

} // namespace

int main(int argc, char** argv) {
	return run<Sequence>(argc, argv, SANITIZED ? 10 : 60, "random sequences of calls by several processes");
}
