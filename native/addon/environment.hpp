// What the addon keeps for each environment: the main thread and every worker has
// one of its own, made by setup(), ended by an asynchronous cleanup hook.
//
// A uv handle that is open when its loop ends aborts the process, and one closed
// in a synchronous hook outlives what its callback needs: so the hook closes all
// of them and reports back when the last one is closed.
#pragma once
#include "addon/binding.hpp"
#include "addon/columns.hpp"
#include "sources/aio.hpp"

#include <node_api.h>
#include <uv.h>
#include <vector>

namespace evp::addon {

struct Environment {
	explicit Environment(napi_env node) : env(node) {}
	// Before anything else is called. False: an exception is pending.
	bool begin(napi_value on_ready, napi_value on_notice, napi_value empty,
	           napi_value* columns_out);

	napi_env env;
	uv_loop_t* loop = nullptr;
	uv_async_t doorbell{}; // mail for a Binding, from any thread; unref'd
	Columns columns;
	napi_ref ready = nullptr;     // JavaScript's ready()
	napi_ref notice = nullptr;    // and notice()
	napi_ref checkpoint = nullptr; // an empty function: calling it fails in a worker that ends
	napi_async_context context = nullptr;
	napi_async_cleanup_hook_handle hook = nullptr;
	bool worker = false;
	bool ending = false;
	uint32_t open_handles = 0; // uv handles not yet closed
	std::vector<Binding*> bindings; // by handle
	std::vector<aio::Order> orders; // prepared, not submitted (aio.cpp)

	int32_t add(Binding* binding);
	void forget(const Binding& binding);
	Binding* find(const Port& port) const;
	Binding* at(int32_t handle) const {
		auto index = static_cast<uint32_t>(handle);
		return index < bindings.size() ? bindings[index] : nullptr;
	}
	// A uv handle has closed.
	void handle_closed();
	// Calls back into JavaScript from the event loop. An exception is an uncaught one.
	void call(napi_ref function, int32_t first, int64_t second, bool third);
	void call_notice(int32_t handle, bool closed);
};


} // namespace evp::addon
