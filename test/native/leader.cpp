// Leadership changes hands: waiters with different nget come and go by timeout,
// signal and closed descriptor, and no wake-up is lost on the way. Each round
// sends, then waits until all of it was delivered: what is lost hangs. And what a
// long wait does meanwhile.

#include "support.hpp"

#include "core/registry.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <memory>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace test;

namespace {

constexpr int ROUNDS = SANITIZED ? 2'000 : 20'000;
constexpr int HANDOVERS = SANITIZED ? 100 : 1'000;
constexpr int STOP = 0x5709;
constexpr int PIPES = 4;
constexpr unsigned IMPATIENT[] = {1, 2, 3, 5, 8};

void handler(int) {}

struct World {
	int port = -1;
	int pipes[PIPES][2];
	std::atomic<uint64_t> delivered{0};
	std::atomic<bool> stop{false};

	World() {
		CHECK((port = port_create()) >= 0);
		for (int at = 0; at < PIPES; at++) {
			EQUAL(pipe(pipes[at]), 0);
			associate(at);
		}
	}
	~World() {
		EQUAL(port_close(port), 0);
		for (auto& pair : pipes)
			for (int fd : pair) close(fd);
	}

	void associate(int at) {
		EQUAL(port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(pipes[at][0]), POLLIN,
		                     cookie(static_cast<uint64_t>(at))),
		      0);
	}

	// False: told to stop.
	bool take(const port_event_t* list, unsigned count) {
		for (unsigned i = 0; i < count; i++) {
			if (list[i].portev_source == PORT_SOURCE_ALERT) return false;
			if (list[i].portev_source == PORT_SOURCE_FD) {
				int at = static_cast<int>(number_of(list[i]));
				char byte;
				EQUAL(read(pipes[at][0], &byte, 1), 1);
				associate(at);
			}
			delivered.fetch_add(1);
			delivered.notify_all();
		}
		return true;
	}

	void wait_delivered(uint64_t sent) {
		for (uint64_t now; (now = delivered.load()) != sent;) delivered.wait(now);
	}
};

// Waits without end: whatever nobody else is there for comes to it.
void patient(World& world) {
	port_event_t event;
	do {
		int rc;
		while ((rc = port_get(world.port, &event, nullptr)) != 0) EQUAL(errno, EINTR);
	} while (world.take(&event, 1));
}

void impatient(World& world, unsigned wanted) {
	Random random(wanted);
	std::array<port_event_t, 16> list;
	for (;;) {
		unsigned got = wanted;
		timespec soon{0, static_cast<long>(random.below(300'000)) + 1};
		int rc = port_getn(world.port, list.data(), list.size(), &got, &soon);
		if (rc != 0) CHECK(errno == ETIME || errno == EINTR);
		if (rc != 0 && errno == EINTR) continue; // nothing is stored then
		if (!world.take(list.data(), got)) return;
	}
}

void come_and_go() {
	World world;
	std::vector<std::thread> waiters;
	waiters.emplace_back([&] { patient(world); });
	for (unsigned wanted : IMPATIENT) waiters.emplace_back([&, wanted] { impatient(world, wanted); });
	std::thread signaller([&] {
		Random random(99);
		while (!world.stop.load()) {
			pthread_kill(waiters[random.below(static_cast<uint32_t>(waiters.size()))].native_handle(), SIGUSR1);
			for (int i = 0; i < 20; i++) sched_yield();
		}
	});
	Random random(1);
	uint64_t sent = 0;
	for (int round = 0; round < ROUNDS; round++) {
		for (uint32_t users = random.below(6); users > 0; users--, sent++)
			EQUAL(port_send(world.port, 1, nullptr), 0);
		for (uint32_t fds = random.below(3); fds > 0; fds--, sent++)
			EQUAL(write(world.pipes[fds][1], "x", 1), 1);
		world.wait_delivered(sent);
	}
	world.stop.store(true);
	signaller.join();
	EQUAL(port_alert(world.port, PORT_ALERT_SET, STOP, nullptr), 0);
	for (std::thread& waiter : waiters) waiter.join();
	EQUAL(world.delivered.load(), sent);
	EQUAL(info_of(world.port).pi_queued, 0);
	EQUAL(info_of(world.port).pi_waiters, 0);
	done("waiters leave by timeout and signal, nothing is lost");
}

void wait_for_waiters(World& world, uint32_t count) {
	while (info_of(world.port).pi_waiters != count) sched_yield();
}

// The one that sleeps in the kernel waits on another number of the port, and that
// is closed: the follower must hear of the descriptor.
void leader_closed() {
	World world;
	for (int round = 0; round < HANDOVERS; round++) {
		int twin = dup(world.port);
		std::thread leader([&] {
			port_event_t event;
			EQUAL(port_get(twin, &event, nullptr), -1);
			EQUAL(errno, EBADF);
		});
		wait_for_waiters(world, 1);
		uint64_t before = world.delivered.load();
		std::thread follower([&] {
			std::array<port_event_t, 2> list;
			unsigned got = 2;
			EQUAL(port_getn(world.port, list.data(), 2, &got, nullptr), 0);
			CHECK(world.take(list.data(), got));
		});
		wait_for_waiters(world, 2);
		EQUAL(port_close(twin), 0);
		leader.join();
		EQUAL(write(world.pipes[0][1], "x", 1), 1);
		EQUAL(write(world.pipes[1][1], "x", 1), 1);
		follower.join();
		EQUAL(world.delivered.load(), before + 2);
	}
	done("the leader's number is closed, the follower leads");
}

// The leader ends by a signal, with nothing but descriptors to wait for.
void leader_signalled() {
	World world;
	for (int round = 0; round < HANDOVERS; round++) {
		std::atomic<bool> gone{false};
		std::thread leader([&] {
			std::array<port_event_t, 9> list;
			unsigned got = 9;
			EQUAL(port_getn(world.port, list.data(), 9, &got, nullptr), -1);
			EQUAL(errno, EINTR);
			gone.store(true);
		});
		wait_for_waiters(world, 1);
		uint64_t before = world.delivered.load();
		std::thread follower([&] {
			port_event_t event;
			EQUAL(port_get(world.port, &event, nullptr), 0);
			CHECK(world.take(&event, 1));
		});
		wait_for_waiters(world, 2);
		// Until it is gone: a signal may come before it sleeps.
		while (!gone.load()) {
			pthread_kill(leader.native_handle(), SIGUSR1);
			sched_yield();
		}
		leader.join();
		EQUAL(write(world.pipes[2][1], "x", 1), 1);
		follower.join();
		EQUAL(world.delivered.load(), before + 1);
	}
	done("the leader is interrupted, the follower leads");
}

// The queue was handed to a follower over whose sleep a handler runs, for as long as it takes: whoever else
// waits is served meanwhile.
std::atomic<bool> in_long_handler{false}, may_return{false};

void long_handler(int) {
	in_long_handler.store(true);
	while (!may_return.load()) sched_yield();
}

void handed_in_handler() {
	struct sigaction action {};
	action.sa_handler = long_handler;
	EQUAL(sigaction(SIGUSR2, &action, nullptr), 0);
	World world;
	std::atomic<int> left{0};
	std::vector<std::thread> waiters;
	std::atomic<pid_t> last{0};
	for (uint32_t i = 0; i < 4; i++) { // the first leads, the last is called first
		waiters.emplace_back([&] {
			last.store(static_cast<pid_t>(syscall(SYS_gettid)));
			port_event_t event;
			int rc;
			while ((rc = port_get(world.port, &event, nullptr)) != 0) EQUAL(errno, EINTR);
			CHECK(world.take(&event, 1));
			left.fetch_add(1);
		});
		wait_for_waiters(world, i + 1);
		while (!asleep_in_call(last.load())) sched_yield();
	}
	pthread_kill(waiters.back().native_handle(), SIGUSR2);
	while (!in_long_handler.load()) sched_yield();
	EQUAL(port_send(world.port, 1, nullptr), 0);
	for (int at = 0; at < 2; at++) { // the leader leaves, and nobody leads but who is appointed
		EQUAL(write(world.pipes[at][1], "x", 1), 1);
		while (left.load() < at + 2) sched_yield();
	}
	may_return.store(true);
	EQUAL(write(world.pipes[2][1], "x", 1), 1);
	EQUAL(write(world.pipes[3][1], "x", 1), 1);
	for (std::thread& waiter : waiters) waiter.join();
	done("a handler runs over who is called, others lead");
}

// Messages that come while a waiter looks for them don't keep it from the descriptors that it waits for.
void descriptor_among_messages() {
	constexpr uint64_t MOST = 32; // messages before it
	World world;
	std::atomic<bool> written{false};
	std::atomic<uint64_t> since{0};
	std::thread waiter([&] {
		port_event_t event;
		do {
			EQUAL(port_get(world.port, &event, nullptr), 0);
			if (event.portev_source == PORT_SOURCE_USER && written.load()) since.fetch_add(1);
			if (event.portev_source == PORT_SOURCE_FD) written.store(false);
		} while (world.take(&event, 1));
	});
	for (int round = 0; round < HANDOVERS / 10; round++) {
		auto send = [&] { // to one that waits, awake or asleep
			const uint64_t before = world.delivered.load();
			wait_for_waiters(world, 1);
			EQUAL(port_send(world.port, 1, nullptr), 0);
			while (world.delivered.load() == before) sched_yield();
		};
		for (int i = 0; i < 20; i++) send();
		wait_for_waiters(world, 1);
		since.store(0);
		written.store(true);
		EQUAL(write(world.pipes[0][1], "x", 1), 1);
		while (written.load()) {
			send();
			CHECK(since.load() <= MOST);
		}
	}
	wait_for_waiters(world, 1);
	EQUAL(port_alert(world.port, PORT_ALERT_SET, STOP, nullptr), 0);
	waiter.join();
	done("a descriptor is found among messages that are looked for");
}

// A waiter that is woken more often than it would look up, each time for another's event,
// looks up all the same.
void looks_up_though_woken() {
	int port = port_create();
	CHECK(port >= 0);
	port_notify_t notify{port, nullptr};
	sigevent event{};
	event.sigev_notify = SIGEV_PORT;
	event.sigev_value.sival_ptr = &notify;
	timer_t timer;
	EQUAL(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	const itimerspec every{{0, 1'000'000}, {0, 1'000'000}};
	EQUAL(timer_settime(timer, 0, &every, nullptr), 0);
	std::atomic<int> looks{0};
	std::thread waiter([&] {
		auto end = [](void* data) { return ++*static_cast<std::atomic<int>*>(data) == 3; };
		const evp::Pause pause{50'000'000, end, &looks};
		std::array<evp::Event, 8> list;
		int error = 0;
		evp::PortRef held = evp::registry::find(port, &error);
		EQUAL(error, 0);
		const evp::Wanted wanted{port, list.data(), 8, 8, evp::Deadline::never(), false, &pause, nullptr};
		EQUAL(held->get(wanted).code, EINTR);
	});
	// What the other was woken for is taken once it sleeps again.
	const auto& beat = evp::registry::known(port)->region().header().leader_beat;
	for (uint32_t seen = beat.load(); looks < 3; seen = beat.load()) {
		while (beat.load() == seen && looks < 3) sched_yield();
		port_event_t list[8];
		unsigned got = 1;
		timespec poll{0, 0};
		(void)port_getn(port, list, 8, &got, &poll);
	}
	waiter.join();
	EQUAL(timer_delete(timer), 0);
	EQUAL(port_close(port), 0);
	done("a waiter that is woken in vain looks up all the same");
}

int body() {
	struct sigaction action {};
	action.sa_handler = handler;
	sigaction(SIGUSR1, &action, nullptr);
	come_and_go();
	leader_closed();
	leader_signalled();
	handed_in_handler();
	descriptor_among_messages();
	looks_up_though_woken();
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(body); }
