// A handler that runs while a waiter is awake for nothing, between two sleeps, ends its wait as one
// that runs while it sleeps does (2.5.10); one over a critical section leaves it as it was. The library of
// this program asks here before each store.

#include "support.hpp"

#include "sys/raw_call.hpp"
#include "sys/thread.hpp"

#include <atomic>
#include <cstdarg>
#include <csignal>
#include <cstring>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

using namespace test;

namespace {

// Stores of core/get.cpp, from the first in a call to the first before its second sleep.
constexpr int AS_FOLLOWER = 3;
constexpr int AS_LEADER = 6;

int port = -1;
volatile sig_atomic_t handled = 0;
thread_local int stores_left = 0;
thread_local int signal_then = 0;
std::atomic<bool> signalled{false};

// What the library asks of the kernel about signals, in this thread.
thread_local int masks = 0;
thread_local int signal_once_asked = 0; // which are waiting

void handler(int) { handled = handled + 1; }

thread_local bool makes_a_port = false;

void at_store(const char* file) {
	if (makes_a_port && evp::sys::self().critical.load() != 0) {
		makes_a_port = false;
		EQUAL(port_create(), -1);
		EQUAL(errno, EAGAIN);
		EQUAL(evp::sys::self().critical.load() != 0, true);
	}
	if (stores_left == 0 || !strstr(file, "core/get.cpp") || --stores_left != 0) return;
	EQUAL(raise(signal_then), 0);
	signalled.store(true);
}

// A waiter that is woken because a process joins, and signalled before it sleeps again.
std::thread waiter(int store, int signal, int expected_errno, int next = 0) {
	handled = 0;
	signalled.store(false);
	while (info_of(port).pi_members != 1) sched_yield();
	std::thread thread([=] {
		port_event_t event;
		stores_left = store;
		signal_then = signal;
		signal_once_asked = next;
		int rc = port_get(port, &event, nullptr);
		EQUAL(rc == 0 ? 0 : errno, expected_errno);
	});
	while (info_of(port).pi_waiters != 1) sched_yield();
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) _exit(info_of(port).pi_members == 2 ? 0 : 1);
	int status = 0;
	EQUAL(waitpid(pid, &status, 0), pid);
	EQUAL(status, 0);
	while (!signalled.load()) sched_yield();
	return thread;
}

void signalled_awake(int store, const char* name) {
	CHECK((port = port_create()) >= 0);
	int ends[2];
	EQUAL(pipe(ends), 0);
	if (store == AS_LEADER)
		EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(ends[0]), POLLIN, nullptr), 0);
	waiter(store, SIGUSR1, EINTR).join();
	EQUAL(handled, 1);
	// One that no handler is for interrupts nothing.
	std::thread ignoring = waiter(store, SIGURG, 0);
	EQUAL(port_send(port, 1, nullptr), 0);
	ignoring.join();
	EQUAL(handled, 0);
	EQUAL(port_close(port), 0);
	for (int fd : ends) close(fd);
	done(name);
}

// Most waits are answered at the first waking: no signal is held back for that.
void held_for_nothing(bool descriptors) {
	CHECK((port = port_create()) >= 0);
	int ends[2];
	EQUAL(pipe(ends), 0);
	auto arm = [&] {
		if (!descriptors) return;
		EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(ends[0]), POLLIN, nullptr), 0);
	};
	arm();
	std::atomic<unsigned> got{0};
	auto waits = [&] {
		port_event_t event;
		masks = 0;
		EQUAL(port_get(port, &event, nullptr), 0);
		EQUAL(masks, 0);
		got++;
	};
	std::thread one(waits), two(waits);
	for (unsigned i = 0; i < 2; i++) {
		while (got.load() != i || info_of(port).pi_waiters != 2 - i) sched_yield();
		// The first is had by the leader, where there is one: the other is called to lead.
		if (descriptors && i == 0)
			EQUAL(write(ends[1], "", 1), 1);
		else
			EQUAL(port_send(port, 1, nullptr), 0);
	}
	one.join();
	two.join();
	EQUAL(port_close(port), 0);
	for (int fd : ends) close(fd);
	done(descriptors ? "no signal is held back by a leader that is answered, nor by the next"
	                 : "no signal is held back by followers that are answered");
}

// Between the look at what waits and the dropping of what nobody handles.
void signalled_while_one_is_dropped() {
	CHECK((port = port_create()) >= 0);
	int ends[2];
	EQUAL(pipe(ends), 0);
	EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(ends[0]), POLLIN, nullptr), 0);
	waiter(AS_LEADER, SIGURG, EINTR, SIGUSR1).join();
	EQUAL(handled, 1);
	EQUAL(port_close(port), 0);
	for (int fd : ends) close(fd);
	done("a signal while another, which no handler is for, is dropped");
}

void makes_a_port_inside() {
	CHECK((port = port_create()) >= 0);
	makes_a_port = true;
	EQUAL(port_send(port, 1, nullptr), 0);
	EQUAL(makes_a_port, false);
	EQUAL(port_close(port), 0);
	done("a handler over a critical section makes no port");
}

int body() {
	struct sigaction action {};
	action.sa_handler = handler;
	EQUAL(sigaction(SIGUSR1, &action, nullptr), 0);
	signalled_awake(AS_LEADER, "a signal between two sleeps of the leader");
	signalled_awake(AS_FOLLOWER, "a signal between two sleeps of a follower");
	signalled_while_one_is_dropped();
	held_for_nothing(false);
	held_for_nothing(true);
	makes_a_port_inside();
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

// libc's, as the library sees it.
extern "C" long syscall(long number, ...) {
	va_list list;
	va_start(list, number);
	long given[6];
	for (long& argument : given) argument = va_arg(list, long);
	va_end(list);
	masks += number == SYS_rt_sigprocmask;
	long answer = evp::sys::raw_call(number, given[0], given[1], given[2], given[3], given[4], given[5]);
	if (number == SYS_rt_sigpending && signal_once_asked != 0) EQUAL(raise(std::exchange(signal_once_asked, 0)), 0);
	if (answer >= 0) return answer;
	errno = static_cast<int>(-answer);
	return -1;
}

extern "C" void evp_killpoint(const char* file, int) { at_store(file); }

int main() { return watched(body); }
