// The thread that a port's lock favours enters by plain stores, which neither the lock's word
// nor the kernel knows of. Whoever comes second, thread or process, finds it out, or makes good
// its death.

#include "support.hpp"

#include "core/registry.hpp"

#include <atomic>
#include <csignal>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace test;

namespace {

int port = -1;
int readable = -1; // an eventfd, for ever ready
int fatal = 0;     // the store inside that it dies at
thread_local bool armed = false;
int stores = 0;
void die() { kill(getpid(), SIGKILL); }
void (*instead)() = die; // what it does there

evp::shm::LockWords& words() { return evp::registry::known(port)->region().header().lock; }

bool favoured_inside() {
	return evp::sys::self().critical.load() != 0 && words().word.load() == 0 && words().within.load() != 0;
}

void associate() { EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(readable), POLLIN, cookie(5)), 0); }

// Each thing that a favoured thread does inside.
void work() {
	port_event_t list[4];
	for (int round = 0; round < 2; round++) {
		associate();
		unsigned got = 1;
		EQUAL(port_getn(port, list, 4, &got, nullptr), 0);
		EQUAL(port_send(port, 1, nullptr), 0);
		EQUAL(port_get(port, list, nullptr), 0);
	}
	(void)port_dissociate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(readable));
}

void make(unsigned limit) {
	CHECK((port = port_create_limit(limit, 0)) >= 0);
	EQUAL(port_send(port, 1, nullptr), 0);
	port_event_t event;
	EQUAL(port_get(port, &event, nullptr), 0);
}

// What another process finds, that had the port all the time and never used it.
[[noreturn]] void survive(int end) {
	char byte;
	EQUAL(read(end, &byte, 1), 0); // the favoured one is gone
	EQUAL(info_of(port).pi_members, 1);
	port_event_t list[8];
	unsigned got = 1;
	timespec poll{0, 0};
	while (got != 0) EQUAL(port_getn(port, list, 8, &(got = 1), &poll), 0); // messages survive their sender
	EQUAL(info_of(port).pi_slots, 0);
	for (int i = 0; i < 8; i++) EQUAL(port_send(port, i, nullptr), 0);
	EQUAL(port_send(port, 9, nullptr), -1);
	EQUAL(errno, EAGAIN);
	got = 8;
	EQUAL(port_getn(port, list, 8, &got, nullptr), 0);
	associate();
	EQUAL(port_get(port, list, nullptr), 0);
	EQUAL(list[0].portev_user == cookie(5), true);
	EQUAL(words().favoured.load(), evp::shm::FOR_ALL);
	_exit(0);
}

// True: it died at that store.
bool dies(int store) {
	int end[2];
	EQUAL(pipe(end), 0);
	int answer[2]; // the survivor's parent is the one that dies
	EQUAL(pipe(answer), 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		make(8);
		if (evp::sys::fence_reaches()) CHECK(words().favoured.load() > evp::shm::WITHDRAWING);
		pid_t survivor = fork();
		CHECK(survivor >= 0);
		if (survivor == 0) {
			close(end[1]);
			survive(end[0]);
		}
		EQUAL(write(answer[1], &survivor, sizeof survivor), sizeof survivor);
		fatal = store;
		armed = true;
		work();
		_exit(0);
	}
	close(end[1]);
	close(answer[1]);
	int status = 0;
	EQUAL(waitpid(pid, &status, 0), pid);
	bool died = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	if (!died) EQUAL(status, 0);
	pid_t survivor = 0;
	EQUAL(read(answer[0], &survivor, sizeof survivor), sizeof survivor);
	EQUAL(waitpid(survivor, &status, 0), survivor);
	EQUAL(status, 0);
	close(end[0]);
	close(answer[0]);
	return died;
}

void dies_inside() {
	int store = 1;
	while (dies(store)) store++;
	CHECK(store > 20 || !evp::sys::fence_reaches());
	printf("  %d places\n", store - 1);
	done("the favoured thread dies at each store inside: another process goes on");
}

// The favoured one takes its time inside: who comes second waits for it.
std::atomic<bool> called{false};

void stay_a_while() {
	called.store(true);
	while (words().favoured.load() > evp::shm::WITHDRAWING) sched_yield();
	for (int i = 0; i < 1000; i++) {
		EQUAL(words().favoured.load(), evp::shm::WITHDRAWING);
		sched_yield();
	}
}

void second_waits() {
	make(8);
	if (!evp::sys::fence_reaches()) { // nobody is favoured
		EQUAL(port_close(port), 0);
		return;
	}
	std::thread second([] {
		while (!called.load()) sched_yield();
		EQUAL(port_send(port, 2, nullptr), 0);
	});
	fatal = 1;
	instead = stay_a_while;
	armed = true;
	EQUAL(port_send(port, 1, nullptr), 0);
	armed = false;
	second.join();
	EQUAL(words().favoured.load(), evp::shm::FOR_ALL);
	EQUAL(info_of(port).pi_queued, 2);
	EQUAL(port_close(port), 0);
	done("who comes second waits until the favoured thread is out");
}

// Second comers of all kinds, while the favoured thread is busy: nothing is lost or torn.
void withdrawn_under_load() {
	constexpr int ROUNDS = SANITIZED ? 20 : 100;
	constexpr unsigned EACH = 500;
	for (int round = 0; round < ROUNDS; round++) {
		make(4 * EACH);
		std::atomic<bool> go{false};
		pid_t child = -1;
		if (round % 2 == 0) {
			child = fork();
			CHECK(child >= 0);
			if (child == 0) {
				for (unsigned i = 0; i < EACH;) i += port_send(port, 2, nullptr) == 0;
				_exit(0);
			}
		}
		std::thread second([&] {
			while (!go.load()) {}
			for (unsigned i = 0; i < EACH;) i += port_send(port, 3, nullptr) == 0;
		});
		unsigned want = EACH * (child >= 0 ? 3 : 2);
		unsigned sent = 0, got = 0;
		while (got < want) {
			if (got > EACH / 8) go.store(true);
			if (sent < EACH) sent += port_send(port, 1, nullptr) == 0;
			port_event_t list[8];
			unsigned n = 1;
			timespec poll{0, 0};
			EQUAL(port_getn(port, list, 8, &n, &poll), 0);
			got += n;
			if (sent == EACH) go.store(true);
		}
		second.join();
		int status = 0;
		if (child >= 0) {
			EQUAL(waitpid(child, &status, 0), child);
			EQUAL(status, 0);
		}
		EQUAL(info_of(port).pi_slots, 0);
		EQUAL(port_close(port), 0);
	}
	done("a thread and a process come second while the favoured one is busy");
}

int body() {
	CHECK((readable = eventfd(1, 0)) >= 0);
	EQUAL(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	dies_inside();
	second_waits();
	withdrawn_under_load();
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

extern "C" void evp_killpoint(const char*, int) {
	if (!armed || !favoured_inside() || ++stores != fatal) return;
	instead();
}

int main() { return watched(body); }
