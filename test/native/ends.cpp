// A thread that ends in a signal handler ends the wait that the handler interrupted: on illumos the
// handler runs when the call has left (2.5.10), so that nothing is handed to it any more (3.13).

#include "support.hpp"

#include <atomic>
#include <csignal>
#include <fstream>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

using namespace test;

namespace {

void end_thread(int) { pthread_exit(nullptr); }

struct Waiter {
	int port;
	std::atomic<pid_t> tid{0};
	port_event_t event{};
	pthread_t thread;

	explicit Waiter(int of) : port(of) {
		auto wait = [](void* self) -> void* {
			auto* waiter = static_cast<Waiter*>(self);
			waiter->tid.store(gettid());
			EQUAL(port_get(waiter->port, &waiter->event, nullptr), 0);
			return nullptr;
		};
		EQUAL(pthread_create(&thread, nullptr, wait, this), 0);
		while (!asleep()) sched_yield();
	}
	// In the call that it waits by, not on the way there.
	bool asleep() const {
		long call = -1;
		std::ifstream("/proc/self/task/" + std::to_string(tid.load()) + "/syscall") >> call;
		return call == SYS_futex || call == SYS_epoll_pwait || call == SYS_epoll_pwait2;
	}
	void end() {
		EQUAL(pthread_kill(thread, SIGUSR1), 0);
		join();
	}
	void join() { EQUAL(pthread_join(thread, nullptr), 0); }
};

void follower_ends() {
	int port = port_create();
	Waiter stays(port);
	Waiter ends(port); // the newest: what comes is handed to it
	EQUAL(info_of(port).pi_waiters, 2);
	ends.end();
	EQUAL(info_of(port).pi_waiters, 1);
	EQUAL(port_send(port, 7, nullptr), 0);
	stays.join();
	EQUAL(stays.event.portev_events, 7);
	EQUAL(port_close(port), 0);
	done("a follower ends, the next in order has what comes");
}

void leader_ends() {
	int port = port_create(), ends[2];
	EQUAL(pipe(ends), 0);
	EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(ends[0]), POLLIN, nullptr), 0);
	Waiter leads(port);
	Waiter stays(port);
	leads.end();
	EQUAL(write(ends[1], "x", 1), 1);
	stays.join();
	EQUAL(stays.event.portev_source, PORT_SOURCE_FD);
	EQUAL(info_of(port).pi_waiters, 0);
	EQUAL(port_close(port), 0); // would wait for a thread that is still in a call
	done("a leader ends, another leads");
	close(ends[0]);
	close(ends[1]);
}

// libgcc, which unwinds a thread that ends, is loaded at the first end, which a handler had better not do.
void load_unwinder() {
	pthread_t thread;
	auto end = [](void*) -> void* { pthread_exit(nullptr); };
	EQUAL(pthread_create(&thread, nullptr, end, nullptr), 0);
	EQUAL(pthread_join(thread, nullptr), 0);
}

int body() {
	load_unwinder();
	struct sigaction action = {};
	action.sa_handler = end_thread;
	EQUAL(sigaction(SIGUSR1, &action, nullptr), 0);
	follower_ends();
	leader_ends();
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(body); }
