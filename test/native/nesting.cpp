// Threads that tell a port's watchers at once, while a watcher comes and goes (core/nesting.cpp).
// The ports watch themselves and each other, which the kernel refuses: what is not told is lost.

#include "support.hpp"

#include <array>
#include <barrier>
#include <poll.h>
#include <thread>
#include <vector>

using namespace test;

namespace {

constexpr int ROUNDS = SANITIZED ? 1'000 : 10'000;
constexpr int POSTERS = 2;
constexpr int CHANGES = 3;

struct Watched {
	int outer, inner;

	void associate() const {
		EQUAL(port_associate(outer, PORT_SOURCE_FD, static_cast<uintptr_t>(inner), POLLIN, nullptr), 0);
	}
	void dissociate() const {
		int rc = port_dissociate(outer, PORT_SOURCE_FD, static_cast<uintptr_t>(inner));
		CHECK(rc == 0);
	}
};

struct Taken {
	int messages = 0, descriptors = 0;
};

Taken take_all(int port) {
	Taken taken;
	std::array<port_event_t, 16> list;
	timespec none{0, 0};
	unsigned got = list.size();
	EQUAL(port_getn(port, list.data(), list.size(), &got, &none), 0);
	for (unsigned i = 0; i < got; i++)
		(list[i].portev_source == PORT_SOURCE_FD ? taken.descriptors : taken.messages)++;
	return taken;
}

// Whatever the order, the last association is there before a message or finds one: one event.
void race(const Watched& ports, const char* name) {
	std::barrier gate(POSTERS + 2);
	std::vector<std::thread> crew;
	for (int i = 0; i < POSTERS; i++)
		crew.emplace_back([&] {
			for (int round = 0; round < ROUNDS; round++) {
				gate.arrive_and_wait();
				EQUAL(port_send(ports.inner, 1, nullptr), 0);
				gate.arrive_and_wait();
			}
		});
	crew.emplace_back([&] {
		for (int round = 0; round < ROUNDS; round++) {
			gate.arrive_and_wait();
			ports.associate();
			for (int i = 0; i < CHANGES; i++) {
				ports.dissociate();
				ports.associate();
			}
			gate.arrive_and_wait();
		}
	});
	for (int round = 0; round < ROUNDS; round++) {
		gate.arrive_and_wait();
		gate.arrive_and_wait();
		Taken outer = take_all(ports.outer);
		EQUAL(outer.descriptors, 1);
		if (ports.inner != ports.outer) outer.messages = take_all(ports.inner).messages;
		EQUAL(outer.messages, POSTERS);
	}
	for (std::thread& thread : crew) thread.join();
	done(name);
}

int body() {
	int first = port_create(), second = port_create();
	CHECK(first >= 0 && second >= 0);
	race({first, first}, "a port that watches itself is told by two at once");
	EQUAL(port_associate(second, PORT_SOURCE_FD, static_cast<uintptr_t>(first), POLLIN, nullptr), 0);
	race({first, second}, "so is one of two that watch each other");
	EQUAL(port_close(first), 0);
	EQUAL(port_close(second), 0);
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(body); }
