// Timers below the C face: the wheel against a list, what a million of them weigh, the clock.

#include "support.hpp"

#include "sources/timer_set.hpp"
#include "sys/clock.hpp"
#include "sys/fast_clock.hpp"

#include <algorithm>
#include <memory>
#include <signal.h>
#include <unistd.h>
#include <vector>

using evp::Timer;
using evp::TimerSet;
using evp::TimerTable;
using evp::TimerWheel;

namespace {

constexpr uint32_t TIMERS = 300;

// Times of every size: each level of the wheel has its share, and so have equal ones.
int64_t some_time(test::Random& random, int64_t now) {
	int64_t span = 1ll << (random.below(60) + 1);
	int64_t offset = (static_cast<int64_t>(random.below(1u << 31)) << 31 | random.below(1u << 31)) % span;
	return now > INT64_MAX - 1 - offset ? INT64_MAX - 1 : now + offset;
}

// What set_time and its like do with the wheel, without clocks and ports.
struct Model {
	TimerTable& table = *TimerTable::current();
	std::unique_ptr<TimerWheel> wheel = std::make_unique<TimerWheel>(table);
	std::vector<uint32_t> index;
	int64_t now = 1'000'000'000'000;

	Model() {
		CHECK(wheel->reserve(TIMERS));
		for (uint32_t i = 0; i < TIMERS; i++) index.push_back(table.take());
	}
	~Model() {
		for (uint32_t i : index) table.give_back(i);
	}

	void arm(Timer& timer, uint32_t i, int64_t at) {
		timer.due = at;
		if (timer.where != 0 && timer.placed <= at) return; // lazily
		wheel->remove(i);
		wheel->place(i, timer, at);
	}

	void compare() {
		std::vector<int64_t> expected;
		int64_t next = TimerWheel::NONE;
		for (uint32_t i : index) {
			const Timer& timer = table.at(i);
			if (timer.due <= now) expected.push_back(timer.due);
			next = std::min(next, timer.due);
		}
		std::sort(expected.begin(), expected.end());
		CHECK(wheel->earliest() <= next);
		std::vector<int64_t> got;
		uint32_t out[7];
		for (uint32_t count = 7; count == 7;) {
			count = wheel->pop(now, out, 7);
			for (uint32_t i = 0; i < count; i++) {
				got.push_back(table.at(out[i]).due);
				table.at(out[i]).due = Timer::NEVER;
				EQUAL(table.at(out[i]).where, 0);
			}
		}
		CHECK(got == expected);
	}
};

void the_wheel_tells_the_same_as_a_list() {
	for (uint64_t seed = 1; seed <= (test::SANITIZED ? 20 : 200); seed++) {
		test::Random random(seed);
		Model model;
		for (int step = 0; step < 2000; step++) {
			uint32_t i = model.index[random.below(TIMERS)];
			Timer& timer = model.table.at(i);
			switch (random.below(8)) {
			case 0: // cancelled: left where it is
				timer.due = Timer::NEVER;
				break;
			case 1: // deleted
				timer.due = Timer::NEVER;
				model.wheel->remove(i);
				break;
			case 2: // time goes on, by a little or by years; or the clock is set back
				if (random.below(20) == 0)
					model.now -= static_cast<int64_t>(random.below(1u << 30));
				else if (int64_t later = some_time(random, model.now); later < INT64_MAX / 2)
					model.now = later;
				model.compare();
				break;
			case 3: // exactly when the first is due
				if (int64_t next = model.wheel->earliest(); next < INT64_MAX / 2) {
					model.now = std::max(model.now, next);
					model.compare();
				}
				break;
			case 4: // kept aside and admitted
				if (timer.where != 0 || timer.due == Timer::NEVER) break;
				model.wheel->hold(i, timer);
				model.wheel->admit();
				break;
			default:
				model.arm(timer, i, some_time(random, model.now));
			}
		}
	}
	test::done("the_wheel_tells_the_same_as_a_list");
}

// Armed for one moment and re-armed for earlier ones a million times: the entries
// left behind must not add up.
void rearming_within_a_tick_takes_no_more_room() {
	Model model;
	uint32_t i = model.index[0];
	model.wheel->pop(model.now, &i, 0);
	for (int64_t at = model.now + 1'000'000; at > model.now; at--) {
		i = model.index[static_cast<size_t>(at) % TIMERS];
		Timer& timer = model.table.at(i);
		timer.due = at;
		model.wheel->remove(i);
		model.wheel->place(i, timer, at);
	}
	model.now += 2'000'000;
	model.compare();
	test::done("rearming_within_a_tick_takes_no_more_room");
}

// JavaScript has ids as doubles, however often a record was used again.
void an_id_is_a_double_that_ends_with_its_timer() {
	TimerTable table;
	TimerSet set;
	for (uint32_t generation : {0u, 1u, 1u << 21, (1u << 27) - 2, (1u << 27) - 1}) {
		uint32_t index = table.take();
		CHECK(index != 0);
		Timer& timer = table.at(index);
		timer.generation.store(generation);
		timer.set.store(&set);
		uint64_t id = table.id_of(index);
		uint64_t number = id & ~(1ull << 62);
		CHECK(evp::timers::ours(id) && static_cast<uint64_t>(static_cast<double>(number)) == number);
		EQUAL(table.find(id), index);
		EQUAL(table.find(id | 1ull << 53), 0u); // no other number names it
		TimerTable::retire(timer);
		EQUAL(table.find(id), 0u);
		timer.set.store(&set); // used again
		EQUAL(table.find(id), 0u);
		table.give_back(index);
	}
	test::done("an_id_is_a_double_that_ends_with_its_timer");
}

long resident_bytes() {
	long pages = 0, resident = 0;
	FILE* file = fopen("/proc/self/statm", "r");
	CHECK(file && fscanf(file, "%ld %ld", &pages, &resident) == 2);
	fclose(file);
	return resident * sysconf(_SC_PAGESIZE);
}

void a_million_timers_weigh_less_than_128_bytes_each() {
	constexpr uint32_t MANY = 1'000'000;
	std::vector<timer_t> timers(MANY);
	int port = port_create_limit(MANY, 1);
	CHECK(port >= 0);
	port_notify_t notify{port, nullptr};
	sigevent event{};
	event.sigev_notify = SIGEV_PORT;
	event.sigev_value.sival_ptr = &notify;
	itimerspec setting{};
	long before = resident_bytes();
	for (uint32_t i = 0; i < MANY; i++) {
		EQUAL(port_timer_create(CLOCK_MONOTONIC, &event, &timers[i]), 0);
		setting.it_value.tv_sec = 3600 + i % 1000;
		EQUAL(port_timer_settime(timers[i], 0, &setting, nullptr), 0);
	}
	long each = (resident_bytes() - before) / MANY - 64; // the slot
	if (!test::SANITIZED) CHECK(each < 128);
	errno = 0;
	timer_t more;
	EQUAL(port_timer_create(CLOCK_MONOTONIC, &event, &more), -1);
	EQUAL(errno, EAGAIN);
	// One earlier than all is told of first, then nothing for an hour.
	setting.it_value = {0, 1};
	EQUAL(port_timer_settime(timers[MANY / 2], 0, &setting, nullptr), 0);
	port_event_t expired{};
	EQUAL(port_get(port, &expired, nullptr), 0);
	CHECK(expired.portev_object == reinterpret_cast<uintptr_t>(timers[MANY / 2]));
	for (timer_t timer : timers) EQUAL(port_timer_delete(timer), 0);
	EQUAL(test::info_of(port).pi_slots, 0);
	EQUAL(port_close(port), 0);
	test::done("a_million_timers_weigh_less_than_128_bytes_each");
}

void the_fast_clock_is_never_behind_and_hardly_ahead() {
	evp::sys::FastClock clock;
	int64_t ahead = 0;
	int64_t end = evp::sys::monotonic_ns() + 200'000'000;
	for (int64_t now = 0; now < end;) {
		for (int i = 0; i < 1000; i++) {
			int64_t before = evp::sys::monotonic_ns();
			int64_t most = clock.most();
			now = evp::sys::monotonic_ns();
			CHECK(most >= before);
			ahead = std::max(ahead, most - now);
		}
	}
	CHECK(ahead < 1000);
	test::done("the_fast_clock_is_never_behind_and_hardly_ahead");
}

// One that takes over the rate that another has found: interrupted in its first look, which its
// own rate can't tell.
void a_fast_clock_that_was_interrupted_at_first_is_not_ahead() {
	int64_t ahead = 0;
	int64_t end = evp::sys::monotonic_ns() + 500'000'000;
	for (int64_t now = 0; now < end;) {
		evp::sys::FastClock clock;
		(void)clock.most();
		int64_t most = clock.most();
		now = evp::sys::monotonic_ns();
		ahead = std::max(ahead, most - now);
	}
	CHECK(ahead < 1000);
	test::done("a_fast_clock_that_was_interrupted_at_first_is_not_ahead");
}

void what_is_far_off_has_not_come() {
	using evp::sys::FastClock;
	int64_t now = evp::sys::monotonic_ns();
	CHECK(!FastClock::far_off(0) && !FastClock::far_off(now) && !FastClock::far_off(now + 900'000'000));
	CHECK(FastClock::far_off(now + 60'000'000'000) && FastClock::far_off(INT64_MAX));
	test::done("what_is_far_off_has_not_come");
}

// Dense timers are collected together; a single one is told of on time, again and again.
void a_timer_that_is_armed_anew_is_not_paced() {
	constexpr int64_t STEP = 50'000;
	TimerTable& table = *TimerTable::current();
	evp::TimerEngine engine(table, {});
	CHECK(engine.wheel.reserve(2));
	int64_t now = 1'000'000'000'000;
	auto collect = [&](int times) {
		for (int i = 0; i < times; i++) engine.pace(now += STEP, 1, false);
	};
	collect(20);
	EQUAL(engine.not_before, 0);
	uint32_t other = table.take();
	engine.wheel.place(other, table.at(other), now + 6 * STEP);
	collect(5); // from the fourth on the other is close by
	EQUAL(engine.not_before, 0);
	collect(2);
	EQUAL(engine.not_before, now + evp::TimerEngine::WINDOW);
	engine.wheel.remove(other);
	table.give_back(other);
	test::done("a_timer_that_is_armed_anew_is_not_paced");
}

int body() {
	the_fast_clock_is_never_behind_and_hardly_ahead(); // first: nothing is known yet
	a_timer_that_is_armed_anew_is_not_paced();
	the_wheel_tells_the_same_as_a_list();
	rearming_within_a_tick_takes_no_more_room();
	an_id_is_a_double_that_ends_with_its_timer();
	a_million_timers_weigh_less_than_128_bytes_each();
	a_fast_clock_that_was_interrupted_at_first_is_not_ahead();
	what_is_far_off_has_not_come();
	return 0;
}

} // namespace

int main() { return test::watched(body); }
