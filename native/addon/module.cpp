// The addon's entry, called once in each environment that loads it.

#include "addon/aio.hpp"
#include "addon/environment.hpp"
#include "addon/features.hpp"
#include "addon/files.hpp"
#include "addon/port_calls.hpp"
#include "addon/sockets.hpp"
#include "addon/timers.hpp"
#include "sys/fd.hpp"

#include <napi.h>
#include <source_id.h> // made by binding.gyp

namespace evp::addon {

namespace {

Napi::Object load(Napi::Env env, Napi::Object exports) {
	// Node keeps libuv's interface within a major version only.
	static_assert(UV_VERSION_MAJOR == 1);
	if (uv_version() >> 16 != UV_VERSION_MAJOR) {
		Napi::Error::New(env, "event-ports: this Node has another libuv").ThrowAsJavaScriptException();
		return exports;
	}
	// In Node nobody needs the low numbers, and taking high ones makes the kernel grow its table, for
	// which a process of several threads waits a few milliseconds.
	sys::place_high.store(false, std::memory_order_relaxed);
	// Freed at the environment's end, from setup() on.
	auto* environment = new Environment(env);
	exports["sourceId"] = Napi::String::New(env, EVP_SOURCE_ID);
	register_features(env, exports);
	register_port_calls(env, exports, *environment);
	register_aio(env, exports, *environment);
	register_sockets(env, exports);
	register_files(env, exports, *environment);
	register_timers(env, exports, *environment);
	return exports;
}

} // namespace

NODE_API_MODULE(event_ports, load)

} // namespace evp::addon
