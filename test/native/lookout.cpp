// While processes share a port one waiting thread of each looks up now and then, and the others
// sleep on (hazards of a stopped or killed peer are survivors.cpp's). The lookout passes to another
// when its keeper leaves.

#include "support.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <fstream>
#include <pthread.h>
#include <sched.h>
#include <string>
#include <thread>
#include <unistd.h>

using namespace test;

namespace {

constexpr int WAITERS = 4;
constexpr int STOP = 0x5709;
constexpr uint64_t LOOKS = 3; // within which all others have to sleep

void handler(int) {}

// How often a thread went to sleep.
uint64_t sleeps_of(pid_t tid) {
	std::ifstream status("/proc/self/task/" + std::to_string(tid) + "/status");
	const std::string wanted = "voluntary_ctxt_switches:";
	for (std::string word; status >> word;) {
		uint64_t count;
		if (word == wanted && status >> count) return count;
	}
	return 0;
}

struct Crew {
	int port;
	std::array<std::thread, WAITERS> threads;
	std::array<std::atomic<pid_t>, WAITERS> tids{};
	std::array<std::atomic<bool>, WAITERS> gone{};
	int first = 0; // of those that still wait

	// One after the other: the first to wait is known.
	explicit Crew(int of) : port(of) {
		for (int i = 0; i < WAITERS; i++) {
			threads[i] = std::thread([this, i] { wait(i); });
			while (info_of(port).pi_waiters != static_cast<uint32_t>(i) + 1) sched_yield();
		}
	}
	~Crew() {
		EQUAL(port_alert(port, PORT_ALERT_SET, STOP, nullptr), 0);
		for (std::thread& thread : threads)
			if (thread.joinable()) thread.join();
	}
	void wait(int i) {
		tids[i].store(gettid());
		port_event_t event;
		if (port_get(port, &event, nullptr) != 0) EQUAL(errno, EINTR);
		gone[i].store(true);
	}
	void interrupt(int i) {
		// A signal may come while it looks, and not sleeps.
		while (!gone[i].load()) {
			EQUAL(pthread_kill(threads[i].native_handle(), SIGUSR1), 0);
			sched_yield();
		}
		threads[i].join();
		first = i + 1;
	}

	// Who went to sleep LOOKS times while no other did once. Where several look up nobody is found.
	int lookout() {
		std::array<uint64_t, WAITERS> before;
		auto begin = [&] {
			for (int i = first; i < WAITERS; i++) before[i] = sleeps_of(tids[i].load());
		};
		begin();
		for (;; usleep(10'000)) {
			int moved = 0, most = first;
			std::array<uint64_t, WAITERS> times{};
			for (int i = first; i < WAITERS; i++) {
				times[i] = sleeps_of(tids[i].load()) - before[i];
				moved += times[i] != 0;
				if (times[i] > times[most]) most = i;
			}
			if (moved > 1)
				begin();
			else if (times[most] >= LOOKS)
				return most;
		}
	}
};

// A member that does nothing.
struct Partner {
	int end[2];
	pid_t pid;
	explicit Partner(int port) {
		int entered[2];
		char byte;
		EQUAL(pipe(end), 0);
		EQUAL(pipe(entered), 0);
		pid = fork();
		if (pid == 0) {
			close(end[1]);
			EQUAL(info_of(port).pi_members, 2);
			EQUAL(write(entered[1], "x", 1), 1);
			_exit(static_cast<int>(read(end[0], &byte, 1)));
		}
		close(end[0]);
		EQUAL(read(entered[0], &byte, 1), 1);
		close(entered[0]);
		close(entered[1]);
	}
	~Partner() { close(end[1]); }
};

void one_looks_up() {
	int port = port_create();
	{
		Crew crew(port);
		Partner partner(port); // joins while all of them sleep
		int keeper = crew.lookout();
		done("of the waiters of a process one looks up, the others sleep on");
		EQUAL(crew.lookout(), keeper);
		done("the lookout stays with its keeper");
	}
	EQUAL(port_close(port), 0);
}

void passes_on() {
	int port = port_create();
	{
		Partner partner(port);
		Crew crew(port);
		EQUAL(crew.lookout(), 0);
		done("the first to wait has the lookout");
		for (int i = 0; i + 1 < WAITERS; i++) {
			crew.interrupt(i);
			EQUAL(crew.lookout(), i + 1);
		}
		done("it passes to the last in order when its keeper leaves");
	}
	EQUAL(port_close(port), 0);
}

// What comes is the newest waiter's: the lookout's keeper sleeps on.
void is_not_woken_for_messages() {
	int port = port_create();
	{
		Partner partner(port);
		Crew crew(port);
		EQUAL(crew.lookout(), 0);
		for (int i = WAITERS - 1; i > 0; i--) {
			EQUAL(port_send(port, 1, nullptr), 0);
			crew.threads[i].join();
		}
		EQUAL(info_of(port).pi_waiters, 1);
		done("messages go to the newest first, the keeper is there to the end");
	}
	EQUAL(port_close(port), 0);
}

int body() {
	struct sigaction action = {};
	action.sa_handler = handler;
	EQUAL(sigaction(SIGUSR1, &action, nullptr), 0);
	one_looks_up();
	passes_on();
	is_not_woken_for_messages();
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(body); }
