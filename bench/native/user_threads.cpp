// user_threads - USER2: messages between threads, 1:1 and 4:4, CPU per message.

#include "harness.hpp"
#include "message_load.hpp"
#include "peers/locked_queue.hpp"
#include "peers/ring.hpp"
#include "peers/stream_queue.hpp"
#include "port_queue.hpp"

using namespace bench;

namespace {

template <Queue Q, class... Arguments>
void add(Race &race, const std::string &where, const char *who, MessageLoad load,
    Arguments... arguments) {
	race.add(where, who, [=] {
		Q queue(arguments...);
		return throughput(queue, load);
	});
}

} // namespace

int main(int argc, char **argv) {
	Race race("user_threads", argc, argv);
	const uint64_t messages = race.quick() ? 200'000 : 1'000'000;
	for (const unsigned side : {1u, 4u}) {
		const std::string where =
		    "producers=" + std::to_string(side) + " consumers=" + std::to_string(side);
		const MessageLoad load{Kind::threads, side, side, messages};
		MessageLoad slow = load; // a system call per message: fewer will do
		slow.messages /= 4;
		add<SharedRing>(race, where, "ring", load, Scope::process);
		add<PortQueue>(race, where, "port", load);
		add<LockedQueue>(race, where, "condvar", load);
		add<PipeQueue>(race, where, "pipe", slow);
	}
	return race.run();
}
