// The addon's entry, called once in each environment that loads it.
//
// Its JavaScript may be evaluated there any number of times (a test runner does it for every test file):
// each copy asks for calls of its own, and copies are to each other what threads are.

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

// An object of all calls, with an Environment that ends with it.
Napi::Value instance(const Napi::CallbackInfo& info) {
	Napi::Env env = info.Env();
	Napi::Object calls = Napi::Object::New(env);
	auto* environment = new Environment(env, calls);
	register_features(env, calls);
	register_port_calls(env, calls, *environment);
	register_aio(env, calls, *environment);
	register_sockets(env, calls);
	register_files(env, calls, *environment);
	register_timers(env, calls, *environment);
	return calls;
}

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
	exports["sourceId"] = Napi::String::New(env, EVP_SOURCE_ID);
	exports["instance"] = Napi::Function::New<instance>(env, "instance");
	return exports;
}

} // namespace

NODE_API_MODULE(event_ports, load)

} // namespace evp::addon
