// A death may take a descriptor's one shot along: each owner then loads its own again
// (Port::rearm). Threads do that while others associate and dissociate: nothing is registered, or
// deleted, that they did not ask for.

#include "support.hpp"

#include "core/registry.hpp"

#include <atomic>
#include <poll.h>
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

int body() {
	associated_meanwhile();
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(body); }
