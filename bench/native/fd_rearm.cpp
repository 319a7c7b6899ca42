// fd_rearm - FD1 and FD3: retrieve, read, re-arm, against the literal epoll one-shot loop.
//
// "syscalls" counts the write that makes a descriptor ready too. FD3 (cost at 15,000
// descriptors over that at 64) is read from the same rows: all sizes are run in every round.
// --quick leaves out what takes long to set up.

#include <algorithm>
#include <memory>
#include <utility>

#include "fd_load.hpp"
#include "harness.hpp"
#include "peers/epoll.hpp"
#include "port_reactor.hpp"
#include "syscalls.hpp"

using namespace bench;

namespace {

constexpr size_t sizes[] = {64, 1000, 10000, 15000};
constexpr size_t actives[] = {1, 32, 256};
constexpr size_t spare_descriptors = 64;
constexpr size_t counted_events = 128; // few: under ptrace each call costs microseconds

template <Reactor R>
void add(Race &race, const FdPool &pool, const std::string &where, const char *who, FdLoad load) {
	// Counted once, the number is always the same: a fork copies 15,000 descriptors.
	race.add(where, who, [&pool, load, count = load.count == sizes[0]]() mutable {
		Figures figures = rearm<R>(pool, load);
		const size_t batches = counted_events / load.active;
		if (std::exchange(count, false))
			add_syscalls(figures, counted_events, [&](auto mark) {
				FdRun<R> run(pool, load);
				run.batches(1);
				mark();
				run.batches(batches);
				mark();
			});
		return figures;
	});
}

std::vector<FdLoad> loads(size_t largest, size_t events, bool quick) {
	std::vector<FdLoad> found;
	for (const size_t count : sizes)
		for (const size_t active : actives)
			if (count <= largest && active <= count &&
			    (!quick || (active <= 32 && (count <= 64 || active == 32) && count != 10000)))
				found.push_back({count, active, events});
	return found;
}

} // namespace

int main(int argc, char **argv) {
	Race race("fd_rearm", argc, argv);
	const size_t limit = raise_fd_limit() - spare_descriptors;
	const size_t events = race.quick() ? 1024 : 16384;
	std::vector<std::unique_ptr<FdPool>> pools;

	size_t used = 0;
	for (const auto kind : {FdPool::Kind::eventfd, FdPool::Kind::socket}) {
		const size_t each = FdPool::descriptors_each(kind);
		const size_t room = (limit - used) / each;
		const auto last = std::upper_bound(std::begin(sizes), std::end(sizes), room);
		const size_t largest = *std::prev(last);
		const FdPool &pool = *pools.emplace_back(std::make_unique<FdPool>(kind, largest));
		used += largest * each;
		for (const FdLoad &load : loads(largest, events, race.quick())) {
			const std::string where = std::string("kind=") + FdPool::name(kind) +
			    " fds=" + std::to_string(load.count) + " active=" + std::to_string(load.active);
			add<EpollOneshot>(race, pool, where, "literal", load);
			add<PortReactor>(race, pool, where, "port", load);
			add<PortListReactor>(race, pool, where, "port-list", load);
			if (!race.quick())
				add<EpollLevel>(race, pool, where, "level", load);
		}
	}
	return race.run();
}
