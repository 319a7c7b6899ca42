// What the addon keeps for each copy of its JavaScript: mostly one in the main thread and in
// every worker. Ended by an asynchronous cleanup hook, or once the copy was collected: it holds
// what JavaScript gave it as long as a port is bound only.
//
// A uv handle that is open when its loop ends aborts the process, and one closed
// in a synchronous hook outlives what its callback needs: so the hook closes all
// of them and reports back when the last one is closed.
#pragma once
#include "addon/binding.hpp"
#include "addon/columns.hpp"
#include "sources/aio.hpp"
#include "sys/fast_clock.hpp"

#include <node_api.h>
#include <uv.h>
#include <vector>

namespace evp::addon {

struct Environment {
	// `functions`: the object of the calls that are bound to it, whose end is its own.
	Environment(napi_env node, napi_value functions);
	Environment(const Environment&) = delete;
	// Before anything else is called. False: an exception is pending.
	// `functions`: ready, notice and checkpoint of lib/native.ts.
	bool begin(napi_value functions, napi_value* columns_out);

	napi_env env;
	napi_ref calls = nullptr; // weak while nothing is bound
	uv_loop_t* loop = nullptr;
	uv_async_t doorbell{}; // mail for a Binding, from any thread; unref'd
	Columns columns;
	sys::FastClock clock;
	Company company;
	// Weak, held by the object of the calls.
	napi_ref ready = nullptr;      // JavaScript's ready()
	napi_ref notice = nullptr;     // and notice()
	napi_ref checkpoint = nullptr; // an empty function: calling it fails in a worker that ends
	napi_async_context context = nullptr;
	napi_async_cleanup_hook_handle hook = nullptr;
	bool worker = false;
	bool begun = false;
	bool ending = false;
	bool ended = false;
	bool collected = false;
	uint32_t open_handles = 0; // uv handles not yet closed
	std::vector<Binding*> bindings; // by handle
	uint32_t bound = 0;             // of them
	std::vector<aio::Order> orders; // prepared, not submitted (aio.cpp)
	bool holds_back = false;        // some submitted wait for flush_held_back()

	int32_t add(Binding* binding);
	void forget(const Binding& binding);
	Binding* find(const Port& port) const;
	Binding* at(int32_t handle) const {
		auto index = static_cast<uint32_t>(handle);
		return index < bindings.size() ? bindings[index] : nullptr;
	}
	// Lets go of the ports, and closes its handles.
	void end();
	// A uv handle has closed.
	void handle_closed();
	// The object of the calls is gone.
	void calls_collected();
	// Calls back into JavaScript from the event loop. An exception is an uncaught one.
	void call(napi_ref function, int32_t first, int64_t second, bool third);
	void call_notice(int32_t handle, bool closed);
};

} // namespace evp::addon
