// Ten thousand processes come to a port and go, one way or another: no descriptor,
// no mapping, no member, no slot and no waiter is left of them.

#include "support.hpp"

#include <csignal>
#include <dirent.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace test;

namespace {

constexpr int CYCLES = SANITIZED ? 1'000 : 10'000;
constexpr int WAYS = 5;

int port = -1;
int pair[2];

int count_descriptors() {
	DIR* folder = opendir("/proc/self/fd");
	CHECK(folder);
	int count = 0;
	while (readdir(folder)) count++;
	closedir(folder);
	return count;
}

int count_mappings() {
	FILE* maps = fopen("/proc/self/maps", "r");
	CHECK(maps);
	int count = 0;
	char line[512];
	while (fgets(line, sizeof line, maps)) count += strstr(line, "event-port") != nullptr;
	fclose(maps);
	return count;
}

// What a process does with the port it inherited, and how it leaves.
void visit(int way) {
	port_event_t event;
	timespec none{};
	EQUAL(port_send(port, 1, cookie(1)), 0);
	EQUAL(port_get(port, &event, &none), 0);
	if (way == 0) _exit(0);
	EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(pair[0]), POLLIN, nullptr), 0);
	if (way == 1) _exit(0);
	if (way == 2) EQUAL(port_close(port), 0);
	if (way == 3) EQUAL(port_alert(port, PORT_ALERT_SET, 1, nullptr), 0);
	if (way == 4) kill(getpid(), SIGKILL);
	_exit(0);
}

void cycle(int number) {
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) visit(number % WAYS);
	int status = 0;
	EQUAL(waitpid(pid, &status, 0), pid);
	EQUAL(status, number % WAYS == 4 ? SIGKILL : 0);
}

void nothing_left(int descriptors, int mappings) {
	port_info_t info = info_of(port);
	EQUAL(info.pi_members, 1);
	EQUAL(info.pi_slots, 0);
	EQUAL(info.pi_queued, 0);
	EQUAL(info.pi_waiters, 0);
	EQUAL(info.pi_alert, 0);
	EQUAL(count_descriptors(), descriptors);
	EQUAL(count_mappings(), mappings);
}

int body() {
	CHECK((port = port_create_limit(64, 0)) >= 0);
	EQUAL(pipe(pair), 0);
	EQUAL(port_send(port, 1, nullptr), 0); // what is made on first use is made now
	port_event_t event;
	EQUAL(port_get(port, &event, nullptr), 0);
	int descriptors = count_descriptors();
	int mappings = count_mappings();
	for (int i = 0; i < CYCLES; i++) {
		cycle(i);
		if (i % 100 == 99) nothing_left(descriptors, mappings);
	}
	nothing_left(descriptors, mappings);
	EQUAL(port_close(port), 0);
	EQUAL(count_mappings(), mappings - 1);
	done("processes come and go by fork: nothing is left");
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(body); }
