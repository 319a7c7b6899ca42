// A thread that ends in a signal handler, or leaves it by siglongjmp, ends the wait that the handler interrupted: on illumos the
// handler runs when the call has left (2.5.10), so that nothing is handed to it any more (3.13).

#include "support.hpp"

#include <atomic>
#include <csetjmp>
#include <csignal>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <thread>
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
		while (!asleep_in_call(tid.load())) sched_yield();
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

sigjmp_buf out;
std::atomic<int> left{0};

void jump(int) { siglongjmp(out, 1); }

// Leaves as many waits at the port by siglongjmp, out of a handler over each. It comes when the
// thread sleeps, so not over its critical section.
void leave_waits(int port, int times) {
	pid_t tid = gettid();
	pthread_t self = pthread_self();
	left.store(0);
	std::thread interrupter([=] {
		for (int i = 0; i < times; i++) {
			while (left.load() < i || !asleep_in_call(tid)) sched_yield();
			pthread_kill(self, SIGUSR2);
			while (left.load() == i) sched_yield();
		}
	});
	while (left.load() < times) {
		port_event_t event;
		if (sigsetjmp(out, 1) == 0) EQUAL(port_get(port, &event, nullptr), -99); // never returns
		left.fetch_add(1);
	}
	interrupter.join();
}

// More than a thread may have under way. Its next call ends them.
void waits_are_left(bool leading) {
	int port = port_create(), ends[2];
	EQUAL(pipe(ends), 0);
	if (leading) EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(ends[0]), POLLIN, nullptr), 0);
	leave_waits(port, 100);
	port_event_t event;
	timespec zero{};
	EQUAL(port_get(port, &event, &zero), -1);
	EQUAL(errno, ETIME);
	EQUAL(info_of(port).pi_waiters, 0);
	Waiter stays(port);
	if (leading) EQUAL(write(ends[1], "x", 1), 1);
	else EQUAL(port_send(port, 7, nullptr), 0);
	stays.join();
	EQUAL(stays.event.portev_source, leading ? PORT_SOURCE_FD : PORT_SOURCE_USER);
	EQUAL(port_close(port), 0);
	close(ends[0]);
	close(ends[1]);
	done(leading ? "leading waits that were left by siglongjmp end, another leads"
	             : "waits that were left by siglongjmp end, who stays has what comes");
}

int handlers_port = -1;
std::atomic<int> handled{0};

void call_in_handler(int) {
	int error = errno;
	port_event_t event;
	timespec zero{};
	EQUAL(port_get(handlers_port, &event, &zero), -1);
	EQUAL(port_send(handlers_port, 8, nullptr), 0);
	EQUAL(port_get(handlers_port, &event, &zero), 0);
	handled.fetch_add(1);
	errno = error;
}

// A handler's calls, on either stack, end nothing of the call that it interrupted.
void calls_under_way_stay(int flags) {
	static char stack[64 * 1024];
	stack_t alternate = {};
	alternate.ss_sp = stack;
	alternate.ss_size = sizeof stack;
	struct sigaction action = {};
	action.sa_handler = call_in_handler;
	action.sa_flags = flags;
	EQUAL(sigaction(SIGUSR2, &action, nullptr), 0);
	handlers_port = port_create();
	int port = port_create();
	std::atomic<pid_t> tid{0};
	std::thread waiter([&] {
		stack_t before; // a sanitizer's, which frees it
		EQUAL(sigaltstack(&alternate, &before), 0);
		tid.store(gettid());
		port_event_t event;
		EQUAL(port_get(port, &event, nullptr), -1);
		EQUAL(errno, EINTR);
		EQUAL(port_get(port, &event, nullptr), 0);
		EQUAL(sigaltstack(&before, nullptr), 0);
	});
	while (tid.load() == 0 || !asleep_in_call(tid.load())) sched_yield();
	pthread_kill(waiter.native_handle(), SIGUSR2);
	while (handled.load() == 0) sched_yield();
	EQUAL(port_send(port, 7, nullptr), 0);
	waiter.join();
	EQUAL(handled.exchange(0), 1);
	EQUAL(port_close(port), 0);
	EQUAL(port_close(handlers_port), 0);
	done(flags ? "calls in a handler on its own stack leave the one below alone"
	           : "calls in a handler leave the one below alone");
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
	action.sa_handler = jump;
	EQUAL(sigaction(SIGUSR2, &action, nullptr), 0);
	waits_are_left(false);
	waits_are_left(true);
	calls_under_way_stay(0);
	calls_under_way_stay(SA_ONSTACK);
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(body); }
