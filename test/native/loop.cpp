// An event loop that looks before it sleeps (Port::loop_look): what is posted meanwhile is handed to
// it by a store, and whatever comes of the look, nothing is lost and nobody waits for it.

#include "support.hpp"

#include "core/registry.hpp"

#include <memory>
#include <poll.h>
#include <unistd.h>

using namespace test;
using Look = evp::Port::Look;

namespace {

constexpr int64_t LONG = 60'000'000'000; // far beyond what a look takes that ends

bool readable(int number) {
	pollfd one{number, POLLIN, 0};
	return poll(&one, 1, 0) == 1;
}

// A port with a loop that waits for one event.
struct Looking {
	int number = port_create();
	std::unique_ptr<evp::PortRef> ref = std::make_unique<evp::PortRef>(evp::registry::known(number));
	evp::Port& port = **ref;
	uint32_t waiter = *port.loop_wait(1, number);

	// `meanwhile` is called again and again during the look, which goes on while it says so.
	template <class Do>
	Look look(Do meanwhile) {
		evp::Pause pause{1, [](void* data) { return !(*static_cast<Do*>(data))(); }, &meanwhile};
		return port.loop_look(waiter, LONG, pause);
	}
	uint64_t taken() {
		evp::Event event;
		return port.try_get(&event, 1, 1).count == 1 ? event.user : 0;
	}
	void close() {
		ref.reset();
		EQUAL(port_close(number), 0);
	}
};

void called_by_a_store() {
	Looking loop;
	bool rung = false;
	EQUAL(loop.look([&] {
		EQUAL(port_send(loop.number, 1, cookie(7)), 0);
		rung = readable(loop.number);
		return true;
	}), Look::CALLED);
	CHECK(!rung);
	EQUAL(loop.taken(), 7);
	(void)loop.port.loop_state(loop.waiter, true);
	CHECK(!readable(loop.number));
	loop.close();
}

void rung_after_a_look_in_vain() {
	Looking loop;
	EQUAL(loop.look([] { return false; }), Look::IN_VAIN);
	EQUAL(port_send(loop.number, 1, cookie(8)), 0);
	CHECK(readable(loop.number));
	EQUAL(loop.look([] { return true; }), Look::NONE);
	EQUAL(loop.taken(), 8);
	(void)loop.port.loop_state(loop.waiter, true);
	CHECK(!readable(loop.number));
	loop.close();
}

// It was called, and another took: what is posted next rings.
void rung_after_another_took() {
	Looking loop;
	EQUAL(loop.look([&] { return port_send(loop.number, 1, cookie(9)) == 0; }), Look::CALLED);
	EQUAL(loop.taken(), 9);
	CHECK(!loop.port.loop_rest(loop.waiter).alerted);
	EQUAL(port_send(loop.number, 1, cookie(10)), 0);
	CHECK(readable(loop.number));
	loop.close();
}

// It was called and rests without having taken: whoever polls the port hears of what is there.
void passes_on_at_rest() {
	Looking loop;
	EQUAL(loop.look([&] { return port_send(loop.number, 1, cookie(11)) == 0; }), Look::CALLED);
	CHECK(!readable(loop.number));
	(void)loop.port.loop_rest(loop.waiter);
	CHECK(readable(loop.number));
	EQUAL(loop.taken(), 11);
	loop.close();
}

void told_of_an_alert() {
	Looking loop;
	EQUAL(loop.look([&] { return port_alert(loop.number, PORT_ALERT_SET, 5, cookie(6)) == 0; }), Look::CALLED);
	evp::Port::LoopState state = loop.port.loop_rest(loop.waiter);
	CHECK(state.alerted);
	EQUAL(state.alert.events, 5);
	EQUAL(state.alert.user, 6);
	loop.close();
}

// A descriptor is associated during the look: the loop is not asked to lead.
void never_leads() {
	Looking loop;
	int ends[2];
	EQUAL(pipe(ends), 0);
	EQUAL(loop.look([&] {
		EQUAL(port_associate(loop.number, PORT_SOURCE_FD, static_cast<uintptr_t>(ends[0]), POLLIN, nullptr), 0);
		return false;
	}), Look::IN_VAIN);
	EQUAL(loop.port.region().header().leader.load(), 0);
	EQUAL(loop.look([] { return true; }), Look::NONE);
	loop.close();
	EQUAL(close(ends[0]), 0);
	EQUAL(close(ends[1]), 0);
}

// Closing waits for threads, and not for one that looks.
void closed_during_a_look() {
	Looking loop;
	EQUAL(loop.look([&] {
		loop.port.wake_number(loop.number);
		return false;
	}), Look::IN_VAIN);
	loop.close();
}

int body() {
	called_by_a_store();
	done("called by a store, without a ring");
	rung_after_a_look_in_vain();
	done("rung after a look in vain");
	rung_after_another_took();
	done("rung after another took");
	passes_on_at_rest();
	done("passes on what it was called for");
	told_of_an_alert();
	done("told of an alert");
	never_leads();
	done("never leads");
	closed_during_a_look();
	done("closed during a look");
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(body); }
