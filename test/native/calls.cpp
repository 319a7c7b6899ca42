// What an event costs in system calls, as the kernel sees them: a call that is answered at its first
// waking makes none but its sleep and what its source needs.

#include "support.hpp"

#include <atomic>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <functional>
#include <poll.h>
#include <sched.h>
#include <string>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace test;

namespace {

// What counts lies between two calls of this one.
constexpr long MARK = SYS_getpgid;

void mark() { syscall(MARK, 0); }

const char* name_of(uint64_t call) {
	switch (call) {
	case SYS_read: return "read";
	case SYS_write: return "write";
	case SYS_futex: return "futex";
	case SYS_epoll_ctl: return "epoll_ctl";
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2: return "epoll_wait";
	case SYS_newfstatat:
	case SYS_statx: return "stat";
	case SYS_timerfd_settime: return "timerfd_settime";
	case SYS_rt_sigprocmask: return "rt_sigprocmask";
	case SYS_sched_yield: return "sched_yield";
	default: return nullptr;
	}
}

// What the stopped child calls between its marks; `enters` is told of each call there before it is made.
std::string between_marks(pid_t pid, const std::function<void(uint64_t call)>& enters = nullptr) {
	std::string calls;
	int marks = 0, status = 0;
	EQUAL(waitpid(pid, &status, 0), pid);
	CHECK(WIFSTOPPED(status));
	EQUAL(ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
	for (;;) {
		EQUAL(ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr), 0);
		EQUAL(waitpid(pid, &status, 0), pid);
		if (!WIFSTOPPED(status)) break;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) continue;
		__ptrace_syscall_info info{};
		CHECK(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0);
		if (info.op != PTRACE_SYSCALL_INFO_ENTRY) continue;
		// Whether notes wait is asked of a file that changed within the clock's tick alone: by chance.
		if (info.entry.nr == SYS_ioctl) continue;
		if (info.entry.nr == MARK) {
			marks++;
		} else if (marks == 1) {
			if (enters) enters(info.entry.nr);
			const char* name = name_of(info.entry.nr);
			calls += (calls.empty() ? "" : " ") + (name ? std::string(name) : std::to_string(info.entry.nr));
		}
	}
	EQUAL(status, 0);
	EQUAL(marks, 2);
	return calls;
}

void get(int port) {
	port_event_t event{};
	EQUAL(port_get(port, &event, nullptr), 0);
}

void judge(const char* name, const std::string& calls, const std::string& expected) {
	if (calls != expected) fprintf(stderr, "%s: %s; expected: %s\n", name, calls.c_str(), expected.c_str());
	CHECK(calls == expected);
	done(name);
}

std::vector<int> processors() {
	cpu_set_t all;
	EQUAL(sched_getaffinity(0, sizeof all, &all), 0);
	std::vector<int> usable;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &all)) usable.push_back(i);
	return usable;
}

void stay_on(int cpu) {
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	EQUAL(sched_setaffinity(0, sizeof one, &one), 0);
}

// `once` for a port, twice: the second time counts. Whenever it sleeps `other` is called, by a thread
// that is not traced, on another processor if there is one.
void costs(const char* name, const std::string& expected, const std::function<void(int port)>& once,
           const std::function<void(int port)>& other = nullptr) {
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		const pid_t tid = getpid();
		const int port = port_create();
		std::atomic<int> turn{0};
		const std::vector<int> cpus = processors();
		stay_on(cpus.front());
		std::thread waker([&] {
			stay_on(cpus.back());
			for (int i = 1; other && i <= 2; i++) {
				while (turn.load() != i || !asleep_in_call(tid)) sched_yield();
				other(port);
			}
		});
		EQUAL(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr), 0);
		EQUAL(raise(SIGSTOP), 0);
		turn.store(1);
		once(port);
		turn.store(2);
		mark();
		once(port);
		mark();
		waker.join();
		_exit(0);
	}
	judge(name, between_marks(pid), expected);
}

// A message to a thread that another one of its processor woke for the message before; it comes when the
// thread lets the others run. The other is the tracer.
void answer_on_one_processor(int cpu, int descriptor, const char* name) {
	const int port = port_create();
	stay_on(cpu);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		EQUAL(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr), 0);
		EQUAL(raise(SIGSTOP), 0);
		if (descriptor >= 0)
			EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(descriptor), POLLIN, nullptr), 0);
		get(port);
		mark();
		get(port);
		mark();
		_exit(0);
	}
	std::thread waker([&] {
		while (!asleep_in_call(pid)) sched_yield();
		EQUAL(port_send(port, 1, nullptr), 0);
	});
	judge(name, between_marks(pid, [&](uint64_t call) {
		if (call == SYS_sched_yield) EQUAL(port_send(port, 1, nullptr), 0);
	}), "sched_yield");
	waker.join();
	EQUAL(close(port), 0);
}

int body() {
	const std::vector<int> cpus = processors();
	int skipped = cpus.size() == 1;
	if (!skipped) costs("a message that wakes", "futex", get, [](int port) { EQUAL(port_send(port, 1, nullptr), 0); });

	costs("messages that nobody waits for", "write read", [](int port) {
		for (int i = 0; i < 8; i++) EQUAL(port_send(port, 1, nullptr), 0);
		for (int i = 0; i < 8; i++) get(port);
	});

	int ends[2];
	EQUAL(pipe(ends), 0);
	EQUAL(write(ends[1], "x", 1), 1);
	costs("a descriptor that is ready", "epoll_ctl epoll_wait", [&](int port) {
		EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(ends[0]), POLLIN, nullptr), 0);
		get(port);
	});

	timer_t timer{};
	bool made = false;
	costs("a timer", "timerfd_settime epoll_ctl epoll_wait", [&](int port) {
		port_notify_t notify{port, nullptr};
		sigevent event{};
		event.sigev_notify = SIGEV_PORT;
		event.sigev_value.sival_ptr = &notify;
		if (!made) EQUAL(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
		made = true;
		itimerspec soon{{0, 0}, milliseconds(2)};
		EQUAL(timer_settime(timer, 0, &soon, nullptr), 0);
		get(port);
	});

	char path[] = "/tmp/event-ports-calls-XXXXXX";
	int file = mkstemp(path);
	CHECK(file >= 0);
	file_obj_t object{};
	object.fo_name = path;
	costs("a file that changes", "stat epoll_ctl epoll_wait read", [&](int port) {
		EQUAL(port_associate(port, PORT_SOURCE_FILE, reinterpret_cast<uintptr_t>(&object), FILE_MODIFIED, nullptr), 0);
		get(port);
	}, [&](int) { EQUAL(write(file, "x", 1), 1); });
	EQUAL(unlink(path), 0);

	// From here on this process stays there.
	answer_on_one_processor(cpus[0], -1, "a message from the same processor");
	EQUAL(read(ends[0], path, 1), 1);
	answer_on_one_processor(cpus[0], ends[0], "the same where a descriptor is waited for");
	printf("%d passed, 0 failed, %d skipped\n", passed, skipped);
	return 0;
}

} // namespace

int main() { return watched(body); }
