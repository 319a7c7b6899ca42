// The calls of lib/native.ts on files: associations by a key in place of a
// file_obj_t, and time stamps. A negative answer is an errno; none throws.
#pragma once
#include <node_api.h>

namespace evp::addon {

struct Environment;

napi_status register_files(napi_env env, napi_value exports, Environment& environment);

} // namespace evp::addon
