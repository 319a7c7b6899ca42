// peers/ring.hpp - the floor for user events: a bounded Vyukov ring, popped in runs, with an event
// count. Not crash-safe: a producer killed between claim and publish stalls it for ever.
#pragma once

#include <port.h>
#include <sched.h>

#include <memory>

#include "../shared.hpp"
#include "event_count.hpp"

namespace bench {

class Ring {
public:
	static constexpr uint64_t capacity = 65536; // the default limit of a port

	explicit Ring(Scope scope) : bell_(scope) {
		for (uint64_t i = 0; i < capacity; i++)
			cells_[i].turn.store(i, std::memory_order_relaxed);
	}

	void send(const port_event_t &event) {
		while (!push(event))
			sched_yield();
		bell_.notify();
	}

	unsigned receive(port_event_t *events, unsigned most) {
		for (;;) {
			if (const unsigned count = pop(events, most))
				return count;
			const uint32_t key = bell_.announce();
			if (const unsigned count = pop(events, most)) {
				bell_.leave(key);
				return count;
			}
			bell_.sleep(key);
			bell_.leave(key);
		}
	}

	uint64_t wakes() const { return bell_.wakes(); }

private:
	struct Cell {
		std::atomic<uint64_t> turn; // position: free for it; position + 1: holds its event
		port_event_t event;
	};

	bool push(const port_event_t &event) {
		uint64_t at = tail_.load(std::memory_order_relaxed);
		for (;;) {
			Cell &cell = cells_[at % capacity];
			const uint64_t turn = cell.turn.load(std::memory_order_acquire);
			if (turn == at) {
				if (!tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed))
					continue;
				cell.event = event;
				cell.turn.store(at + 1, std::memory_order_release);
				return true;
			}
			if (turn < at)
				return false;
			at = tail_.load(std::memory_order_relaxed);
		}
	}

	// A run of published cells is taken with one exchange.
	unsigned pop(port_event_t *events, unsigned most) {
		uint64_t at = head_.load(std::memory_order_relaxed);
		for (;;) {
			unsigned count = 0;
			while (count < most && published(at + count))
				count++;
			if (count == 0) {
				const uint64_t now = head_.load(std::memory_order_relaxed);
				if (now == at)
					return 0;
				at = now;
				continue;
			}
			if (!head_.compare_exchange_weak(at, at + count, std::memory_order_relaxed))
				continue;
			for (unsigned i = 0; i < count; i++) {
				Cell &cell = cells_[(at + i) % capacity];
				events[i] = cell.event;
				cell.turn.store(at + i + capacity, std::memory_order_release);
			}
			return count;
		}
	}

	bool published(uint64_t at) const {
		return cells_[at % capacity].turn.load(std::memory_order_acquire) == at + 1;
	}

	alignas(128) std::atomic<uint64_t> tail_{0};
	alignas(128) std::atomic<uint64_t> head_{0};
	alignas(128) EventCount bell_;
	alignas(128) Cell cells_[capacity];
};

// A ring that processes forked later share.
class SharedRing {
public:
	explicit SharedRing(Scope scope) : ring_(scope) {}

	void send(const port_event_t &event) { ring_->send(event); }
	unsigned receive(port_event_t *events, unsigned most) { return ring_->receive(events, most); }
	uint64_t wakes() const { return ring_->wakes(); }

private:
	Shared<Ring> ring_;
};

} // namespace bench
