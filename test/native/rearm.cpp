// A death may take a descriptor's one shot along: each owner then loads its own again
// (Port::rearm). Threads do that while others associate and dissociate: nothing is registered, or
// deleted, that they did not ask for.

#include "support.hpp"

#include "core/registry.hpp"

#include <atomic>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace test;

namespace {

constexpr int ROUNDS = SANITIZED ? 3'000 : 30'000;

struct Piped {
	int ends[2];
	Piped() { EQUAL(pipe(ends), 0); }
	~Piped() {
		close(ends[0]);
		close(ends[1]);
	}
	uintptr_t object() const { return static_cast<uintptr_t>(ends[0]); }
};

void associated_meanwhile() {
	int port = port_create();
	Piped pipe;
	std::atomic<bool> stop{false};
	std::thread loads([&] {
		auto held = std::make_unique<evp::PortRef>(evp::registry::known(port));
		while (!stop.load()) {
			(*held)->region().header().rearm.fetch_add(1);
			port_event_t event;
			timespec none{0, 0};
			EQUAL(port_get(port, &event, &none), -1);
			EQUAL(errno, ETIME);
		}
	});
	for (int round = 0; round < ROUNDS; round++) {
		EQUAL(port_associate(port, PORT_SOURCE_FD, pipe.object(), POLLIN, nullptr), 0);
		EQUAL(port_dissociate(port, PORT_SOURCE_FD, pipe.object()), 0);
	}
	done("what is dissociated was associated, whoever loads it again");
	stop.store(true);
	loads.join();
	EQUAL(port_associate(port, PORT_SOURCE_FD, pipe.object(), POLLIN, nullptr), 0);
	EQUAL(write(pipe.ends[1], "x", 1), 1);
	port_event_t event;
	EQUAL(port_get(port, &event, nullptr), 0);
	EQUAL(event.portev_object, pipe.object());
	EQUAL(port_close(port), 0);
	done("what is associated in the end tells of its descriptor");
}

// Another process takes readiness from the kernel that is not its own, and dies before it could
// queue the event; `inside`: while it held the lock.
void taken_by_the_dead(bool inside) {
	int port = port_create();
	Piped pipe;
	EQUAL(port_associate(port, PORT_SOURCE_FD, pipe.object(), POLLIN, nullptr), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK(dup2(open("/dev/null", O_RDONLY), pipe.ends[0]) >= 0);
		(void)info_of(port);
		auto held = std::make_unique<evp::PortRef>(evp::registry::known(port));
		epoll_event ready;
		EQUAL(epoll_wait((*held)->inner(), &ready, 1, -1), 1);
		std::unique_ptr<evp::Port::Guard> guard;
		if (inside) guard = std::make_unique<evp::Port::Guard>(**held);
		kill(getpid(), SIGKILL);
	}
	EQUAL(write(pipe.ends[1], "x", 1), 1);
	EQUAL(waitpid(child, nullptr, 0), child);
	port_event_t event;
	EQUAL(port_get(port, &event, nullptr), 0);
	EQUAL(event.portev_object, pipe.object());
	EQUAL(port_close(port), 0);
}

int body() {
	associated_meanwhile();
	taken_by_the_dead(false);
	taken_by_the_dead(true);
	done("readiness that the dead had taken comes to its owner");
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(body); }
