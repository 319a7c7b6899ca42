// user_procs - USER3: messages between processes, 1:1 and 4:4, CPU per message of all of them.

#include "harness.hpp"
#include "message_load.hpp"
#include "peers/mq_queue.hpp"
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

// Does a port made before fork reach the parent from the child? Asked first, because a retriever
// of a port that is not shared would wait for ever.
bool fork_shares_port() {
	const Port port;
	const pid_t child = fork();
	if (child == 0)
		_exit(port_send(port, 1, nullptr) == 0 ? 0 : 1);
	waitpid(child, nullptr, 0);
	port_event_t event;
	const timespec patience{1, 0};
	return port_get(port, &event, &patience) == 0;
}

Figures port_throughput(const MessageLoad &load) {
	if (!fork_shares_port())
		throw std::runtime_error("needs sharing");
	PortQueue queue;
	return throughput(queue, load);
}

} // namespace

int main(int argc, char **argv) {
	Race race("user_procs", argc, argv);
	const uint64_t messages = race.quick() ? 200'000 : 1'000'000;
	for (const unsigned side : {1u, 4u}) {
		const std::string where =
		    "producers=" + std::to_string(side) + " consumers=" + std::to_string(side);
		const MessageLoad load{Kind::processes, side, side, messages};
		MessageLoad slow = load; // a system call per message: fewer will do
		slow.messages /= 4;
		add<SharedRing>(race, where, "ring", load, Scope::shared);
		race.add(where, "port", [=] { return port_throughput(load); });
		add<PipeQueue>(race, where, "pipe", slow);
		add<SocketQueue>(race, where, "socketpair", slow);
		add<MqQueue>(race, where, "mq", slow);
	}
	return race.run();
}
