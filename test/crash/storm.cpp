// The storm: eight processes of three threads each send, get, associate and fork on
// one port, and are killed and stopped at random. Now and then a lull: everyone
// waits, what is sent must be taken and what is ready delivered, though one dies or
// stops at that moment. In the end every event is accounted for.
//
//   crash_storm [seconds [seed]]
//
// A seed gives the same decisions, not the same interleaving.

#include "board.hpp"

#include "core/registry.hpp"

#include <algorithm>
#include <climits>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace test;

namespace storm {

Board* board = nullptr;
int port = -1;

int64_t now_ns() {
	timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

void make_board() {
	void* memory = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE,
	                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(memory != MAP_FAILED);
	board = static_cast<Board*>(memory);
	board->messages.store(1);
	board->lives.store(1);
}

namespace {

constexpr uint32_t PLACES = 8;
constexpr uint32_t LIMIT = 100;
constexpr int STOP = 0x5709; // events value of the alert that ends it
constexpr int64_t MS = 1'000'000;
constexpr int64_t PATIENCE = 1000 * MS; // after a death or a stop (design rule 6)

struct Place {
	pid_t pid = 0;
	uint32_t life = 0;
	int64_t stopped_until = 0; // 0: it runs
	bool killed = false;       // by us
};

int argument_count = 0;
char** arguments = nullptr;

class Storm {
public:
	Storm(int seconds, uint64_t seed) : seed_(seed), random_(seed), end_(now_ns() + seconds * 1000 * MS) {}

	void run() {
		make_board();
		CHECK((port = port_create_limit(LIMIT, 0)) >= 0);
		EQUAL(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
		for (uint32_t place = 0; place < PLACES; place++) start(place);
		while (now_ns() < end_) {
			storm(std::min(end_, now_ns() + 2000 * MS));
			lull();
		}
		finish();
		account();
	}

	void say_where() {
		fprintf(stderr, "      seed %llu: %llu deaths, %llu stops, message %u\n",
		        static_cast<unsigned long long>(seed_), static_cast<unsigned long long>(deaths_),
		        static_cast<unsigned long long>(stops_), board->messages.load());
		int64_t now = now_ns();
		uint32_t count = std::min(board->records.load(), MOST_RECORDS);
		for (uint32_t i = 0; i < count; i++) {
			Record& record = board->record[i];
			int64_t since = record.since.load();
			if (record.ended.load() || since == 0 || kill(record.pid.load(), 0) != 0) continue;
			fprintf(stderr, "      process %d: %s for %lld ms\n", record.pid.load(), record.call,
			        static_cast<long long>((now - since) / MS));
		}
		for (Place& place : places_)
			if (place.pid > 0) dump_stacks(place.pid);
		dump_stacks(getpid());
	}

private:
	void start(uint32_t at) {
		Place& place = places_[at];
		uint64_t seed = random_.below(UINT_MAX);
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			setvbuf(stderr, nullptr, _IOLBF, 0);
			explain = nullptr;
			prctl(PR_SET_CHILD_SUBREAPER, 0);
			work(at, seed);
		}
		place = Place{};
		place.pid = pid;
	}

	// Everything is as late as this machine is busy: what a short sleep lasted too long.
	void nap(int ms) {
		int64_t before = now_ns();
		timespec time = milliseconds(ms);
		nanosleep(&time, nullptr);
		int64_t late = now_ns() - before - ms * MS;
		late_ = std::max(late_ - late_ / 64, late);
	}
	int64_t patience() const { return PATIENCE + 20 * late_; }

	// --- Killing and stopping.

	void reap() {
		int status = 0;
		for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
			bool ours = false;
			for (uint32_t at = 0; at < PLACES; at++) {
				if (places_[at].pid != pid) continue;
				ours = true;
				if (board->phase.load() == Phase::END && status == 0) {
					places_[at].pid = 0;
				} else {
					CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && places_[at].killed);
					board->phase.load() == Phase::END ? void(places_[at].pid = 0) : start(at);
				}
			}
			if (!ours) CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
		}
	}

	void kill_one() {
		deaths_++;
		last_blow_ = now_ns();
		if (random_.below(4) == 0) {
			pid_t pid = board->forked[random_.below(64)].exchange(0);
			if (pid > 0 && getpgid(pid) == getpgrp()) kill(pid, SIGKILL);
			return;
		}
		Place& place = victim();
		if (place.pid <= 0) return;
		place.killed = true;
		kill(place.pid, SIGKILL);
	}

	// Who sleeps in the kernel for all, or was just handed the queue.
	Place* chosen() {
		evp::PortRef ref = evp::registry::known(port);
		evp::shm::Region& region = ref->region();
		uint32_t waiter = random_.below(2) == 0 ? region.header().leader.load() : region.header().handed.load();
		int32_t pid = region.member(region.waiter(waiter).member.load()).pid.load();
		for (Place& place : places_)
			if (waiter != 0 && place.pid == pid) return &place;
		return nullptr;
	}
	Place& victim() {
		Place* picked = random_.below(2) == 0 ? chosen() : nullptr;
		return picked ? *picked : places_[random_.below(PLACES)];
	}

	// Not the holder of the lock: a stopped one stops everyone (a limit that is named).
	bool holds_lock(pid_t pid) {
		uint32_t word = evp::registry::known(port)->region().header().lock.word.load();
		char path[64];
		snprintf(path, sizeof path, "/proc/%d/task/%u", pid, word & 0x3fffffff);
		return word != 0 && access(path, F_OK) == 0;
	}

	void stop_one(int most_ms) {
		Place& place = victim();
		int ms = 1 + static_cast<int>(random_.below(static_cast<uint32_t>(most_ms)));
		if (place.pid <= 0 || place.killed || place.stopped_until != 0) return;
		kill(place.pid, SIGSTOP);
		siginfo_t info{};
		// Stopped for good, unless it dies of a signal that came before.
		if (waitid(P_PID, static_cast<id_t>(place.pid), &info, WSTOPPED | WEXITED | WNOWAIT) != 0) return;
		if (info.si_code != CLD_STOPPED) return;
		stops_++;
		last_blow_ = now_ns();
		if (holds_lock(place.pid))
			kill(place.pid, SIGCONT);
		else
			place.stopped_until = last_blow_ + ms * MS;
	}

	void go_on(bool all) {
		for (Place& place : places_) {
			if (place.stopped_until == 0 || (!all && now_ns() < place.stopped_until)) continue;
			kill(place.pid, SIGCONT);
			place.stopped_until = 0;
			last_blow_ = now_ns();
		}
	}

	// Calls that should have returned and have not.
	void check_calls() {
		int64_t now = now_ns();
		if (now - last_blow_ < patience()) return;
		uint32_t count = std::min(board->records.load(), MOST_RECORDS);
		for (uint32_t i = first_alive_; i < count; i++) {
			Record& record = board->record[i];
			bool gone = record.ended.load() || (record.pid.load() != 0 && kill(record.pid.load(), 0) != 0);
			if (gone && i == first_alive_) first_alive_++;
			if (gone || record.since.load() == 0) continue;
			int64_t until = record.until.load();
			CHECK(until == INT64_MAX || now < std::max(until, last_blow_) + patience());
		}
	}

	void tick(int ms) {
		nap(ms);
		reap();
		go_on(false);
	}

	// --- Phases.

	void storm(int64_t until) {
		board->phase.store(Phase::STORM);
		wake_all();
		while (now_ns() < until) {
			tick(1 + static_cast<int>(random_.below(15)));
			uint32_t luck = random_.below(100);
			if (luck < 35) kill_one();
			else if (luck < 50) stop_one(200);
		}
		go_on(true);
	}

	// Whoever waits for ever has a message.
	void wake_all() {
		for (uint32_t i = 0; i < PLACES * 4; i++) post();
	}

	void post(int events = MESSAGE) {
		uint32_t id = board->messages.fetch_add(1);
		if (id >= MOST_MESSAGES) return;
		board->sent[id].store(ANNOUNCED);
		int rc = port_send(port, events, cookie(id));
		if (rc != 0) EQUAL(errno, EAGAIN);
		board->sent[id].store(ANNOUNCED | (rc == 0 ? SENT : REFUSED));
	}

	bool all_taken() {
		evp::PortRef ref = evp::registry::known(port);
		return ref->region().header().shared.count.load() == 0;
	}

	// Of processes that live and run: readiness that was not yet delivered.
	bool all_delivered() {
		for (Place& place : places_) {
			if (place.pid <= 0 || place.killed || place.stopped_until != 0) continue;
			uint32_t lives = std::min(board->lives.load(), MOST_LIVES);
			if (place.life == 0)
				for (uint32_t i = lives; --i > 0 && place.life == 0;)
					if (board->life[i].pid.load() == place.pid) place.life = i;
			Life& life = board->life[place.life];
			if (life.delivered.load() != life.poked.load()) return false;
		}
		return true;
	}

	void settle(const char* what) {
		int64_t from = now_ns();
		while (!all_taken() || !all_delivered()) {
			tick(2);
			if (now_ns() - std::max(from, last_blow_) < patience()) continue;
			fprintf(stderr, "      %s: messages %s, descriptors %s\n", what,
			        all_taken() ? "taken" : "left", all_delivered() ? "delivered" : "left");
			fail(__FILE__, __LINE__, what, board->messages.load(), 0);
		}
		longest_ = std::max(longest_, now_ns() - std::max(from, last_blow_));
	}

	void lull() {
		board->phase.store(Phase::LULL);
		wake_all();
		settle("after the storm");
		for (int i = 0; i < 8; i++) {
			for (uint32_t count = random_.below(4); count != 0; count--) post(POKE);
			if (random_.below(2) == 0) kill_one();
			else stop_one(1500);
			for (uint32_t count = random_.below(4); count != 0; count--) post(POKE);
			settle("in a lull, one gone");
			check_calls();
		}
		go_on(true);
		settle("after a lull");
	}

	void finish() {
		go_on(true);
		board->phase.store(Phase::END);
		EQUAL(port_alert(port, PORT_ALERT_SET, STOP, nullptr), 0);
		last_blow_ = now_ns();
		auto alive = [&] {
			return std::any_of(std::begin(places_), std::end(places_), [](Place& p) { return p.pid > 0; });
		};
		while (alive()) {
			tick(2);
			check_calls();
		}
		while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {} // their children
		EQUAL(port_alert(port, PORT_ALERT_SET, 0, nullptr), 0);
	}

	// --- In the end.

	void account() {
		port_event_t event;
		timespec none{};
		while (port_get(port, &event, &none) == 0) {
			EQUAL(event.portev_source, PORT_SOURCE_USER);
			EQUAL(board->taken[number_of(event)].fetch_add(1), 0);
		}
		EQUAL(errno, ETIME);
		uint64_t in_hand = 0;
		uint32_t records = std::min(board->records.load(), MOST_RECORDS);
		for (uint32_t i = 0; i < records; i++) {
			Record& record = board->record[i];
			if (record.ended.load()) EQUAL(record.taking.load(), 0);
			in_hand += record.taking.load();
		}
		uint64_t sent = 0, taken = 0, lost = 0;
		uint32_t messages = std::min(board->messages.load(), MOST_MESSAGES);
		for (uint32_t id = 1; id < messages; id++) {
			uint8_t state = board->sent[id].load();
			uint8_t times = board->taken[id].load();
			CHECK(times <= 1);
			if (state & REFUSED) EQUAL(times, 0);
			if (state & SENT) {
				sent++;
				lost += times == 0;
			}
			taken += times;
		}
		printf("      %llu deaths, %llu stops, %u processes, %llu forked by workers\n",
		       static_cast<unsigned long long>(deaths_), static_cast<unsigned long long>(stops_),
		       board->lives.load() - 1, static_cast<unsigned long long>(board->forks.load()));
		printf("      %llu messages sent, %llu refused, %llu taken, %llu lost with their readers (at most %llu)\n",
		       static_cast<unsigned long long>(sent), static_cast<unsigned long long>(board->refused.load()),
		       static_cast<unsigned long long>(taken), static_cast<unsigned long long>(lost),
		       static_cast<unsigned long long>(in_hand));
		printf("      %llu descriptor events, %llu alerts; longest delay in a lull %lld ms\n",
		       static_cast<unsigned long long>(board->descriptors.load()),
		       static_cast<unsigned long long>(board->alerts.load()),
		       static_cast<long long>(longest_ / MS));
		CHECK(lost <= in_hand);

		port_info_t info = info_of(port);
		EQUAL(info.pi_queued, 0);
		EQUAL(info.pi_members, 1);
		EQUAL(info.pi_waiters, 0);
		EQUAL(info.pi_alert, 0);
		EQUAL(info.pi_slots, 0);
		uint32_t room = 0;
		while (port_send(port, 1, nullptr) == 0) room++;
		EQUAL(room, LIMIT);
	}

	uint64_t seed_;
	Random random_;
	int64_t end_;
	Place places_[PLACES];
	int64_t last_blow_ = 0, late_ = 0, longest_ = 0;
	uint64_t deaths_ = 0, stops_ = 0;
	uint32_t first_alive_ = 0;
};

Storm* current = nullptr;

int body() {
	int seconds = argument_count > 1 ? atoi(arguments[1]) : 5;
	uint64_t seed = argument_count > 2 ? strtoull(arguments[2], nullptr, 0)
	                                   : static_cast<uint64_t>(now_ns()) % 1'000'000;
	printf("      seed %llu\n", static_cast<unsigned long long>(seed));
	Storm storm(seconds, seed);
	current = &storm;
	explain = [] { current->say_where(); };
	storm.run();
	done("a storm of deaths: every event accounted for");
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace
} // namespace storm

int main(int argc, char** argv) {
	storm::argument_count = argc;
	storm::arguments = argv;
	return watched(storm::body);
}
