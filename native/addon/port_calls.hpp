// The calls of lib/native.ts on ports: free functions that take a handle and a few
// numbers, and answer a number; a negative one is an errno. None throws.
#pragma once
#include <node_api.h>

namespace evp::addon {

struct Environment;

napi_status register_port_calls(napi_env env, napi_value exports, Environment& environment);

} // namespace evp::addon
