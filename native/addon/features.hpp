// features(): what `event-ports doctor` reports on.
#pragma once
#include <napi.h>

namespace evp::addon {

void register_features(Napi::Env env, Napi::Object exports);

} // namespace evp::addon
