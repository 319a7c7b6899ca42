// timers - TIMER1: arm, cancel and expire many timers, against libuv; TIMER2: how late one timer of
// a millisecond comes, against a bare timerfd.

#include <sys/timerfd.h>

#include "harness.hpp"
#include "port_timers.hpp"
#ifdef BENCH_LIBUV
#include "peers/libuv_timers.hpp"
#endif

using namespace bench;

namespace {

template <class T> void add_loads(Race &race, const char *who, size_t count) {
	const std::string where = " timers=" + std::to_string(count);
	race.add("what=arm" + where, who, [=] { return arm_and_cancel<T>(count, false); });
	race.add("what=cancel" + where, who, [=] { return arm_and_cancel<T>(count, true); });
	race.add("what=expire" + where, who, [=] { return expire<T>(count); });
}

constexpr itimerspec ONE_MS{{0, 0}, {0, 1'000'000}};

template <class Wait> Figures lateness(int times, Wait wait_for_one_ms) {
	std::vector<double> late;
	for (int i = 0; i < times; i++) {
		const uint64_t start = wall_ns();
		wait_for_one_ms();
		late.push_back(static_cast<double>(wall_ns() - start - 1'000'000) / 1e3);
	}
	return {{"p50_us", median(late)}};
}

Figures late_timerfd(int times) {
	const int fd = check(timerfd_create(CLOCK_MONOTONIC, 0), "timerfd_create");
	auto figures = lateness(times, [fd] {
		uint64_t expirations;
		timerfd_settime(fd, 0, &ONE_MS, nullptr);
		(void)!read(fd, &expirations, sizeof expirations);
	});
	close(fd);
	return figures;
}

Figures late_port(int times) {
	const int port = check(port_create(), "port_create");
	port_notify_t notify{port, nullptr};
	sigevent event{};
	event.sigev_notify = SIGEV_PORT;
	event.sigev_value.sival_ptr = &notify;
	timer_t timer;
	check(timer_create(CLOCK_MONOTONIC, &event, &timer), "timer_create");
	auto figures = lateness(times, [=] {
		port_event_t expired;
		timer_settime(timer, 0, &ONE_MS, nullptr);
		check(port_get(port, &expired, nullptr), "port_get");
	});
	timer_delete(timer);
	close(port);
	return figures;
}

} // namespace

int main(int argc, char **argv) {
	Race race("timers", argc, argv);
	for (const size_t count : {1'000u, 100'000u, 1'000'000u}) {
		if (race.quick() && count > 100'000)
			continue;
		add_loads<PortTimers>(race, "port", count);
#ifdef BENCH_LIBUV
		add_loads<LibuvTimers>(race, "libuv", count);
#endif
	}
	const int times = race.quick() ? 200 : 1000;
	race.add("what=late", "timerfd", [=] { return late_timerfd(times); });
	race.add("what=late", "port", [=] { return late_port(times); });
	return race.run();
}
