// fd_load.hpp - the work of FD1 to FD3: of `count` watched descriptors `active` become ready,
// all are retrieved, read and armed again; CPU time of that per event, the writes not counted.
#pragma once

#include <concepts>
#include <numeric>
#include <random>

#include "clocks.hpp"
#include "fd_pool.hpp"

namespace bench {

// Built over the descriptors to watch; step() waits for some of them, reads each, arms each again
// and returns how many there were.
template <class R>
concept Reactor = std::constructible_from<R, std::span<const int>> && requires(R reactor) {
	{ reactor.step() } -> std::convertible_to<unsigned>;
};

struct FdLoad {
	size_t count;
	size_t active;
	size_t events;
};

template <Reactor R> class FdRun {
public:
	FdRun(const FdPool &pool, FdLoad load)
	    : pool_(pool), load_(load), reactor_(pool.first(load.count)), order_(load.count) {
		// The same order for every contender; random, or caches would flatter all of them.
		std::iota(order_.begin(), order_.end(), size_t{0});
		std::shuffle(order_.begin(), order_.end(), std::mt19937(1));
	}

	Figures measure() {
		batches(load_.events / 8 / load_.active + 1);
		Stretches stretches;
		size_t done = 0;
		for (; done < load_.events; done += load_.active)
			batch([&] { stretches.open(); }, [&] { stretches.close(); });
		return {{"cpu_ns", stretches.total_ns() / static_cast<double>(done)}};
	}

	void batches(size_t count) {
		while (count-- > 0)
			batch([] {}, [] {});
	}

private:
	void batch(auto before, auto after) {
		if (next_ + load_.active > order_.size())
			next_ = 0;
		for (size_t i = 0; i < load_.active; i++)
			pool_.make_ready(order_[next_++]);
		before();
		for (size_t handled = 0; handled < load_.active;)
			handled += reactor_.step();
		after();
	}

	const FdPool &pool_;
	FdLoad load_;
	R reactor_;
	std::vector<size_t> order_;
	size_t next_ = 0;
};

template <Reactor R> Figures rearm(const FdPool &pool, FdLoad load) {
	return FdRun<R>(pool, load).measure();
}

} // namespace bench
