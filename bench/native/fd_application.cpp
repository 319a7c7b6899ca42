// fd_application - what an application on libevent sees of the cost: libevent on its epoll backend,
// the same libevent on evport.c over our port, beside raw epoll (one-shot, and level) and the port.
//
// It needs a libevent that was built against libport: EVENT_PORTS_LIBEVENT names the folder of such
// a build; `npm run test:consumers` leaves one in out/consumers/build/libevent.

#include "fd_load.hpp"
#include "harness.hpp"
#include "peers/epoll.hpp"
#include "port_reactor.hpp"
#ifdef BENCH_LIBEVENT_BACKENDS
#include "peers/libevent_backend.hpp"
#endif

using namespace bench;

namespace {

template <Reactor R>
void add(Race &race, const FdPool &pool, const std::string &where, const char *who, FdLoad load) {
	race.add(where, who, [&pool, load] { return rearm<R>(pool, load); });
}

#ifdef BENCH_LIBEVENT_BACKENDS
constexpr char evport[] = "evport";
constexpr char epoll[] = "epoll";

template <const char *backend, bool persist> struct On : LibeventBackend {
	explicit On(std::span<const int> fds) : LibeventBackend(fds, backend, persist) {}
};
#endif

} // namespace

int main(int argc, char **argv) {
	Race race("fd_application", argc, argv);
	const size_t spare_descriptors = 64;
	const size_t limit = raise_fd_limit() - spare_descriptors;
	const size_t events = race.quick() ? 1024 : 16384;
	const FdLoad loads[] = {{64, 1, events}, {1000, 32, events}, {10000, 256, events}};
	const FdPool pool(FdPool::Kind::eventfd, std::min<size_t>(limit, 10000));

	for (const FdLoad &load : loads) {
		if (load.count > limit)
			continue;
		const std::string where =
		    "fds=" + std::to_string(load.count) + " active=" + std::to_string(load.active);
		add<EpollOneshot>(race, pool, where, "epoll-oneshot", load);
		add<EpollLevel>(race, pool, where, "epoll-level", load);
		add<PortReactor>(race, pool, where, "port", load);
#ifdef BENCH_LIBEVENT_BACKENDS
		add<On<epoll, false>>(race, pool, where, "libevent-epoll", load);
		add<On<evport, false>>(race, pool, where, "libevent-port", load);
		add<On<epoll, true>>(race, pool, where, "libevent-epoll-persist", load);
		add<On<evport, true>>(race, pool, where, "libevent-port-persist", load);
#endif
	}
	return race.run();
}
