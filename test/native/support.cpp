#include "support.hpp"

#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <string>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace test {

int passed = 0;
void (*explain)() = nullptr;

namespace {

// Far beyond any run: what is still there then hangs.
constexpr int WATCH_SECONDS = 420;

} // namespace

void dump_stacks(pid_t pid) {
	char text[32];
	snprintf(text, sizeof text, "%d", pid);
	pid_t debugger = fork();
	if (debugger == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execlp("gdb", "gdb", "-q", "-batch", "-p", text, "-ex", "thread apply all bt", nullptr);
		_exit(127);
	}
	waitpid(debugger, nullptr, 0);
}

namespace {

void dump_group(pid_t group) {
	for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
		pid_t pid = atoi(entry.path().filename().c_str());
		if (pid == 0 || getpgid(pid) != group) continue;
		dump_stacks(pid);
	}
}

} // namespace

int watched(int (*body)()) {
	setvbuf(stdout, nullptr, _IOLBF, 0);
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0); // with all that it forks
		exit(body());
	}
	int watch = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
	pollfd ended{watch, POLLIN, 0};
	int limit = WATCH_SECONDS;
	if (const char* given = getenv("EVENT_PORTS_TEST_SECONDS")) limit = atoi(given);
	int rc;
	while ((rc = poll(&ended, 1, limit * 1000)) < 0 && errno == EINTR) {}
	if (rc == 0) {
		fprintf(stderr, "hang: stacks after %d s\n", limit);
		dump_group(child);
		kill(-child, SIGKILL);
	}
	int status = 0;
	waitpid(child, &status, 0);
	kill(-child, SIGKILL); // what it left behind
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

void done(const char* name) {
	printf("ok    %s\n", name);
	passed++;
}

void fail(const char* file, int line, const char* what, long long saw, long long want) {
	fprintf(stderr, "%s:%d: %s: saw %lld, want %lld\n", file, line, what, saw, want);
	if (explain) explain();
	printf("%d passed, 1 failed, 0 skipped\n", passed);
	fflush(nullptr);
	_exit(1);
}

long sleeps_of(pid_t pid) {
	std::ifstream status("/proc/" + std::to_string(pid) + "/status");
	constexpr const char* FIELD = "voluntary_ctxt_switches:";
	std::string word;
	while (status >> word && word != FIELD) {}
	long count = -1;
	status >> count;
	return count;
}
bool in_futex(pid_t pid) {
	long call = -1;
	std::ifstream("/proc/" + std::to_string(pid) + "/syscall") >> call;
	return call == SYS_futex;
}

bool asleep_in_call(pid_t tid) {
	long call = -1;
	std::ifstream("/proc/" + std::to_string(tid) + "/syscall") >> call;
#ifdef SYS_epoll_wait
	if (call == SYS_epoll_wait) return true;
#endif
	return call == SYS_futex || call == SYS_epoll_pwait || call == SYS_epoll_pwait2;
}

port_info_t info_of(int port) {
	port_info_t info{};
	info.pi_size = sizeof info;
	EQUAL(port_getinfo(port, &info), 0);
	return info;
}

timespec milliseconds(long ms) { return {ms / 1000, ms % 1000 * 1'000'000}; }

} // namespace test
