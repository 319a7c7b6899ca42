// A handler that runs while a waiter is awake for nothing, between two sleeps, ends its wait as one
// that runs while it sleeps does (2.5.10). The library of this program asks here before each store.

#include "support.hpp"

#include <atomic>
#include <csignal>
#include <cstring>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace test;

namespace {

// Stores of core/retrieve.cpp, from the first in a call to the first before its second sleep.
constexpr int AS_FOLLOWER = 2;
constexpr int AS_LEADER = 4;

int port = -1;
volatile sig_atomic_t handled = 0;
thread_local int stores_left = 0;
thread_local int signal_then = 0;
std::atomic<bool> signalled{false};

void handler(int) { handled = handled + 1; }

void at_store(const char* file) {
	if (stores_left == 0 || !strstr(file, "core/retrieve.cpp") || --stores_left != 0) return;
	EQUAL(raise(signal_then), 0);
	signalled.store(true);
}

// A waiter that is woken because a process joins, and signalled before it sleeps again.
std::thread waiter(int store, int signal, int expected_errno) {
	handled = 0;
	signalled.store(false);
	while (info_of(port).pi_members != 1) sched_yield();
	std::thread thread([=] {
		port_event_t event;
		stores_left = store;
		signal_then = signal;
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

int body() {
	struct sigaction action {};
	action.sa_handler = handler;
	EQUAL(sigaction(SIGUSR1, &action, nullptr), 0);
	signalled_awake(AS_LEADER, "a signal between two sleeps of the leader");
	signalled_awake(AS_FOLLOWER, "a signal between two sleeps of a follower");
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

extern "C" void evp_killpoint(const char* file, int) { at_store(file); }

int main() { return watched(body); }
