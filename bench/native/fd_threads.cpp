// fd_threads - FD4: four threads retrieve from one port while a fifth makes descriptors ready; CPU
// of all five per event, against four threads each in epoll_wait.
//
// The writer makes all descriptors ready, in random order, and sleeps until the last was handled.

#include <numeric>
#include <random>

#include "crew.hpp"
#include "fd_pool.hpp"
#include "futex.hpp"
#include "harness.hpp"
#include "peers/epoll.hpp"
#include "port_reactor.hpp"

using namespace bench;

namespace {

constexpr unsigned retrievers = 4;
constexpr unsigned descriptors = 256;

// A lap: every descriptor ready once.
class Laps {
public:
	void write_all(const FdPool &pool, std::span<const size_t> order) {
		left_ = static_cast<uint32_t>(order.size());
		for (const size_t index : order)
			pool.make_ready(index);
		while (const uint32_t left = left_)
			futex_wait(&left_, left, Scope::process);
	}

	void handled() {
		if (--left_ == 0)
			futex_wake(&left_, 1, Scope::process);
	}

private:
	std::atomic<uint32_t> left_{0};
};

// Each retriever in its own epoll_wait(most) on one set.
class EpollTeam {
public:
	explicit EpollTeam(std::span<const int> fds)
	    : epoll_(check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
	      stop_(check(eventfd(0, EFD_CLOEXEC), "eventfd")) {
		for (const int fd : fds)
			control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT);
		control(EPOLL_CTL_ADD, stop_, EPOLLIN);
	}

	~EpollTeam() {
		close(epoll_);
		close(stop_);
	}

	void retrieve(unsigned most, Laps &laps) {
		std::array<epoll_event, 64> ready;
		for (;;) {
			const int count = check(epoll_wait(epoll_, ready.data(), static_cast<int>(most), -1),
			    "epoll_wait");
			for (int i = 0; i < count; i++) {
				const int fd = ready[i].data.fd;
				if (fd == stop_)
					return;
				FdPool::drain(fd);
				control(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT);
				laps.handled();
			}
		}
	}

	void stop() { eventfd_write(stop_, 1); }

private:
	void control(int operation, int fd, uint32_t events) {
		epoll_event event{};
		event.events = events;
		event.data.fd = fd;
		check(epoll_ctl(epoll_, operation, fd, &event), "epoll_ctl");
	}

	int epoll_;
	int stop_;
};

class PortTeam {
public:
	explicit PortTeam(std::span<const int> fds) {
		for (const int fd : fds)
			associate(static_cast<uintptr_t>(fd));
	}

	void retrieve(unsigned most, Laps &laps) {
		std::array<port_event_t, 64> ready;
		for (;;) {
			unsigned count = 1;
			check(port_getn(port_, ready.data(), most, &count, nullptr), "port_getn");
			for (unsigned i = 0; i < count; i++) {
				if (ready[i].portev_source == PORT_SOURCE_ALERT)
					return;
				FdPool::drain(static_cast<int>(ready[i].portev_object));
				associate(ready[i].portev_object);
				laps.handled();
			}
		}
	}

	void stop() { check(port_alert(port_, PORT_ALERT_SET, 1, nullptr), "port_alert"); }

private:
	void associate(uintptr_t fd) {
		check(port_associate(port_, PORT_SOURCE_FD, fd, POLLIN, nullptr), "port_associate");
	}

	Port port_;
};

template <class Team> Figures measure(const FdPool &pool, unsigned most, unsigned lap_count) {
	std::vector<size_t> order(descriptors);
	std::iota(order.begin(), order.end(), size_t{0});
	std::shuffle(order.begin(), order.end(), std::mt19937(1));
	Team team(pool.first(descriptors));
	Laps laps;

	Crew crew(Kind::threads);
	crew.hire(any_cpu, [&] {
		for (unsigned i = 0; i < lap_count; i++)
			laps.write_all(pool, order);
		team.stop();
	});
	for (unsigned i = 0; i < retrievers; i++)
		crew.hire(any_cpu, [&] { team.retrieve(most, laps); });
	const CrewCost cost = crew.run();
	const double events = static_cast<double>(lap_count) * descriptors;
	return {{"cpu_ns", cost.cpu_ns / events}, {"wall_ns", cost.wall_ns / events}};
}

} // namespace

int main(int argc, char **argv) {
	Race race("fd_threads", argc, argv);
	const unsigned lap_count = race.quick() ? 20 : 200;
	const FdPool pool(FdPool::Kind::eventfd, descriptors);
	for (const unsigned most : {1u, 64u}) {
		const std::string where = "threads=4 most=" + std::to_string(most);
		race.add(where, "epoll", [&, most] { return measure<EpollTeam>(pool, most, lap_count); });
		race.add(where, "port", [&, most] { return measure<PortTeam>(pool, most, lap_count); });
	}
	return race.run();
}
