// The bare peer of goal TS6: a uv_poll_t on a descriptor and its JavaScript callback, nothing else.
// Built by `npm run bench`; event-ports bench does without it.
//
//   start(fd, callback) -> handle; stop(handle)

#include <node_api.h>
#include <uv.h>

namespace {

struct Poll {
	uv_poll_t handle{};
	napi_env env;
	napi_ref callback = nullptr;
	napi_async_context context = nullptr;
};

void ready(uv_poll_t* handle, int, int) {
	auto* poll = static_cast<Poll*>(handle->data);
	napi_handle_scope scope;
	napi_open_handle_scope(poll->env, &scope);
	napi_value callback, receiver;
	napi_get_reference_value(poll->env, poll->callback, &callback);
	napi_get_global(poll->env, &receiver);
	napi_make_callback(poll->env, poll->context, receiver, callback, 0, nullptr, nullptr);
	napi_close_handle_scope(poll->env, scope);
}

napi_value start(napi_env env, napi_callback_info info) {
	size_t count = 2;
	napi_value arguments[2], name, handle;
	napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
	int32_t fd = -1;
	napi_get_value_int32(env, arguments[0], &fd);
	uv_loop_t* loop = nullptr;
	napi_get_uv_event_loop(env, &loop);
	auto* poll = new Poll;
	poll->env = env;
	poll->handle.data = poll;
	napi_create_reference(env, arguments[1], 1, &poll->callback);
	napi_create_string_utf8(env, "uv-poll", NAPI_AUTO_LENGTH, &name);
	napi_async_init(env, nullptr, name, &poll->context);
	uv_poll_init(loop, &poll->handle, fd);
	uv_poll_start(&poll->handle, UV_READABLE, ready);
	napi_create_external(env, poll, nullptr, nullptr, &handle);
	return handle;
}

napi_value stop(napi_env env, napi_callback_info info) {
	size_t count = 1;
	napi_value handle;
	napi_get_cb_info(env, info, &count, &handle, nullptr, nullptr);
	void* data = nullptr;
	napi_get_value_external(env, handle, &data);
	auto* poll = static_cast<Poll*>(data);
	napi_delete_reference(env, poll->callback);
	napi_async_destroy(env, poll->context);
	uv_close(reinterpret_cast<uv_handle_t*>(&poll->handle),
	         [](uv_handle_t* closed) { delete static_cast<Poll*>(closed->data); });
	return nullptr;
}

} // namespace

NAPI_MODULE_INIT() {
	napi_value function;
	napi_create_function(env, "start", NAPI_AUTO_LENGTH, start, nullptr, &function);
	napi_set_named_property(env, exports, "start", function);
	napi_create_function(env, "stop", NAPI_AUTO_LENGTH, stop, nullptr, &function);
	napi_set_named_property(env, exports, "stop", function);
	return exports;
}
