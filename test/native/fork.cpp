// A child and its port, from the first instruction after fork: what it may use,
// what stays its parent's, and what its end leaves alone (sections 11, 2.11).

#include "support.hpp"

#include "core/registry.hpp"
#include "sys/process.hpp"

#include <csignal>
#include <fcntl.h>
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
const timespec NONE{};

uint64_t next() { // blocks
	port_event_t event;
	EQUAL(port_get(port, &event, nullptr), 0);
	return number_of(event);
}

void nothing_more() {
	port_event_t event;
	EQUAL(port_get(port, &event, &NONE), -1);
	EQUAL(errno, ETIME);
}

template <class Body>
pid_t child(Body body) {
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid != 0) return pid;
	body();
	_exit(0);
}

void ended(pid_t pid) {
	int status = 0;
	EQUAL(waitpid(pid, &status, 0), pid);
	EQUAL(status, 0);
}

void associate(int fd, uint64_t user) {
	EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(fd), POLLIN, cookie(user)), 0);
}

void with_port(const char* name, void (*test)()) {
	CHECK((port = port_create()) >= 0);
	test();
	EQUAL(port_close(port), 0);
	done(name);
}

void users_both_ways() {
	EQUAL(port_send(port, 1, cookie(1)), 0);
	pid_t pid = child([] {
		EQUAL(next(), 1); // sent before fork, taken by the child's first call
		EQUAL(port_send(port, 1, cookie(2)), 0);
	});
	ended(pid);
	EQUAL(next(), 2);
	pid = child([] { EQUAL(port_send(port, 1, cookie(next() + 1)), 0); });
	while (info_of(port).pi_waiters != 1) sched_yield(); // the child waits
	EQUAL(port_send(port, 1, cookie(40)), 0);
	ended(pid);
	EQUAL(next(), 41);
	nothing_more();
}

pid_t forked = -1;
bool calls = false; // the child, before it returns from the handler
void fork_in_handler(int) {
	int saved = errno;
	forked = fork();
	if (forked == 0 && calls) EQUAL(info_of(port).pi_members, 2);
	errno = saved;
}

// The child returns from the handler into a wait that is its parent's.
void handler_forks(bool leading, bool calling) {
	calls = calling;
	int ends[2], left[2];
	EQUAL(pipe(ends), 0);
	EQUAL(pipe(left), 0);
	if (leading) associate(ends[0], 9); // the last to wait sleeps in the set
	struct sigaction action = {};
	action.sa_handler = fork_in_handler;
	EQUAL(sigaction(SIGUSR1, &action, nullptr), 0);
	std::thread other([] { EQUAL(next(), 7); });
	std::thread interrupter([self = pthread_self(), tid = gettid()] {
		while (info_of(port).pi_waiters != 2 || !asleep_in_call(tid)) sched_yield();
		EQUAL(pthread_kill(self, SIGUSR1), 0);
	});
	port_event_t event;
	EQUAL(port_get(port, &event, nullptr), -1);
	EQUAL(errno, EINTR);
	char byte = 0;
	if (forked == 0) {
		EQUAL(read(left[0], &byte, 1), 1);
		EQUAL(info_of(port).pi_waiters, 1); // the parent's other thread
		EQUAL(port_send(port, 1, cookie(7)), 0);
		_exit(0);
	}
	EQUAL(write(left[1], &byte, 1), 1); // this one has left
	interrupter.join();
	ended(forked);
	other.join();
	EQUAL(info_of(port).pi_waiters, 0);
	if (leading) EQUAL(port_dissociate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(ends[0])), 0);
	nothing_more();
	for (int* pair : {ends, left})
		for (int i = 0; i < 2; i++) close(pair[i]);
}

// Ready in the parent's descriptor, of another file under that number in the child.
void another_file_under_the_number() {
	int ours[2], theirs[2], go[2];
	EQUAL(pipe(ours), 0);
	EQUAL(pipe(theirs), 0);
	EQUAL(pipe(go), 0);
	associate(ours[0], 7);
	pid_t pid = child([&] {
		EQUAL(dup2(theirs[0], ours[0]), ours[0]);
		char byte;
		EQUAL(read(go[0], &byte, 1), 1); // the parent's file is ready now
		nothing_more();                  // collects, and leaves it to its owner
		EQUAL(port_dissociate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(ours[0])), -1);
		EQUAL(errno, ENOENT);
		associate(ours[0], 8);
		EQUAL(write(theirs[1], "x", 1), 1);
		EQUAL(next(), 8);
		nothing_more();
	});
	EQUAL(write(ours[1], "x", 1), 1);
	EQUAL(write(go[1], "x", 1), 1);
	ended(pid);
	EQUAL(next(), 7);
	nothing_more();
	for (auto* pair : {ours, theirs, go})
		for (int i = 0; i < 2; i++) close(pair[i]);
}

// 11.1 ... 11.3: a child may have it and arm it again; it stays the parent's.
void same_file_is_for_both() {
	int pair[2];
	EQUAL(pipe(pair), 0);
	associate(pair[0], 7);
	pid_t pid = child([&] {
		EQUAL(write(pair[1], "x", 1), 1);
		EQUAL(next(), 7);
		EQUAL(port_dissociate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(pair[0])), -1);
		EQUAL(errno, EACCES);
		associate(pair[0], 8);
		EQUAL(port_send(port, 1, cookie(9)), 0);
		EQUAL(next(), 8); // it was ready when it was associated
		EQUAL(next(), 9);
		associate(pair[0], 10);
		EQUAL(port_dissociate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(pair[0])), -1);
		EQUAL(errno, EACCES);
	});
	ended(pid);
	EQUAL(info_of(port).pi_members, 1);
	EQUAL(next(), 10);
	EQUAL(port_dissociate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(pair[0])), -1);
	EQUAL(errno, ENOENT); // retrieved (2.3.3)
	nothing_more();
	EQUAL(info_of(port).pi_slots, 0);
	for (int fd : pair) close(fd);
}

// 11.1: what it was not while another file had its number.
void the_same_file_again() {
	int pair[2];
	EQUAL(pipe(pair), 0);
	int keep = dup(pair[0]);
	associate(pair[0], 7);
	EQUAL(write(pair[1], "x", 1), 1);
	pid_t pid = child([&] {
		int other = open("/dev/null", O_RDONLY);
		EQUAL(dup2(other, pair[0]), pair[0]);
		nothing_more();
		EQUAL(dup2(keep, pair[0]), pair[0]);
		EQUAL(next(), 7);
		nothing_more();
	});
	ended(pid);
	close(keep);
	for (int fd : pair) close(fd);
}

// Whoever frees a slot makes a system call for each that waits for one, while one does.
void killed_while_it_waits_for_a_slot() {
	EQUAL(port_close(port), 0);
	CHECK((port = port_create_limit(1, 0)) >= 0);
	const auto& waiting = evp::registry::known(port)->region().header().slot_waiters;
	EQUAL(port_send(port, 1, nullptr), 0);
	pid_t pid = child([] { port_dispatch(port, 0, PORT_SOURCE_MQ, 1, 2, nullptr); });
	while (waiting.load() == 0) sched_yield();
	EQUAL(kill(pid, SIGKILL), 0);
	EQUAL(waitpid(pid, nullptr, 0), pid);
	EQUAL(info_of(port).pi_members, 1);
	EQUAL(waiting.load(), 0);
}

// The child returns from the handler into a wait for a slot that is its parent's.
void handler_forks_over_a_wait_for_a_slot() {
	EQUAL(port_close(port), 0);
	CHECK((port = port_create_limit(1, 0)) >= 0);
	const auto& waiting = evp::registry::known(port)->region().header().slot_waiters;
	EQUAL(port_send(port, 1, nullptr), 0);
	calls = false;
	struct sigaction action = {};
	action.sa_handler = fork_in_handler;
	EQUAL(sigaction(SIGUSR1, &action, nullptr), 0);
	auto post = [] { return port_dispatch(port, 0, PORT_SOURCE_MQ, 1, 2, nullptr); };
	std::thread other([&] { EQUAL(post(), 0); });
	std::thread interrupter([&, self = pthread_self(), tid = gettid()] {
		while (waiting.load() != 2 || !asleep_in_call(tid)) sched_yield();
		EQUAL(pthread_kill(self, SIGUSR1), 0);
	});
	EQUAL(post(), -1);
	EQUAL(errno, EINTR);
	if (forked == 0) _exit(0);
	interrupter.join();
	ended(forked);
	EQUAL(waiting.load(), 1); // the other thread's
	EQUAL(next(), 0);
	other.join();
	EQUAL(next(), 0);
}

// Of so many that no single look lists them: those it may not have first.
void many_of_the_parents() {
	constexpr int FOREIGN = 100, SHARED = 200;
	std::vector<int> ends((FOREIGN + SHARED) * 2);
	for (int i = 0; i < FOREIGN + SHARED; i++) {
		EQUAL(pipe(&ends[static_cast<size_t>(i) * 2]), 0);
		associate(ends[static_cast<size_t>(i) * 2], static_cast<uint64_t>(i));
	}
	for (int i = 0; i < FOREIGN + SHARED; i++) EQUAL(write(ends[static_cast<size_t>(i) * 2 + 1], "x", 1), 1);
	unsigned queued = 0;
	EQUAL(port_getn(port, nullptr, 0, &queued, nullptr), 0); // collected
	pid_t pid = child([&] {
		int none = open("/dev/null", O_RDONLY);
		for (int i = 0; i < FOREIGN; i++)
			EQUAL(dup2(none, ends[static_cast<size_t>(i) * 2]), ends[static_cast<size_t>(i) * 2]);
		std::vector<port_event_t> list(512);
		for (unsigned got = 0, some = 1; got < SHARED; got += some, some = 1) {
			EQUAL(port_getn(port, list.data(), 512, &some, nullptr), 0);
			for (unsigned i = 0; i < some; i++) CHECK(number_of(list[i]) >= FOREIGN);
		}
		nothing_more();
	});
	ended(pid);
	std::vector<port_event_t> list(512);
	unsigned got = FOREIGN;
	EQUAL(port_getn(port, list.data(), 512, &got, &NONE), 0);
	EQUAL(got, FOREIGN);
	for (int fd : ends) close(fd);
}

// A child that waits is called for what it may have, and for nothing else.
void a_waiting_child_is_called() {
	int pair[2], other[2], done[2];
	EQUAL(pipe(pair), 0);
	EQUAL(pipe(other), 0);
	EQUAL(pipe(done), 0);
	pid_t pid = child([&] {
		EQUAL(dup2(done[1], other[0]), other[0]); // another file under that number
		EQUAL(next(), 7);
		EQUAL(write(done[1], "x", 1), 1);
		EQUAL(next(), 8);
	});
	while (info_of(port).pi_waiters != 1) sched_yield();
	associate(other[0], 6);
	EQUAL(write(other[1], "x", 1), 1);
	associate(pair[0], 7);
	EQUAL(write(pair[1], "x", 1), 1);
	char byte;
	EQUAL(read(done[0], &byte, 1), 1);
	while (info_of(port).pi_waiters != 1) sched_yield();
	associate(pair[0], 8);
	ended(pid);
	EQUAL(next(), 6);
	nothing_more();
	for (auto* each : {pair, other, done})
		for (int i = 0; i < 2; i++) close(each[i]);
}

void exit_leaves_the_parents_armed() {
	int ours[2], both[2];
	EQUAL(pipe(ours), 0);
	EQUAL(pipe(both), 0);
	associate(ours[0], 7);
	for (int how = 0; how < 3; how++) {
		ended(child([&] {
			EQUAL(port_send(port, 1, cookie(1)), 0); // a member now
			if (how == 1) associate(both[0], 9);
			if (how == 2) {
				EQUAL(port_fd_close(ours[0]), 0);
				EQUAL(close(ours[0]), 0);
				EQUAL(port_close(port), 0);
			}
		}));
		EQUAL(next(), 1);
		nothing_more();
		EQUAL(write(ours[1], "x", 1), 1);
		EQUAL(next(), 7);
		char byte;
		EQUAL(read(ours[0], &byte, 1), 1);
		associate(ours[0], 7);
	}
	for (auto* pair : {ours, both})
		for (int i = 0; i < 2; i++) close(pair[i]);
}

// 11.6: one who closes and lives on takes along what it owns, and nothing else.
void a_close_takes_what_is_its_own() {
	int ours[2], theirs[2], go[2];
	for (auto* pair : {ours, theirs, go}) EQUAL(pipe(pair), 0);
	associate(ours[0], 7);
	pid_t pid = child([&] {
		associate(theirs[0], 8);
		EQUAL(write(theirs[1], "x", 1), 1);
		EQUAL(port_send(port, 1, cookie(1)), 0);
		unsigned queued = 0;
		EQUAL(port_getn(port, nullptr, 0, &queued, nullptr), 0);
		EQUAL(queued, 2);
		EQUAL(port_close(port), 0);
		char byte;
		EQUAL(read(go[0], &byte, 1), 1);
	});
	while (info_of(port).pi_members != 1 || info_of(port).pi_slots != 2) sched_yield();
	EQUAL(next(), 1);
	nothing_more();
	EQUAL(write(ours[1], "x", 1), 1);
	EQUAL(next(), 7);
	EQUAL(info_of(port).pi_slots, 1);
	EQUAL(write(go[1], "x", 1), 1);
	ended(pid);
	for (auto* pair : {ours, theirs, go})
		for (int i = 0; i < 2; i++) close(pair[i]);
}

// The parent waits in the kernel or on its futex while the child sends.
void parent_waits() {
	int pair[2];
	EQUAL(pipe(pair), 0);
	for (bool leading : {false, true}) {
		if (leading) associate(pair[0], 7);
		std::thread waiter([] { EQUAL(next(), 5); });
		while (info_of(port).pi_waiters != 1) sched_yield();
		ended(child([] { EQUAL(port_send(port, 1, cookie(5)), 0); }));
		waiter.join();
	}
	for (int fd : pair) close(fd);
}

void grandchildren() {
	ended(child([] {
		EQUAL(port_send(port, 1, cookie(1)), 0);
		ended(child([] {
			EQUAL(next(), 1);
			ended(child([] { EQUAL(port_send(port, 1, cookie(2)), 0); }));
			EQUAL(next(), 2);
			EQUAL(port_send(port, 1, cookie(3)), 0);
		}));
	}));
	EQUAL(next(), 3);
	nothing_more();
}

void alert_reaches_parent() {
	ended(child([] { EQUAL(port_send(port, 1, cookie(1)), 0); }));
	EQUAL(next(), 1);
	EQUAL(port_alert(port, PORT_ALERT_SET, 3, cookie(4)), 0);
	ended(child([] {
		port_event_t event;
		EQUAL(port_get(port, &event, nullptr), 0);
		EQUAL(event.portev_source, PORT_SOURCE_ALERT);
		EQUAL(event.portev_events, 3);
		EQUAL(port_alert(port, PORT_ALERT_SET, 0, nullptr), 0);
	}));
	nothing_more();
}

// A signal may come at any instruction of it.
void handler_over_a_childs_first_call() {
	struct sigaction action = {};
	action.sa_handler = [](int) {
		int saved = errno;
		(void)port_send(port, 2, nullptr);
		errno = saved;
	};
	EQUAL(sigaction(SIGUSR1, &action, nullptr), 0);
	for (long delay = 1; delay <= 200; delay++) {
		ended(child([delay] {
			alarm(20);
			sigevent event{};
			event.sigev_notify = SIGEV_SIGNAL;
			event.sigev_signo = SIGUSR1;
			timer_t timer;
			EQUAL(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
			itimerspec time{{}, {0, delay * 1000}};
			EQUAL(timer_settime(timer, 0, &time, nullptr), 0);
			EQUAL(port_send(port, 1, nullptr), 0);
		}));
		port_event_t list[4];
		unsigned count = 1;
		EQUAL(port_getn(port, list, 4, &count, &NONE), 0);
		CHECK(count >= 1);
	}
}

// What its first call asks of the kernel must not end it in its middle: others would wait for that.
[[maybe_unused]] void cancelled_in_a_childs_first_call() {
	ended(child([] {
		alarm(20);
		pthread_t thread;
		auto first = [](void* called) -> void* {
			pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
			pthread_cancel(pthread_self());
			pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
			*static_cast<int*>(called) = port_send(port, 1, nullptr) == 0;
			pthread_testcancel();
			return nullptr;
		};
		int called = 0;
		EQUAL(pthread_create(&thread, nullptr, first, &called), 0);
		void* result;
		EQUAL(pthread_join(thread, &result), 0);
		CHECK(result == PTHREAD_CANCELED);
		EQUAL(called, 1);
		EQUAL(port_send(port, 1, nullptr), 0);
	}));
	EQUAL(next(), 0);
	EQUAL(next(), 0);
	nothing_more();
}

// To /proc it looks like a zombie then.
void main_thread_ends() {
	int gate[2];
	EQUAL(pipe(gate), 0);
	pid_t pid = child([&] {
		std::thread([&] {
			char byte;
			EQUAL(read(gate[0], &byte, 1), 1);
			_exit(0);
		}).detach();
		syscall(SYS_exit, 0);
	});
	uint64_t started = evp::sys::start_time_of(pid, nullptr);
	char state = 0;
	while (state != 'Z') {
		FILE* file = fopen(("/proc/" + std::to_string(pid) + "/stat").c_str(), "r");
		CHECK(file);
		EQUAL(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
		fclose(file);
	}
	bool zombie = true;
	EQUAL(evp::sys::start_time_of(pid, &zombie), started);
	CHECK(!zombie);
	CHECK(!evp::sys::process_dead(pid, started));
	CHECK(evp::sys::process_dead(pid, started + 1)); // another that had the number
	EQUAL(write(gate[1], "x", 1), 1);
	siginfo_t info;
	EQUAL(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
	EQUAL(evp::sys::start_time_of(pid, &zombie), started);
	CHECK(zombie);
	CHECK(evp::sys::process_dead(pid, started));
	ended(pid);
	CHECK(evp::sys::process_dead(pid, started));
	for (int fd : gate) close(fd);
	done("a process lives until its last thread has ended");
}

int body() {
	main_thread_ends();
	with_port("USER events both ways, from the child's first call", users_both_ways);
	with_port("another file under the number: each its own", another_file_under_the_number);
	with_port("the same file under the number: its event is for both", same_file_is_for_both);
	with_port("the same file under the number again: its event too", the_same_file_again);
	with_port("a child that waits is called for what it may have", a_waiting_child_is_called);
	with_port("killed while it waits for a slot: nobody waits", killed_while_it_waits_for_a_slot);
	with_port("more of the parent's than one look lists", many_of_the_parents);
	with_port("a child's end leaves the parent's associations armed", exit_leaves_the_parents_armed);
	with_port("a close takes what is its own", a_close_takes_what_is_its_own);
	with_port("a parent that waits hears its child", parent_waits);
	with_port("a handler over a wait forks: the child is interrupted, the wait is the parent's", [] { handler_forks(false, false); });
	with_port("the same, and the child has made a call in the handler", [] { handler_forks(false, true); });
	with_port("the same over a wait in the kernel", [] { handler_forks(true, false); });
	with_port("the same with a call in the handler", [] { handler_forks(true, true); });
	with_port("a handler over a wait for a slot forks", handler_forks_over_a_wait_for_a_slot);
	with_port("a handler calls over a child's first call", handler_over_a_childs_first_call);
#ifndef __SANITIZE_THREAD__ // whose own calls of libc in between can be cancelled
	with_port("a thread is cancelled in a child's first call", cancelled_in_a_childs_first_call);
#endif
	with_port("members down to great-grandchildren", grandchildren);
	with_port("alert mode is the port's", alert_reaches_parent);
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(body); }
