// message_load.hpp - the work of USER2 to USER4: 24-byte messages through one queue from P
// producers to C consumers, and a ping-pong through two queues.
#pragma once

#include <port.h>

#include <algorithm>
#include <concepts>
#include <stdexcept>
#include <string>

#include "crew.hpp"

namespace bench {

// send() returns when the message is queued, receive() when it has got 1 … most messages.
template <class Q>
concept Queue = requires(Q queue, const port_event_t &event, port_event_t *events) {
	queue.send(event);
	{ queue.receive(events, 1u) } -> std::convertible_to<unsigned>;
};

inline port_event_t message(uint64_t value) {
	return {0, PORT_SOURCE_USER, 0, 0, reinterpret_cast<void *>(value)};
}

inline uint64_t value_of(const port_event_t &event) {
	return reinterpret_cast<uintptr_t>(event.portev_user);
}

struct MessageLoad {
	Kind kind;
	unsigned producers;
	unsigned consumers;
	uint64_t messages;
};

// Each consumer ends with one stop message. The last producer to finish sends as many as there are
// consumers; a batch that holds more than one gives the rest back.
template <Queue Q> class Throughput {
public:
	Throughput(Q &queue, const MessageLoad &load)
	    : queue_(queue), load_(load), each_(load.messages / load.producers),
	      tally_(load.producers) {}

	Figures measure() {
		const auto cpus = usable_cpus();
		Crew crew(load_.kind);
		for (unsigned i = 0; i < load_.producers; i++)
			crew.hire(cpus[i % cpus.size()], [this] { produce(); });
		for (unsigned i = 0; i < load_.consumers; i++)
			crew.hire(cpus[(i + 1) % cpus.size()], [this] { consume(); });
		const uint64_t wakes_before = wakes();
		const CrewCost cost = crew.run();
		verify();

		const auto messages = static_cast<double>(each_ * load_.producers);
		Figures figures{{"cpu_ns", cost.cpu_ns / messages}, {"wall_ns", cost.wall_ns / messages}};
		if constexpr (counts_wakes)
			figures["wakes"] = static_cast<double>(wakes() - wakes_before) / messages;
		return figures;
	}

private:
	static constexpr unsigned batch = 64;
	static constexpr uint64_t stop = UINT64_MAX;
	static constexpr bool counts_wakes = requires(Q queue) { queue.wakes(); };

	struct Tally {
		explicit Tally(unsigned running) : producing(running) {}
		std::atomic<unsigned> producing;
		std::atomic<uint64_t> count{0};
		std::atomic<uint64_t> sum{0};
	};

	uint64_t wakes() {
		if constexpr (counts_wakes)
			return queue_.wakes();
		return 0;
	}

	void produce() {
		for (uint64_t i = 1; i <= each_; i++)
			queue_.send(message(i));
		if (--tally_->producing == 0)
			for (unsigned i = 0; i < load_.consumers; i++)
				queue_.send(message(stop));
	}

	void consume() {
		port_event_t events[batch];
		uint64_t count = 0;
		uint64_t sum = 0;
		unsigned stops = 0;
		while (stops == 0) {
			const unsigned got = queue_.receive(events, batch);
			for (unsigned i = 0; i < got; i++) {
				const uint64_t value = value_of(events[i]);
				if (value == stop) {
					stops++;
				} else {
					count++;
					sum += value;
				}
			}
		}
		while (stops-- > 1)
			queue_.send(message(stop));
		tally_->count += count;
		tally_->sum += sum;
	}

	void verify() {
		const uint64_t count = each_ * load_.producers;
		if (tally_->count != count || tally_->sum != load_.producers * (each_ * (each_ + 1) / 2))
			throw std::runtime_error("messages were lost or doubled: " +
			    std::to_string(tally_->count) + " of " + std::to_string(count));
	}

	Q &queue_;
	MessageLoad load_;
	uint64_t each_;
	Shared<Tally> tally_;
};

template <Queue Q> Figures throughput(Q &queue, const MessageLoad &load) {
	return Throughput<Q>(queue, load).measure();
}

struct PingPong {
	Kind kind;
	int first_cpu;
	int second_cpu;
	unsigned trips;
};

template <Queue Q> Figures ping_pong(Q &there, Q &back, const PingPong &game) {
	constexpr unsigned most_trips = 65536;
	struct Times {
		uint64_t trip_ns[most_trips];
	};
	Shared<Times> times;
	const unsigned trips = std::min(game.trips, most_trips);
	const unsigned warm_up = trips / 10;

	Crew crew(game.kind);
	crew.hire(game.first_cpu, [&] {
		port_event_t event;
		for (unsigned i = 0; i < warm_up + trips; i++) {
			const uint64_t from = wall_ns();
			there.send(message(i));
			back.receive(&event, 1);
			if (i >= warm_up)
				times->trip_ns[i - warm_up] = wall_ns() - from;
		}
	});
	crew.hire(game.second_cpu, [&] {
		port_event_t event;
		for (unsigned i = 0; i < warm_up + trips; i++) {
			there.receive(&event, 1);
			back.send(event);
		}
	});
	const CrewCost cost = crew.run();

	std::sort(times->trip_ns, times->trip_ns + trips);
	const auto microseconds = [&](unsigned percent) {
		return static_cast<double>(times->trip_ns[trips * percent / 100]) / 1000;
	};
	return {{"p50_us", microseconds(50)}, {"p99_us", microseconds(99)},
	    {"cpu_ns", cost.cpu_ns / (warm_up + trips)}};
}

} // namespace bench
