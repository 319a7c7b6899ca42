#include "addon/timers.hpp"

#include "addon/arguments.hpp"
#include "addon/cookies.hpp"
#include "sources/timer.hpp"

#include <cerrno>
#include <cmath>
#include <iterator>

namespace evp::addon {

namespace {

// What a double holds of an id (sources/timer_table.hpp); the rest is the same in all.
constexpr uint64_t ID_MARK = 1ull << 62;

uint64_t id_of(double number) { return ID_MARK | static_cast<uint64_t>(number); }

// Never less than what was asked for. lib/timers.ts keeps it below 2^63.
int64_t nanoseconds(double milliseconds) {
	return static_cast<int64_t>(std::ceil(milliseconds * 1e6));
}

// handle, value, interval, absolute, user: a timer that runs. Its id, or -errno.
napi_value start(napi_env env, napi_callback_info info) {
	Environment* environment = nullptr;
	Numbers<5> given(env, info, reinterpret_cast<void**>(&environment));
	Binding* binding = environment->at(given.int32(0));
	if (!binding || binding->closed()) return answer(env, -EBADF);
	// A relative time on this clock is told by CLOCK_MONOTONIC: no step moves it.
	sys::ClockUse clocks{sys::Clock::REALTIME, sys::Clock::MONOTONIC};
	uint64_t user = cookie_bits(given.number(4), binding->id);
	Result<uint64_t> id = timers::create(clocks, *binding->port, user);
	if (!id) return answer(env, -id.error());
	TimerSetting setting{nanoseconds(given.number(1)), nanoseconds(given.number(2))};
	if (setting.value == 0) setting.value = 1; // now, not never
	(void)timers::set(*id, given.boolean(3), setting, nullptr);
	return answer(env, static_cast<int64_t>(*id & ~ID_MARK));
}

// id, value, interval, absolute
napi_value set(napi_env env, napi_callback_info info) {
	Numbers<4> given(env, info);
	TimerSetting setting{nanoseconds(given.number(1)), nanoseconds(given.number(2))};
	return answer(env, -timers::set(id_of(given.number(0)), given.boolean(3), setting, nullptr).error());
}

// id, absolute; value and interval in the first two of `raw`.
napi_value set_exact(napi_env env, napi_callback_info info) {
	Environment* environment = nullptr;
	Numbers<2> given(env, info, reinterpret_cast<void**>(&environment));
	const uint64_t* raw = environment->columns.raw;
	TimerSetting setting{static_cast<int64_t>(raw[0]), static_cast<int64_t>(raw[1])};
	return answer(env, -timers::set(id_of(given.number(0)), given.boolean(1), setting, nullptr).error());
}

// id; value and interval into the first two of `raw`.
napi_value get(napi_env env, napi_callback_info info) {
	Environment* environment = nullptr;
	Numbers<1> given(env, info, reinterpret_cast<void**>(&environment));
	Result<TimerSetting> left = timers::get(id_of(given.number(0)));
	if (!left) return answer(env, -left.error());
	environment->columns.raw[0] = static_cast<uint64_t>(left->value);
	environment->columns.raw[1] = static_cast<uint64_t>(left->interval);
	return answer(env, 0);
}

napi_value remove(napi_env env, napi_callback_info info) {
	Numbers<1> given(env, info);
	return answer(env, -timers::remove(id_of(given.number(0))).error());
}

} // namespace

napi_status register_timers(napi_env env, napi_value exports, Environment& environment) {
	auto method = [&](const char* name, napi_callback call) {
		return napi_property_descriptor{name,    nullptr, call,         nullptr,
		                                nullptr, nullptr, napi_default, &environment};
	};
	const napi_property_descriptor all[] = {
	    method("timerStart", start), method("timerSet", set),       method("timerSetExact", set_exact),
	    method("timerGet", get),     method("timerDelete", remove),
	};
	return napi_define_properties(env, exports, std::size(all), all);
}

} // namespace evp::addon
