// Asynchronous I/O of JavaScript (lib/aio.ts): requests on memory of our own, so that
// whatever becomes of the program's buffer, its thread or its port, the kernel writes
// into memory that is there. Data crosses when a request is made (writing) or its
// event retrieved (reading).
#pragma once
#include <node_api.h>

namespace evp::addon {

struct Environment;

// Hands to the kernel what this environment holds back: something else of the thread may wait for what it does.
void flush_held_back(Environment& environment);

napi_status register_aio(napi_env env, napi_value exports, Environment& environment);

} // namespace evp::addon
