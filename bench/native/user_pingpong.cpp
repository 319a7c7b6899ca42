// user_pingpong - USER4: wall time of a round trip through two queues, p50, on one CPU and on two.

#include "harness.hpp"
#include "message_load.hpp"
#include "peers/ring.hpp"
#include "peers/stream_queue.hpp"
#include "port_queue.hpp"

using namespace bench;

namespace {

template <Queue Q, class... Arguments>
void add(Race &race, const std::string &where, const char *who, PingPong game,
    Arguments... arguments) {
	race.add(where, who, [=] {
		Q there(arguments...);
		Q back(arguments...);
		return ping_pong(there, back, game);
	});
}

} // namespace

int main(int argc, char **argv) {
	Race race("user_pingpong", argc, argv);
	const auto cpus = usable_cpus();
	const unsigned trips = race.quick() ? 1'000 : 10'000;
	for (const size_t count : {1, 2}) {
		if (count > cpus.size())
			continue;
		const std::string where = "cpus=" + std::to_string(count);
		const PingPong game{Kind::threads, cpus[0], cpus[count - 1], trips};
		add<SharedRing>(race, where, "ring", game, Scope::process);
		add<PortQueue>(race, where, "port", game);
		add<PortQueueWithFd>(race, where, "port-with-fd", game);
		add<PipeQueue>(race, where, "pipe", game);
	}
	return race.run();
}
