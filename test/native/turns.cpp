// In the strict profile a larger want may stand before a smaller one, which it starves (3.12). Who waits behind
// and wakes for another reason than its turn takes nothing then.

#include "support.hpp"

#include <atomic>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace test;

namespace {

struct Waiter {
	std::atomic<pid_t> tid{0};
	std::atomic<bool> came{false};
	unsigned got;
	std::thread thread;

	Waiter(int port, unsigned wanted) : got(wanted), thread([this, port] {
		port_event_t list[8];
		tid = static_cast<pid_t>(syscall(SYS_gettid));
		EQUAL(port_getn(port, list, 8, &got, nullptr), 0);
		came = true;
	}) {}
	void until_asleep() const {
		while (!came && (tid == 0 || !in_futex(tid))) sched_yield();
	}
};

int body() {
	EQUAL(setenv("PORT_STRICT", "1", 1), 0);
	int port = port_create();
	CHECK(port >= 0);
	Waiter one(port, 1);
	while (info_of(port).pi_waiters != 1) sched_yield();
	one.until_asleep();
	Waiter five(port, 5);
	while (info_of(port).pi_waiters != 2) sched_yield();
	five.until_asleep();
	EQUAL(port_send(port, 1, nullptr), 0);
	long before = sleeps_of(one.tid);
	pid_t pid = fork(); // whoever waits looks up when a process joins
	CHECK(pid >= 0);
	if (pid == 0) _exit(info_of(port).pi_members == 2 ? 0 : 1);
	int status = 0;
	EQUAL(waitpid(pid, &status, 0), pid);
	EQUAL(status, 0);
	while (!one.came && sleeps_of(one.tid) <= before) sched_yield();
	one.until_asleep();
	EQUAL(one.came, false);
	for (int i = 0; i < 4; i++) EQUAL(port_send(port, 2, nullptr), 0);
	five.thread.join();
	EQUAL(five.got, 5);
	EQUAL(port_send(port, 3, nullptr), 0);
	one.thread.join();
	EQUAL(one.got, 1);
	EQUAL(port_close(port), 0);
	done("who wakes behind a larger want, strict, waits for its turn");
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(body); }
