// user_send - USER1: send a batch, retrieve it, in one thread, against a bare futex ring.
//
// kept=1 leaves one message in the queue, so that it never becomes empty: what is left is the cost
// without the bell that outside pollers of the port hear.

#include "harness.hpp"
#include "message_load.hpp"
#include "peers/ring.hpp"
#include "port_queue.hpp"
#include "syscalls.hpp"

using namespace bench;

namespace {

template <Queue Q> void batches(Q &queue, unsigned batch, uint64_t count) {
	port_event_t events[64];
	for (uint64_t i = 0; i < count; i++) {
		for (unsigned j = 0; j < batch; j++)
			queue.send(message(j + 1));
		for (unsigned got = 0; got < batch;)
			got += queue.receive(events, batch - got);
	}
}

template <Queue Q, class... Arguments>
Figures measure(unsigned batch, unsigned kept, uint64_t messages, Arguments... arguments) {
	Q queue(arguments...);
	for (unsigned i = 0; i < kept; i++)
		queue.send(message(1));
	batches(queue, batch, messages / 8 / batch); // the memory of all cells is touched by then
	const uint64_t wall = wall_ns();
	const uint64_t cpu = thread_cpu_ns();
	batches(queue, batch, messages / batch);
	const auto cpu_ns = static_cast<double>(thread_cpu_ns() - cpu);
	const auto elapsed_ns = static_cast<double>(wall_ns() - wall);
	const auto sent = static_cast<double>(messages / batch * batch);
	Figures figures{{"cpu_ns", cpu_ns / sent}, {"wall_ns", elapsed_ns / sent}};

	const unsigned traced = 16;
	add_syscalls(figures, traced * batch, [&](auto mark) {
		Q fresh(arguments...);
		for (unsigned i = 0; i < kept; i++)
			fresh.send(message(1));
		batches(fresh, batch, 2);
		mark();
		batches(fresh, batch, traced);
		mark();
	});
	return figures;
}

} // namespace

int main(int argc, char **argv) {
	Race race("user_send", argc, argv);
	const uint64_t messages = race.quick() ? 100'000 : 1'000'000;
	for (const unsigned batch : {64u, 1u})
		for (const unsigned kept : {0u, 1u}) {
			const std::string where =
			    "batch=" + std::to_string(batch) + " kept=" + std::to_string(kept);
			race.add(where, "ring",
			    [=] { return measure<SharedRing>(batch, kept, messages, Scope::process); });
			race.add(where, "port", [=] { return measure<PortQueue>(batch, kept, messages); });
		}
	return race.run();
}
