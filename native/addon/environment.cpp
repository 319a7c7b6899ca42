#include "addon/environment.hpp"

namespace evp::addon {

namespace {

void doorbell_rung(uv_async_t* handle) {
	auto* environment = static_cast<Environment*>(handle->data);
	for (const Mail& mail : take_mail(*environment)) {
		// A call before may have closed this one, and made another port, which has its handle now.
		Binding* binding = environment->at(mail.handle);
		if (binding && binding->id == mail.id) environment->call_notice(mail.handle, mail.closed);
	}
}

void end_environment(napi_async_cleanup_hook_handle hook, void* data) {
	auto* environment = static_cast<Environment*>(data);
	environment->hook = hook;
	environment->end();
}

void call_back(Environment& environment, napi_ref reference, size_t count, napi_value* arguments) {
	napi_env env = environment.env;
	napi_value function, receiver;
	if (napi_get_reference_value(env, reference, &function) != napi_ok) return;
	if (napi_get_global(env, &receiver) != napi_ok) return;
	napi_status rc = napi_make_callback(env, environment.context, receiver, function, count,
	                                    arguments, nullptr);
	if (rc != napi_pending_exception) return; // or the environment is ending: no one to tell
	napi_value error;
	if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

} // namespace

Environment::Environment(napi_env node, napi_value functions) : env(node) {
	auto finalize = [](napi_env, void* data, void*) { static_cast<Environment*>(data)->calls_collected(); };
	napi_add_finalizer(env, functions, this, finalize, nullptr, &calls);
}

int32_t Environment::add(Binding* binding) {
	if (bound++ == 0) napi_reference_ref(env, calls, nullptr);
	for (size_t i = 0; i < bindings.size(); i++) {
		if (bindings[i]) continue;
		bindings[i] = binding;
		return static_cast<int32_t>(i);
	}
	bindings.push_back(binding);
	return static_cast<int32_t>(bindings.size() - 1);
}

void Environment::forget(const Binding& binding) {
	bindings[static_cast<size_t>(binding.handle)] = nullptr;
	if (--bound == 0) napi_reference_unref(env, calls, nullptr);
}

Binding* Environment::find(const Port& port) const {
	for (Binding* binding : bindings)
		if (binding && binding->port == &port) return binding;
	return nullptr;
}

void Environment::handle_closed() {
	open_handles--;
	if (!ending || open_handles != 0) return;
	napi_remove_async_cleanup_hook(hook);
	ended = true;
	if (collected) delete this;
}

void Environment::end() {
	if (ending) return;
	ending = true;
	for (size_t i = 0; i < bindings.size(); i++)
		if (bindings[i]) release_binding(*bindings[i]);
	uv_close(reinterpret_cast<uv_handle_t*>(&doorbell), [](uv_handle_t* handle) {
		static_cast<Environment*>(handle->data)->handle_closed();
	});
}

// By the collector, or after the cleanup hooks.
void Environment::calls_collected() {
	collected = true;
	columns.drop(env);
	for (napi_ref reference : {ready, notice, checkpoint, calls})
		if (reference) napi_delete_reference(env, reference);
	if (context) napi_async_destroy(env, context);
	if (ended || !begun)
		delete this;
	else
		end();
}

void Environment::call(napi_ref function, int32_t first, int64_t second, bool third) {
	napi_handle_scope scope;
	if (napi_open_handle_scope(env, &scope) != napi_ok) return;
	napi_value arguments[3];
	napi_create_int32(env, first, &arguments[0]);
	napi_create_int64(env, second, &arguments[1]);
	napi_get_boolean(env, third, &arguments[2]);
	call_back(*this, function, 3, arguments);
	napi_close_handle_scope(env, scope);
}

void Environment::call_notice(int32_t handle, bool closed) {
	napi_handle_scope scope;
	if (napi_open_handle_scope(env, &scope) != napi_ok) return;
	napi_value arguments[2];
	napi_create_int32(env, handle, &arguments[0]);
	napi_get_boolean(env, closed, &arguments[1]);
	call_back(*this, notice, 2, arguments);
	napi_close_handle_scope(env, scope);
}

bool Environment::begin(napi_value functions, napi_value* columns_out) {
	napi_value object, name;
	auto weakly = [&](const char* of, napi_ref* out) {
		napi_value function;
		return napi_get_named_property(env, functions, of, &function) == napi_ok &&
		       napi_create_reference(env, function, 0, out) == napi_ok;
	};
	begun = napi_get_uv_event_loop(env, &loop) == napi_ok &&
	        columns.make(env, columns_out) == napi_ok &&
	        napi_get_reference_value(env, calls, &object) == napi_ok &&
	        napi_set_named_property(env, object, "callbacks", functions) == napi_ok &&
	        weakly("ready", &ready) && weakly("notice", &notice) && weakly("checkpoint", &checkpoint) &&
	        napi_create_string_utf8(env, "event-ports", NAPI_AUTO_LENGTH, &name) == napi_ok &&
	        napi_async_init(env, nullptr, name, &context) == napi_ok &&
	        uv_async_init(loop, &doorbell, doorbell_rung) == 0 &&
	        napi_add_async_cleanup_hook(env, end_environment, this, &hook) == napi_ok;
	if (!begun) {
		napi_throw_error(env, nullptr, "event-ports: no event loop here");
		return false;
	}
	worker = loop != uv_default_loop(); // only Node's main thread runs that one
	doorbell.data = this;
	open_handles = 1;
	uv_unref(reinterpret_cast<uv_handle_t*>(&doorbell));
	return true;
}

} // namespace evp::addon
