// Exactly once under load: eight senders, takers of mixed sizes, descriptors
// associated anew all the time, alert mode set and left meanwhile.

#include "support.hpp"

#include <atomic>
#include <memory>
#include <poll.h>
#include <sched.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace test;

namespace {

constexpr uint64_t SENDERS = 8;
constexpr uint64_t EACH = SANITIZED ? 50'000 : 1'000'000;
constexpr uint64_t TOTAL = SENDERS * EACH;
constexpr int STOP = 0x5709; // events value of the last alert
constexpr int PIPES = 16;
constexpr int STEADY = 8; // pipes that only takers associate; the rest is meddled with

struct Taking {
	unsigned wanted, max;
};
constexpr Taking TAKERS[] = {{1, 1}, {1, 64}, {3, 7}, {17, 33}, {64, 256}, {1, 16}};

struct Stress {
	int port = -1;
	int pipes[PIPES][2];
	std::unique_ptr<std::atomic<uint64_t>[]> seen{new std::atomic<uint64_t>[TOTAL / 64 + 1]()};
	std::atomic<uint64_t> count{0}, sum{0}, descriptors{0}, alerts{0};
	std::atomic<int> armed[PIPES]{};
	std::atomic<bool> quiet{false};

	void send_all(uint64_t sender) {
		for (uint64_t i = 0; i < EACH; i++) {
			uint64_t number = sender * EACH + i;
			while (port_send(port, static_cast<int>(sender), cookie(number)) != 0) {
				EQUAL(errno, EAGAIN); // the port is full: its limit holds
				sched_yield();
			}
		}
	}

	void take_user(const port_event_t& event, uint64_t (&last)[SENDERS]) {
		uint64_t number = number_of(event);
		CHECK(number < TOTAL);
		uint64_t sender = number / EACH;
		EQUAL(event.portev_events, sender);
		// First in, first out: what one taker gets of one sender ascends.
		CHECK(number % EACH + 1 > last[sender]);
		last[sender] = number % EACH + 1;
		uint64_t bit = 1ull << number % 64;
		EQUAL(seen[number / 64].fetch_or(bit) & bit, 0);
		sum.fetch_add(number, std::memory_order_relaxed);
		if (count.fetch_add(1) + 1 == TOTAL) count.notify_all();
	}

	void take_descriptor(const port_event_t& event) {
		uint64_t at = number_of(event);
		CHECK(at < PIPES);
		EQUAL(event.portev_object, pipes[at][0]);
		EQUAL(event.portev_events, POLLIN);
		descriptors.fetch_add(1, std::memory_order_relaxed);
		if (at < STEADY) EQUAL(armed[at].exchange(0), 1); // one event an association
		if (quiet.load()) return;
		associate(at);
	}

	void associate(uint64_t at) {
		armed[at].store(1);
		while (port_associate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(pipes[at][0]), POLLIN,
		                      cookie(at)) != 0) {
			EQUAL(errno, EAGAIN);
			sched_yield();
		}
	}

	void take(Taking taking) {
		std::vector<port_event_t> list(taking.max);
		uint64_t last[SENDERS] = {};
		for (;;) {
			unsigned got = taking.wanted;
			EQUAL(port_getn(port, list.data(), taking.max, &got, nullptr), 0);
			CHECK(got >= 1 && got <= taking.max);
			if (list[0].portev_source == PORT_SOURCE_ALERT) {
				EQUAL(got, 1);
				if (list[0].portev_events == STOP) return;
				alerts.fetch_add(1, std::memory_order_relaxed);
				sched_yield();
				continue;
			}
			CHECK(got >= taking.wanted);
			for (unsigned i = 0; i < got; i++) {
				if (list[i].portev_source == PORT_SOURCE_USER)
					take_user(list[i], last);
				else
					take_descriptor(list[i]);
			}
		}
	}

	void meddle() {
		Random random(7);
		while (!quiet.load()) {
			uint64_t at = STEADY + random.below(PIPES - STEADY);
			if (random.below(3) == 0) {
				if (port_dissociate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(pipes[at][0])) != 0)
					EQUAL(errno, ENOENT);
			} else {
				associate(at);
			}
			sched_yield();
		}
	}

	void alarm() {
		int value = 0;
		while (!quiet.load()) {
			value = value % 1000 + 1;
			EQUAL(port_alert(port, PORT_ALERT_SET, value, nullptr), 0);
			EQUAL(port_alert(port, PORT_ALERT_SET, 0, nullptr), 0);
			for (int i = 0; i < 50; i++) sched_yield();
		}
	}

	void run() {
		CHECK((port = port_create()) >= 0);
		for (auto& pair : pipes) {
			EQUAL(pipe(pair), 0);
			EQUAL(write(pair[1], "x", 1), 1); // ready for ever
		}
		for (uint64_t at = 0; at < PIPES; at++) associate(at);
		std::vector<std::thread> takers, senders;
		for (Taking taking : TAKERS) takers.emplace_back([=, this] { take(taking); });
		for (uint64_t s = 0; s < SENDERS; s++) senders.emplace_back([=, this] { send_all(s); });
		std::thread meddler([this] { meddle(); });
		std::thread alerter([this] { alarm(); });
		for (std::thread& sender : senders) sender.join();
		for (uint64_t now; (now = count.load()) != TOTAL;) count.wait(now);
		quiet.store(true);
		meddler.join();
		alerter.join();
		EQUAL(port_alert(port, PORT_ALERT_SET, STOP, nullptr), 0);
		for (std::thread& taker : takers) taker.join();
		check();
	}

	void check() {
		EQUAL(count.load(), TOTAL);
		EQUAL(sum.load(), TOTAL * (TOTAL - 1) / 2);
		CHECK(descriptors.load() > 0);
		EQUAL(port_alert(port, PORT_ALERT_SET, 0, nullptr), 0);
		for (auto& pair : pipes) {
			port_dissociate(port, PORT_SOURCE_FD, static_cast<uintptr_t>(pair[0]));
			close(pair[0]);
			close(pair[1]);
		}
		// Dissociating a delivered one finds nothing, yet gives the slot back.
		port_event_t event;
		timespec none{};
		EQUAL(port_get(port, &event, &none), -1);
		EQUAL(errno, ETIME);
		port_info_t info = info_of(port);
		EQUAL(info.pi_queued, 0);
		EQUAL(info.pi_slots, 0);
		EQUAL(info.pi_waiters, 0);
		EQUAL(info.pi_delivered[PORT_SOURCE_USER], TOTAL);
		EQUAL(info.pi_delivered[PORT_SOURCE_FD], descriptors.load());
		EQUAL(port_close(port), 0);
	}
};

int body() {
	auto stress = std::make_unique<Stress>();
	stress->run();
	printf("      %llu messages, %llu descriptor events, %llu alerts seen\n",
	       static_cast<unsigned long long>(TOTAL),
	       static_cast<unsigned long long>(stress->descriptors.load()),
	       static_cast<unsigned long long>(stress->alerts.load()));
	done("eight senders, each message exactly once");
	printf("%d passed, 0 failed, 0 skipped\n", passed);
	return 0;
}

} // namespace

int main() { return watched(body); }
