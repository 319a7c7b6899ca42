// A peer that scribbles on a port's region while calls are made: every call returns,
// with or without an error, and nothing but the region is spoilt (design rule 7).
//
// The input is a list of steps of eight bytes: a call and its argument, and a word to
// be scribbled before one of the stores that the call makes, or before the call.
// Left alone is the lock's own word: a peer that holds the lock for ever stops
// everyone, which is a limit that is named.

#include "core/registry.hpp"

#include <port.h>
#include <port_linux.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

constexpr uint32_t LIMIT = 40;
constexpr size_t MOST_STEPS = 40;

struct Step {
	uint8_t call, argument;
	uint8_t store;        // 0: before the call
	uint8_t part, index;  // of the region
	uint8_t word;         // of the record
	uint8_t kind, value;
};
static_assert(sizeof(Step) == 8);

evp::shm::Region* region = nullptr;
const Step* armed = nullptr;
uint32_t stores = 0;
FILE* scratch = nullptr;
char scratch_name[] = "/tmp/event-ports-fuzz-XXXXXX";

uint32_t value_of(const Step& step) {
	switch (step.kind % 6) {
	case 0: return step.value;
	case 1: return ~0u - step.value;
	case 2: return LIMIT + 1 - step.value % 4;
	case 3: return 0x7fffffffu + step.value % 3;
	case 4: return 1u << step.value % 32;
	default: return step.value * 0x01010101u;
	}
}

void scribble(const Step& step) {
	using namespace evp::shm;
	char* base = nullptr;
	size_t size = 64;
	switch (step.part % 5) {
	case 0:
		base = reinterpret_cast<char*>(&region->header());
		size = sizeof(Header);
		break;
	case 1: base = reinterpret_cast<char*>(&region->member(step.index % 4)); break;
	case 2: base = reinterpret_cast<char*>(&region->waiter(step.index % 4)); break;
	case 3:
		base = reinterpret_cast<char*>(&region->bucket(step.index));
		size = sizeof(uint32_t);
		break;
	default: base = reinterpret_cast<char*>(&region->slot(step.index % (LIMIT + 1)));
	}
	char* at = base + step.word % (size / 4) * 4;
	// A live thread's id there says that it holds the lock: who scribbles may as well hold it.
	const LockWords& lock = region->header().lock;
	for (const auto* word : {&lock.word, &lock.favoured, &lock.within})
		if (at == reinterpret_cast<const char*>(word)) return;
	uint32_t value = value_of(step);
	reinterpret_cast<std::atomic<uint32_t>*>(at)->store(value, std::memory_order_relaxed);
}

struct World {
	int port;
	int pipes[2][2];
	timer_t timer;
	bool timed;
	file_obj_t file;
};

void set_timer(World& world, uint32_t microseconds) {
	port_notify_t notify{world.port, nullptr};
	sigevent event{};
	event.sigev_notify = SIGEV_PORT;
	event.sigev_value.sival_ptr = &notify;
	if (!world.timed) world.timed = port_timer_create(CLOCK_MONOTONIC, &event, &world.timer) == 0;
	if (!world.timed) return;
	itimerspec value{};
	value.it_value.tv_nsec = microseconds * 1000;
	value.it_interval = value.it_value;
	(void)port_timer_settime(world.timer, 0, &value, nullptr);
}

void watch_file(World& world) {
	struct stat seen;
	if (fstat(fileno(scratch), &seen) != 0) abort();
	world.file.fo_name = scratch_name;
	world.file.fo_atime = seen.st_atim;
	world.file.fo_mtime = seen.st_mtim;
	world.file.fo_ctime = seen.st_ctim;
	(void)port_associate(world.port, PORT_SOURCE_FILE, reinterpret_cast<uintptr_t>(&world.file),
	                     FILE_MODIFIED | FILE_ATTRIB, nullptr);
}

void call(World& world, const Step& step) {
	constexpr timespec POLL{}, SOON{0, 200'000};
	port_event_t list[16];
	int fd = world.pipes[step.argument & 1][0];
	auto object = static_cast<uintptr_t>(fd);
	unsigned got = 1 + step.argument % 8;
	port_info_t info{};
	info.pi_size = sizeof info;
	switch (step.call % 17) {
	case 0:
	case 1: (void)port_send(world.port, 1, nullptr); break;
	case 2: (void)port_get(world.port, list, &POLL); break;
	case 3: (void)port_getn(world.port, list, 16, &got, &POLL); break;
	case 4: (void)port_getn(world.port, list, 16, &got, &SOON); break;
	case 5: (void)port_associate(world.port, PORT_SOURCE_FD, object, POLLIN, nullptr); break;
	case 6: (void)port_dissociate(world.port, PORT_SOURCE_FD, object); break;
	case 7: (void)port_alert(world.port, PORT_ALERT_SET, step.argument & 1, nullptr); break;
	case 8: (void)port_getn(world.port, nullptr, 0, &got, nullptr); break;
	case 9: (void)port_getinfo(world.port, &info); break;
	case 10: (void)port_fd_close(fd); break;
	case 11: set_timer(world, step.argument); break;
	case 12:
		if (world.timed) (void)port_timer_delete(world.timer);
		world.timed = false;
		break;
	case 13: watch_file(world); break;
	case 14:
		(void)port_dissociate(world.port, PORT_SOURCE_FILE, reinterpret_cast<uintptr_t>(&world.file));
		break;
	case 15: (void)fchmod(fileno(scratch), 0600); break; // an event of the file
	default:
		// Ready, or not any more.
		if (step.argument & 2) (void)!write(world.pipes[step.argument & 1][1], "x", 1);
		else (void)!read(fd, list, 1);
	}
}

int lowest_free() {
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0) abort();
	close(fd);
	return fd;
}

} // namespace

extern "C" void evp_killpoint(const char*, int) {
	if (armed && ++stores == armed->store) scribble(*armed);
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
	int fd = mkstemp(scratch_name);
	scratch = fd < 0 ? nullptr : fdopen(fd, "r+");
	if (!scratch) abort();
	atexit([] { unlink(scratch_name); });
	// What a process makes once and keeps.
	int port = port_create();
	World world{};
	world.port = port;
	set_timer(world, 1);
	watch_file(world);
	if (port < 0 || port_timer_delete(world.timer) != 0 || port_close(port) != 0) abort();
	return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
	int lowest = lowest_free();
	World world{};
	for (auto& pair : world.pipes)
		if (pipe2(pair, O_NONBLOCK | O_CLOEXEC) != 0) abort();
	world.port = port_create_limit(LIMIT, 1);
	if (world.port < 0) abort();
	{
		// Not held while calls are made: closing waits for whoever holds it.
		region = &evp::registry::known(world.port)->region();
	}
	for (size_t i = 0; i < MOST_STEPS && (i + 1) * sizeof(Step) <= size; i++) {
		Step step;
		memcpy(&step, data + i * sizeof step, sizeof step);
		stores = 0;
		if (step.store == 0) scribble(step);
		armed = &step;
		call(world, step);
		armed = nullptr;
	}
	if (world.timed) (void)port_timer_delete(world.timer);
	if (port_close(world.port) != 0) abort();
	for (auto& pair : world.pipes)
		for (int fd : pair) close(fd);
	if (lowest_free() != lowest) abort(); // something of the port is left
	return 0;
}
