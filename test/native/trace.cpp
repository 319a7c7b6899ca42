// PORT_DEBUG: what a program's calls look like, where they are written, and that nothing of
// the program changes by it. The environment is read once, so each look is a child's.

#include "support.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using namespace test;

using Lines = std::vector<std::string>;

std::string contents(int fd) { // to its end
	std::string all;
	char block[4096];
	for (ssize_t n; (n = read(fd, block, sizeof block)) > 0;) all.append(block, static_cast<size_t>(n));
	return all;
}

// What stands behind time, process and thread in each line; a line of another form as it is.
Lines lines_of(const std::string& all) {
	Lines lines;
	for (size_t from = 0, to; (to = all.find('\n', from)) != std::string::npos; from = to + 1) {
		std::string line = all.substr(from, to - from);
		unsigned long ms, process, thread;
		unsigned thousandths;
		int fraction = 0, at = 0, end = 0;
		int found = std::sscanf(line.c_str(), "event-ports %lu.%n%3u%n %lu/%lu %n", &ms, &fraction, &thousandths,
		                        &at, &process, &thread, &end);
		bool in_form = found == 4 && at - fraction == 3 && end != 0;
		lines.push_back(in_form ? line.substr(static_cast<size_t>(end)) : line);
	}
	return lines;
}

// Runs `program` in a child with PORT_DEBUG as given; what it wrote to standard error.
Lines traced(const char* choice, void (*program)()) {
	int ends[2];
	CHECK(pipe(ends) == 0);
	pid_t child = fork();
	if (child == 0) {
		CHECK(choice ? setenv("PORT_DEBUG", choice, 1) == 0 : unsetenv("PORT_DEBUG") == 0);
		CHECK(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
		CHECK(syscall(SYS_close_range, 3, ~0u, 0) == 0); // the first port is number 3
		program();
		_exit(0);
	}
	close(ends[1]);
	Lines lines = lines_of(contents(ends[0]));
	close(ends[0]);
	int status;
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(status == 0);
	return lines;
}

void expect(const Lines& got, const Lines& want) {
	for (size_t i = 0; i < std::max(got.size(), want.size()); i++) {
		std::string line = i < got.size() ? got[i] : "(nothing)";
		std::string wanted = i < want.size() ? want[i] : "(nothing)";
		if (line != wanted) fprintf(stderr, "got:  %s\nwant: %s\n", line.c_str(), wanted.c_str());
		CHECK(line == wanted);
	}
}

void calls() {
	port_event_t list[4];
	timespec now{0, 0}, soon{0, 1000000};
	unsigned n = 1;
	int port = port_create();
	CHECK(port == 3);
	CHECK(port_associate(port, PORT_SOURCE_FD, 2, POLLOUT, cookie(5)) == 0);
	CHECK(port_send(port, -1, nullptr) == 0);
	CHECK(port_getn(port, list, 4, &n, &now) == 0 && n == 2);
	CHECK(port_get(port, list, &soon) == -1 && errno == ETIME);
	CHECK(port_send(77, 1, nullptr) == -1 && errno == EBADF);
	CHECK(port_close(port) == 0);
}

const Lines ALL = {
    "port_create() = 3",
    "port_associate(port 3, source FD, fd 2, events 0x4, user 0x5) = 0",
    "port_send(port 3, events 0xffffffff, user 0x0) = 0",
    "port_getn(port 3, max 4, nget 1, timeout 0 s) = 0, nget 2 {source FD, fd 2, events 0x4, user 0x5} "
    "{source USER, object 0x0, events 0xffffffff, user 0x0}",
    "port_get(port 3, timeout 0 s 1000000 ns) = -ETIME",
    "port_send(port 77, events 0x1, user 0x0) = -EBADF",
    "port_close(port 3) = 0",
};

void chosen() {
	expect(traced("1", calls), ALL);
	expect(traced("*", calls), ALL);
	expect(traced("close, port_create", calls), {ALL[0], ALL[6]});
	for (const char* nothing : {"", "0", "false"}) expect(traced(nothing, calls), {});
	expect(traced(nullptr, calls), {});
}

// Into a file, behind what is there; also when the program has made another file of the
// descriptor.
char path[] = "/tmp/port-debug-XXXXXX";

void takes_its_number() {
	int port = port_create();
	CHECK(port_send(77, 0, nullptr) == -1);
	int other = open("/dev/null", O_RDWR);
	int taken = 0;
	for (int fd = 3; fd < 65536; fd++)
		if (struct stat status, file; fstat(fd, &status) == 0 && stat(path, &file) == 0 &&
		                              status.st_ino == file.st_ino)
			taken += syscall(SYS_dup3, other, fd, 0) == fd; // as where dup3 is not wrapped
	CHECK(taken == 1);
	CHECK(port_send(port, 1, nullptr) == 0);
}

void into_a_file() {
	int fd = mkstemp(path);
	CHECK(fd >= 0);
	close(fd);
	expect(traced(path, calls), {});
	expect(traced((std::string("send,") + path).c_str(), takes_its_number), {});
	Lines want = ALL;
	want.push_back("port_send(port 77, events 0x0, user 0x0) = -EBADF");
	want.push_back("port_send(port 3, events 0x1, user 0x0) = 0");
	fd = open(path, O_RDONLY);
	expect(lines_of(contents(fd)), want);
	close(fd);
	unlink(path);
}

// A handler's calls are told while the interrupted one goes on.
int waited_on;

void handler_sends() {
	waited_on = port_create();
	signal(SIGUSR1, [](int) {
		int saved = errno;
		CHECK(port_send(waited_on, 1, nullptr) == 0);
		errno = saved;
	});
	std::thread sender([waiter = pthread_self()] {
		port_info_t info;
		do {
			info.pi_size = sizeof info;
			CHECK(port_getinfo(waited_on, &info) == 0);
		} while (info.pi_waiters == 0);
		CHECK(pthread_kill(waiter, SIGUSR1) == 0);
	});
	port_event_t event;
	int got = port_get(waited_on, &event, nullptr);
	CHECK(got == 0 || errno == EINTR);
	sender.join();
}

void in_a_handler() {
	Lines lines = traced("get,send", handler_sends);
	CHECK(lines.size() == 2);
	CHECK(lines[0] == "port_send(port 3, events 0x1, user 0x0) = 0");
	CHECK(lines[1].rfind("port_get(port 3, timeout none) = ", 0) == 0);
}

void unwritable() {
	expect(traced("1,/nowhere/at/all", calls), {});
}

void long_lists_are_cut() {
	Lines lines = traced("getn", [] {
		port_event_t list[64];
		unsigned n = 64;
		int port = port_create();
		for (int i = 0; i < 64; i++) CHECK(port_send(port, i, nullptr) == 0);
		CHECK(port_getn(port, list, 64, &n, nullptr) == 0);
	});
	CHECK(lines.size() == 1);
	CHECK(lines[0].size() < 500 && lines[0].substr(lines[0].size() - 3) == "...");
}

int all() {
	chosen();
	done("the calls that were asked for");
	into_a_file();
	done("into a file");
	in_a_handler();
	done("in a signal handler");
	unwritable();
	done("a file that can't be opened");
	long_lists_are_cut();
	done("a long list");
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(all); }
