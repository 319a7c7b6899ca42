// Raw descriptors for JavaScript: what a program needs to have something to associate.
//
// Every function answers a number: a descriptor or a count of bytes, or a negative errno. None
// throws, none keeps state, any thread may call. Arguments are checked in lib/sockets.ts; here
// only what memory safety needs. Descriptors made here are non-blocking and close-on-exec; a
// write to a closed peer is EPIPE, never a signal.
#pragma once
#include <napi.h>

namespace evp::addon {

void register_sockets(Napi::Env env, Napi::Object exports);

} // namespace evp::addon
