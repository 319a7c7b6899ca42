// A process of the storm: threads that send, get, associate and fork at random.
// It may be killed or stopped anywhere; what it must account for is on the board.

#include "board.hpp"

#include <array>
#include <climits>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace test;

namespace storm {

namespace {

constexpr uint32_t PIPES = 4;
constexpr uint32_t THREADS = 3;
constexpr uint32_t MOST_TAKEN = 16; // by one get
constexpr uint64_t DESCRIPTOR = 1ull << 40; // cookies above are of descriptors: life and pipe
constexpr int64_t MS = 1'000'000;

enum PipeState : int { ARMING, ARMED, POKED };

struct Pipe {
	int ends[2];
	std::atomic<int> state;
};

Pipe pipes[PIPES];
uint32_t life = 0;

// One thread, with its own luck.
class Worker {
public:
	Worker(uint64_t seed, bool child) : random_(seed), child_(child) {
		uint32_t index = board->records.fetch_add(1);
		CHECK(index < MOST_RECORDS);
		record_ = &board->record[index];
		record_->life.store(life);
		record_->pid.store(getpid());
	}
	~Worker() { record_->ended.store(1); }

	void run_until_end() {
		for (;;) {
			Phase phase = board->phase.load();
			if (phase == Phase::END) return;
			if (phase == Phase::LULL)
				get(8, 1, -1);
			else
				act();
		}
	}
	// Its share of its process's descriptors.
	void associate_first(uint32_t thread) {
		for (uint32_t i = thread; i < PIPES; i += THREADS) associate(pipes[i]);
	}
	void act(int times) {
		while (times-- > 0 && board->phase.load() != Phase::END) act();
	}

private:
	void act() {
		uint32_t luck = random_.below(1000);
		if (luck < 350) send(1 + random_.below(8));
		else if (luck < 650) take_some(static_cast<int>(random_.below(6)));
		else if (luck < 850) take_some(0);
		else if (luck < 855) alert();
		else if (child_) sched_yield();
		else if (luck < 860) get(MOST_TAKEN, 1, -1);
		else if (luck < 930) poke();
		else if (luck < 980) associate_anew();
		else if (luck < 982) fork_child();
		else sched_yield();
	}

	// Marks the thread as being in a call that should return within `most` ms (-1: when it likes).
	void enter(const char* call, int most) {
		int64_t now = now_ns();
		record_->call = call;
		record_->until.store(most < 0 ? INT64_MAX : now + most * MS);
		record_->since.store(now);
	}
	void leave() { record_->since.store(0); }

	void send(uint32_t times) {
		for (uint32_t i = 0; i < times; i++) {
			uint32_t id = board->messages.fetch_add(1);
			if (id >= MOST_MESSAGES) return;
			board->sent[id].store(ANNOUNCED);
			enter("send", 0);
			int rc = port_send(port, MESSAGE, cookie(id));
			leave();
			if (rc != 0) EQUAL(errno, EAGAIN);
			board->sent[id].store(ANNOUNCED | (rc == 0 ? SENT : REFUSED));
			if (rc == 0) continue;
			board->refused.fetch_add(1);
			take_some(0);
		}
	}

	void take_some(int most_ms) {
		uint32_t wanted = 1 + random_.below(4);
		get(wanted + random_.below(MOST_TAKEN - wanted + 1), wanted, most_ms);
	}

	void get(uint32_t max, uint32_t wanted, int most_ms) {
		std::array<port_event_t, MOST_TAKEN> list;
		timespec timeout = milliseconds(most_ms);
		uint32_t got = wanted;
		record_->taking.fetch_add(max); // a get within a get adds up
		enter(most_ms < 0 ? "get" : "get in time", most_ms);
		int rc = port_getn(port, list.data(), max, &got, most_ms < 0 ? nullptr : &timeout);
		leave();
		if (rc != 0) CHECK(errno == ETIME || errno == EINTR);
		if (rc != 0 && errno == EINTR) got = 0;
		CHECK(got <= max);
		record_->taking.fetch_sub(max - got);
		for (uint32_t i = 0; i < got; i++) {
			note(list[i]);
			record_->taking.fetch_sub(1);
		}
	}

	void note(const port_event_t& event) {
		if (event.portev_source == PORT_SOURCE_ALERT) {
			board->alerts.fetch_add(1);
			if (board->phase.load() != Phase::END) sched_yield();
			return;
		}
		uint64_t number = number_of(event);
		if (event.portev_source == PORT_SOURCE_FD) {
			EQUAL(number / DESCRIPTOR, life); // nobody else's
			EQUAL(event.portev_events, POLLIN);
			take_descriptor(pipes[number % DESCRIPTOR]);
			return;
		}
		EQUAL(event.portev_source, PORT_SOURCE_USER);
		CHECK(number < board->messages.load());
		CHECK(board->sent[number].load() & ANNOUNCED);
		EQUAL(board->taken[number].fetch_add(1), 0);
		if (event.portev_events == POKE && !child_) poke();
	}

	void take_descriptor(Pipe& pipe) {
		EQUAL(pipe.state.exchange(ARMING), POKED); // one event for one readiness
		char byte;
		EQUAL(read(pipe.ends[0], &byte, 1), 1);
		board->descriptors.fetch_add(1);
		board->life[life].delivered.fetch_add(1);
		associate(pipe);
	}

	// Its slot is its own already, or the port is full for a while.
	void associate(Pipe& pipe) {
		uint64_t user = life * DESCRIPTOR + static_cast<uint64_t>(&pipe - pipes);
		for (;;) {
			enter("associate", 0);
			int rc = port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(pipe.ends[0]), POLLIN,
			                        cookie(user));
			leave();
			if (rc == 0) break;
			EQUAL(errno, EAGAIN);
			take_some(0);
		}
		pipe.state.store(ARMED);
	}

	void poke() {
		Pipe& pipe = pipes[random_.below(PIPES)];
		int armed = ARMED;
		if (!pipe.state.compare_exchange_strong(armed, POKED)) return;
		board->life[life].poked.fetch_add(1);
		EQUAL(write(pipe.ends[1], "x", 1), 1);
	}

	void associate_anew() {
		Pipe& pipe = pipes[random_.below(PIPES)];
		int armed = ARMED;
		if (!pipe.state.compare_exchange_strong(armed, ARMING)) return;
		if (random_.below(2) == 0) {
			enter("dissociate", 0);
			EQUAL(port_dissociate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(pipe.ends[0])), 0);
			leave();
		}
		associate(pipe);
	}

	void alert() {
		enter("alert", 0);
		EQUAL(port_alert(port, PORT_ALERT_SET, 7, cookie(7)), 0);
		EQUAL(port_alert(port, PORT_ALERT_SET, 0, nullptr), 0);
		leave();
	}

	// A child does a little and leaves, one way or another.
	void fork_child() {
		uint64_t seed = random_.below(UINT_MAX);
		uint32_t at = static_cast<uint32_t>(board->forks.fetch_add(1) % std::size(board->forked));
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid != 0) {
			board->forked[at].store(pid);
			return;
		}
		// Events of descriptors that it has, too, it could take (11.1).
		for (Pipe& pipe : pipes)
			for (int end : pipe.ends) close(end);
		life = board->lives.fetch_add(1);
		CHECK(life < MOST_LIVES);
		{
			Worker worker(seed, true);
			worker.act(static_cast<int>(worker.random_.below(400)));
			if (worker.random_.below(2) == 0) EQUAL(port_close(port), 0);
		}
		_exit(0);
	}

	Random random_;
	Record* record_ = nullptr;
	bool child_;
};

void open_pipes() {
	for (Pipe& pipe : pipes) {
		EQUAL(pipe2(pipe.ends, O_CLOEXEC), 0);
		pipe.state.store(ARMING);
	}
}

} // namespace

void work(uint32_t place, uint64_t seed) {
	signal(SIGCHLD, SIG_IGN); // no zombies of children
	life = board->lives.fetch_add(1);
	CHECK(life < MOST_LIVES);
	board->life[life].pid.store(getpid());
	open_pipes();
	std::vector<std::thread> threads;
	for (uint32_t i = 0; i < THREADS; i++) {
		threads.emplace_back([=] {
			Worker worker(seed * 64 + place * 8 + i, false);
			worker.associate_first(i);
			worker.run_until_end();
		});
	}
	for (std::thread& thread : threads) thread.join();
	if (place % 2 == 0) EQUAL(port_close(port), 0);
	_exit(0);
}

} // namespace storm
