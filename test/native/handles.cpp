// Ids that count how often their record was used, at the end of the count: what was kept of
// one that is gone names nothing, however many came after it.

#include "support.hpp"

#include "sources/library_table.hpp"
#include "sources/timer_table.hpp"

#include <ctime>
#include <set>
#include <unistd.h>

using namespace test;

namespace {

constexpr int MORE = 8; // uses of a record beyond the end of its count

void a_stale_slot_stays_stale() {
	int port = port_create();
	port_source_ops_t ops = {sizeof ops, PORT_SOURCE_LIBRARY, nullptr, nullptr};
	port_source_t source;
	EQUAL(port_source_open(port, &ops, nullptr, &source), 0);
	std::set<port_slot_t> seen;
	port_slot_t slot = 0;
	for (int i = 0; i < MORE; i++) {
		EQUAL(port_slot_reserve(source, 0, 0, nullptr, nullptr, &slot), 0);
		CHECK(seen.insert(slot).second);
		EQUAL(port_slot_release(slot), 0);
		// As after eight million uses.
		if (i == 1) evp::library::Table::current()->slots.at(0)->generation = (1u << 24) - 4;
	}
	EQUAL(port_slot_reserve(source, 0, 0, nullptr, nullptr, &slot), 0);
	for (port_slot_t stale : seen) {
		EQUAL(port_slot_post(stale, 1), -1);
		EQUAL(errno, ENOENT);
	}
	EQUAL(port_slot_post(slot, 1), 0);
	EQUAL(port_source_close(source), 0);
	close(port);
	done("a_stale_slot_stays_stale");
}

void a_stale_source_stays_stale() {
	int port = port_create();
	port_source_ops_t ops = {sizeof ops, PORT_SOURCE_LIBRARY, nullptr, nullptr};
	std::set<port_source_t> seen;
	for (int i = 0; i < MORE; i++) {
		port_source_t source;
		EQUAL(port_source_open(port, &ops, nullptr, &source), 0);
		CHECK(seen.insert(source).second);
		EQUAL(port_source_close(source), 0);
		if (i == 1) evp::library::Table::current()->sources.at(0)->generation = (1u << 24) - 4;
	}
	close(port);
	done("a_stale_source_stays_stale");
}

void a_stale_timer_stays_stale() {
	int port = port_create();
	port_notify_t notify = {port, nullptr};
	sigevent event{};
	event.sigev_notify = SIGEV_PORT;
	event.sigev_value.sival_ptr = &notify;
	std::set<timer_t> seen;
	timer_t timer = nullptr;
	for (int i = 0; i < MORE; i++) {
		EQUAL(port_timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
		CHECK(seen.insert(timer).second);
		EQUAL(port_timer_delete(timer), 0);
		evp::TimerTable& table = *evp::TimerTable::current();
		// As after 134 million uses.
		uint32_t index = table.index_of(reinterpret_cast<uint64_t>(timer));
		if (i == 1) table.at(index).generation.store((1u << 27) - 2);
	}
	EQUAL(port_timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	itimerspec soon{{}, {0, 1}};
	for (timer_t stale : seen) {
		EQUAL(port_timer_settime(stale, 0, &soon, nullptr), -1);
		EQUAL(errno, EINVAL);
	}
	EQUAL(port_timer_settime(timer, 0, &soon, nullptr), 0);
	EQUAL(port_timer_delete(timer), 0);
	close(port);
	done("a_stale_timer_stays_stale");
}

int body() {
	a_stale_slot_stays_stale();
	a_stale_source_stays_stale();
	a_stale_timer_stays_stale();
	return passed == 0;
}

} // namespace

int main() { return watched(body); }
