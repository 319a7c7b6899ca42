// What survivors find when another process goes at the worst moment in another way than
// by dying where it stands alone: exec takes a thread from the critical section; whoever
// inherits the lock is held up before it says so; a leader has a descriptor's one shot in
// hand, and nobody waits for long (design rule 6).

#include "support.hpp"

#include "core/registry.hpp"

#include <csignal>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <string>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace test;

namespace {

int port = -1;
int told[2]; // a pipe: the other process is where it should be
const std::atomic<uint32_t>* lock_word = nullptr;

// What the other process does instead of a store: called at each, with its number.
void (*instead)() = nullptr;
thread_local bool armed = false;
thread_local int stores = 0;

bool inside() { return (lock_word->load() & FUTEX_TID_MASK) == syscall(SYS_gettid); }

void tell() { EQUAL(write(told[1], "x", 1), 1); }
void hear() {
	char byte;
	EQUAL(read(told[0], &byte, 1), 1);
}

void make_port() {
	CHECK((port = port_create()) >= 0);
	lock_word = evp::registry::known(port)->region().header().lock.word.word();
	EQUAL(pipe2(told, O_CLOEXEC), 0);
}

void unmake_port() {
	EQUAL(port_close(port), 0);
	for (int fd : told) close(fd);
}

void ended_by(pid_t pid, int how) {
	int status = 0;
	EQUAL(waitpid(pid, &status, 0), pid);
	EQUAL(status, how);
}

// --- exec while a thread is inside the critical section: neither dead nor there.

void stay_inside() {
	if (!armed || !inside() || ++stores != 3) return; // the first says who holds the lock
	tell();
	for (;;) pause();
}

void send_armed() {
	armed = true;
	(void)port_send(port, 1, nullptr);
}

// `who` holds the lock, the other thread execs.
void exec_from(bool main_holds) {
	make_port();
	int end[2];
	EQUAL(pipe(end), 0); // open as long as the new image lives
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(end[1]);
		char number[16];
		snprintf(number, sizeof number, "%d", end[0]);
		auto go = [&] {
			hear();
			dup2(end[0], STDIN_FILENO);
			execlp("cat", "cat", nullptr);
			_exit(127);
		};
		EQUAL(port_send(port, 7, nullptr), 0);
		instead = stay_inside;
		if (main_holds) {
			std::thread other(go);
			send_armed();
		}
		std::thread other(send_armed);
		go();
	}
	close(end[0]);
	// By now or later the lock is inherited: both calls come back while the image lives.
	while (lock_word->load() == 0 || !(lock_word->load() & FUTEX_OWNER_DIED)) sched_yield();
	EQUAL(port_send(port, 8, nullptr), 0);
	port_event_t event;
	EQUAL(port_get(port, &event, nullptr), 0);
	EQUAL(event.portev_events, 7);
	EQUAL(port_get(port, &event, nullptr), 0);
	EQUAL(event.portev_events, 8);
	close(end[1]);
	ended_by(pid, 0);
	EQUAL(info_of(port).pi_members, 1);
	unmake_port();
}

void exec_takes_the_holder() {
	exec_from(false);
	done("exec ends a thread inside the critical section");
	exec_from(true);
	done("exec ends the main thread inside the critical section");
}

// --- Who inherits the lock of a dead process is stopped before it says who it is.

void die_inside() {
	if (armed && inside() && ++stores == 3) kill(getpid(), SIGKILL);
}
void stop_unsaid() {
	if (armed && inside() && ++stores == 1) raise(SIGSTOP);
}

struct Sender {
	pid_t pid;
	int start; // a pipe
	void begin() const { EQUAL(write(start, "x", 1), 1); }
};

Sender sender(void (*at_stores)()) {
	int start[2];
	EQUAL(pipe2(start, O_CLOEXEC), 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		EQUAL(info_of(port).pi_queued, 0); // a member now
		tell();
		char byte;
		EQUAL(read(start[0], &byte, 1), 1);
		instead = at_stores;
		send_armed();
		_exit(0);
	}
	close(start[0]);
	hear();
	return {pid, start[1]};
}

void successor_is_not_robbed() {
	make_port();
	EQUAL(port_send(port, 0, nullptr), 0);
	port_event_t event;
	EQUAL(port_get(port, &event, nullptr), 0);
	Sender third = sender(nullptr), successor = sender(stop_unsaid), dead = sender(die_inside);
	dead.begin();
	ended_by(dead.pid, SIGKILL);
	successor.begin();
	int status = 0;
	EQUAL(waitpid(successor.pid, &status, WUNTRACED), successor.pid);
	CHECK(WIFSTOPPED(status));
	third.begin();
	while (!in_futex(third.pid)) sched_yield();
	// Its sleep ends three times, and each time it looks who has the lock.
	for (long before = sleeps_of(third.pid); sleeps_of(third.pid) < before + 3;) {
		EQUAL(waitpid(third.pid, &status, WNOHANG), 0);
		sched_yield();
	}
	EQUAL(kill(successor.pid, SIGCONT), 0);
	ended_by(successor.pid, 0);
	ended_by(third.pid, 0);
	EQUAL(info_of(port).pi_queued, 2);
	for (int fd : {third.start, successor.start, dead.start}) close(fd);
	unmake_port();
	done("a successor that is stopped before it says who it is keeps the lock");
}

// --- A leader dies with one shots in hand; survivors never wait for long.

constexpr int DESCRIPTORS = 1000;

int fatal = 0;

void die_outside() {
	if (!armed || inside() || ++stores != fatal) return;
	kill(getpid(), SIGKILL);
}

void swallowed(bool polling, int store) {
	make_port();
	std::vector<int> ends(DESCRIPTORS * 2);
	for (int i = 0; i < DESCRIPTORS; i++) {
		int* pair = &ends[static_cast<size_t>(i) * 2];
		EQUAL(pipe2(pair, O_CLOEXEC), 0);
		EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(pair[0]), POLLIN,
		                     cookie(static_cast<uint64_t>(i))),
		      0);
	}
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		EQUAL(port_alert(port, PORT_ALERT_SET, 0, nullptr), 0); // a member now
		instead = die_outside;
		fatal = store;
		for (int i = 0; i < DESCRIPTORS; i++) EQUAL(write(ends[static_cast<size_t>(i) * 2 + 1], "x", 1), 1);
		armed = true;
		unsigned queued = 0; // collects, and takes nothing
		for (;;) EQUAL(port_getn(port, nullptr, 0, &queued, nullptr), 0);
	}
	ended_by(pid, SIGKILL);
	std::vector<bool> seen(DESCRIPTORS);
	std::vector<port_event_t> list(DESCRIPTORS);
	timespec timeout{0, polling ? 0 : 1'000'000};
	for (unsigned total = 0, got = 1; total < DESCRIPTORS; total += got, got = 1) {
		if (port_getn(port, list.data(), DESCRIPTORS, &got, &timeout) != 0) EQUAL(errno, ETIME);
		for (unsigned i = 0; i < got; i++) {
			CHECK(!seen[number_of(list[i])]);
			seen[number_of(list[i])] = true;
		}
	}
	unmake_port();
	for (int fd : ends) close(fd);
}

void leader_dies_with_events_in_hand() {
	for (int store = 1; store <= 8; store++) {
		swallowed(true, store);
		swallowed(false, store);
	}
	done("a thousand one shots, some swallowed by a death: survivors that poll have all of them");
}

int body() {
	exec_takes_the_holder();
	successor_is_not_robbed();
	leader_dies_with_events_in_hand();
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

extern "C" void evp_killpoint(const char*, int) {
	if (instead) instead();
}

int main() { return watched(body); }
