// fd_libs - FD2: the work of FD1 in libevent, libuv and libkqueue, each used one-shot.

#include "fd_load.hpp"
#include "harness.hpp"
#include "port_reactor.hpp"
#ifdef BENCH_LIBEVENT
#include "peers/libevent.hpp"
#endif
#ifdef BENCH_LIBUV
#include "peers/libuv.hpp"
#endif
#ifdef BENCH_LIBKQUEUE
#include "peers/libkqueue.hpp"
#endif

using namespace bench;

namespace {

template <Reactor R>
void add(Race &race, const FdPool &pool, const std::string &where, const char *who, FdLoad load) {
	race.add(where, who, [&pool, load] { return rearm<R>(pool, load); });
}

} // namespace

int main(int argc, char **argv) {
	Race race("fd_libs", argc, argv);
	const size_t spare_descriptors = 64;
	const size_t limit = raise_fd_limit() - spare_descriptors;
	const size_t events = race.quick() ? 1024 : 16384;
	const FdLoad loads[] = {{64, 32, events}, {1000, 1, events}, {1000, 32, events},
	    {10000, 256, events}, {15000, 256, events}};
	const FdPool pool(FdPool::Kind::eventfd, std::min<size_t>(limit, 15000));

	for (const FdLoad &load : loads) {
		if (load.count > limit || (race.quick() && load.count == 10000))
			continue;
		const std::string where =
		    "fds=" + std::to_string(load.count) + " active=" + std::to_string(load.active);
		add<PortReactor>(race, pool, where, "port", load);
#ifdef BENCH_LIBEVENT
		add<Libevent>(race, pool, where, "libevent", load);
#endif
#ifdef BENCH_LIBUV
		add<Libuv>(race, pool, where, "libuv", load);
#endif
#ifdef BENCH_LIBKQUEUE
		add<KqueueDispatch>(race, pool, where, "kqueue-dispatch", load);
		add<KqueueOneshot>(race, pool, where, "kqueue-oneshot", load);
#endif
	}
	return race.run();
}
