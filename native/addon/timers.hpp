// timer_create and its like for lib/timers.ts: ids as doubles, milliseconds as doubles.
#pragma once
#include "addon/environment.hpp"

namespace evp::addon {

napi_status register_timers(napi_env env, napi_value exports, Environment& environment);

} // namespace evp::addon
