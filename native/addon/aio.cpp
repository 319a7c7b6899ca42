#include "addon/aio.hpp"

#include "addon/aio_requests.hpp"
#include "addon/arguments.hpp"
#include "addon/cookies.hpp"
#include "addon/environment.hpp"
#include "addon/socket_address.hpp"
#include "sources/aio.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace evp::addon {

namespace {

using sys::IoOp;

// From the engine.
void store(void* owner, int64_t result) {
	static_cast<Request*>(owner)->result.store(result, std::memory_order_release);
}

void identify(void* owner, uint64_t id) { static_cast<Request*>(owner)->id = id; }

// Of a Uint8Array.
bool bytes_of(napi_env env, napi_value value, char** data, size_t* length) {
	void* start = nullptr;
	if (napi_get_typedarray_info(env, value, nullptr, length, &start, nullptr, nullptr) != napi_ok) return false;
	*data = static_cast<char*>(start);
	return true;
}

// An order in this environment's list. `bytes`, if any, is what is to be written, or the
// beginning of it. 0 or an errno. Locked.
int prepare(Environment& environment, Binding& binding, sys::Io io, double user, const char* bytes,
            size_t count) {
	Request* request = Requests::all().take(binding, io.op, io.length);
	if (!request) return ENOMEM;
	io.address = request->block;
	if (size_t part = std::min(count, static_cast<size_t>(io.length))) memcpy(request->block, bytes, part);
	if (io.op == IoOp::CONNECT) request->fd = io.fd;
	aio::Order order;
	order.io = io;
	order.result_code = true;
	order.object = request->number();
	order.user = cookie_bits(user, binding.id);
	order.store = store;
	order.identify = identify;
	order.owner = request;
	environment.orders.push_back(order);
	return 0;
}

uint64_t offset_of(IoOp op, double position) {
	switch (op) {
	case IoOp::ACCEPT: return SOCK_NONBLOCK | SOCK_CLOEXEC;
	case IoOp::SEND: return MSG_NOSIGNAL;
	default: return static_cast<uint64_t>(position);
	}
}

// What only takes: nobody can tell that it waits for the end of the program's turn.
bool takes(IoOp op) { return op == IoOp::READ || op == IoOp::RECV || op == IoOp::ACCEPT; }

// An order of one row: the operation in `events`, the descriptor in `source`, the position in `object`,
// `length` and `user`. 0 or an errno. Locked.
int prepare_row(Environment& environment, Binding* binding, uint32_t row, const char* bytes, size_t count) {
	if (!binding || binding->closed()) return EBADF;
	const Columns& columns = environment.columns;
	auto op = static_cast<IoOp>(columns.events[row]);
	sys::Io io{op, columns.source[row], nullptr, static_cast<uint64_t>(columns.length[row]),
	           offset_of(op, columns.object[row])};
	return prepare(environment, *binding, io, columns.user[row], bytes, count);
}

// Submits what was prepared. How many were accepted.
uint32_t submit(Environment& environment, Binding* binding) {
	std::vector<aio::Order>& orders = environment.orders;
	auto count = static_cast<uint32_t>(orders.size());
	bool open = binding && !binding->closed();
	uint32_t accepted = open ? aio::submit(binding->port, orders.data(), count) : 0;
	if (accepted == count) return accepted;
	Requests& all = Requests::all();
	std::lock_guard guard(all.lock);
	for (aio::Order& order : orders) {
		if (!open) order.error = EBADF;
		if (order.error == 0) continue;
		(void)all.release(*static_cast<Request*>(order.owner));
	}
	return accepted;
}

// handle, count: an order of each row; in `object` its number, for the next aioSubmit(), or -errno.
napi_value prepare_rows(napi_env env, napi_callback_info info) {
	Environment* environment = nullptr;
	Numbers<2> given(env, info, reinterpret_cast<void**>(&environment));
	Binding* binding = environment->at(given.int32(0));
	auto count = static_cast<uint32_t>(given.int32(1));
	std::lock_guard guard(Requests::all().lock);
	for (uint32_t row = 0; row < std::min(count, Columns::ROWS); row++) {
		int wrong = prepare_row(*environment, binding, row, nullptr, 0);
		environment->columns.object[row] =
		    wrong != 0 ? -wrong : static_cast<double>(environment->orders.back().object);
	}
	return nullptr;
}

// handle, bytes to be written or nothing: an order of the first row, submitted. Its number, or -errno; in
// `events` whether it waits for aioFlush().
napi_value start(napi_env env, napi_callback_info info) {
	Environment* environment = nullptr;
	Numbers<2> given(env, info, reinterpret_cast<void**>(&environment));
	Binding* binding = environment->at(given.int32(0));
	char* data = nullptr;
	size_t count = 0;
	if (!bytes_of(env, given[1], &data, &count)) count = 0;
	int wrong;
	{
		std::lock_guard guard(Requests::all().lock);
		wrong = prepare_row(*environment, binding, 0, data, count);
	}
	if (wrong != 0) return answer(env, -wrong);
	aio::Order& order = environment->orders.back();
	// Another thread may be asleep at the port already, and this one may wait for it in its turn.
	order.patient = takes(order.io.op) && binding->alone();
	submit(*environment, binding);
	environment->columns.events[0] = order.waits;
	environment->holds_back |= order.waits;
	int64_t outcome = order.error != 0 ? -order.error : static_cast<int64_t>(order.object);
	environment->orders.clear();
	return answer(env, outcome);
}

napi_value flush(napi_env env, napi_callback_info info) {
	void* data = nullptr;
	napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
	flush_held_back(*static_cast<Environment*>(data));
	return nullptr;
}

// handle, where, port, user: prepares a connection from a socket of its own. Its number,
// or -errno.
napi_value connect_to(napi_env env, napi_callback_info info) {
	Environment* environment = nullptr;
	Numbers<4> given(env, info, reinterpret_cast<void**>(&environment));
	Binding* binding = environment->at(given.int32(0));
	if (!binding || binding->closed()) return answer(env, -EBADF);
	Address address;
	int wrong = parse_place(text_of(env, given[1]), given.int32(2), &address);
	if (wrong != 0) return answer(env, -wrong);
	Result<sys::UniqueFd> fd = stream_socket(address.family());
	if (!fd) return answer(env, -fd.error());
	sys::Io io{IoOp::CONNECT, fd->get(), nullptr, address.length, 0};
	{
		std::lock_guard guard(Requests::all().lock);
		wrong = prepare(*environment, *binding, io, given.number(3), reinterpret_cast<char*>(address.get()),
		                address.length);
	}
	if (wrong != 0) return answer(env, -wrong);
	(void)fd->release();
	return answer(env, static_cast<int64_t>(environment->orders.back().object));
}

// number, bytes, at: into the block of a request that is not submitted yet.
napi_value fill(napi_env env, napi_callback_info info) {
	Numbers<3> given(env, info);
	char* data = nullptr;
	size_t length = 0;
	std::lock_guard guard(Requests::all().lock);
	Request* request = Requests::all().find(given.number(0));
	auto at = static_cast<size_t>(given.number(2));
	if (!request || !bytes_of(env, given[1], &data, &length)) return answer(env, -EINVAL);
	if (at > request->room || length > request->room - at) return answer(env, -EINVAL);
	if (length != 0) memcpy(request->block + at, data, length);
	return answer(env, 0);
}

// handle: submits what was prepared; -errno of each in `source`. How many were accepted.
napi_value submit_all(napi_env env, napi_callback_info info) {
	Environment* environment = nullptr;
	Numbers<1> given(env, info, reinterpret_cast<void**>(&environment));
	uint32_t accepted = submit(*environment, environment->at(given.int32(0)));
	std::vector<aio::Order>& orders = environment->orders;
	for (size_t i = 0; i < orders.size() && i < Columns::ROWS; i++)
		environment->columns.source[i] = -orders[i].error;
	orders.clear();
	return answer(env, accepted);
}

// What was read, from `at` on, into an array as far as it goes. How much that is.
int64_t fetch(napi_env env, const Request& request, napi_value into, int64_t at) {
	char* data = nullptr;
	size_t length = 0;
	if (!bytes_of(env, into, &data, &length)) return 0;
	int64_t result = request.result.load(std::memory_order_acquire);
	int64_t part = std::min(static_cast<int64_t>(length), result - at);
	if (part <= 0) return 0;
	memcpy(data, request.block + at, static_cast<size_t>(part));
	return part;
}

// number, bytes, at
napi_value fetch_part(napi_env env, napi_callback_info info) {
	Numbers<3> given(env, info);
	std::lock_guard guard(Requests::all().lock);
	Request* request = Requests::all().find(given.number(0));
	return answer(env, request ? fetch(env, *request, given[1], static_cast<int64_t>(given.number(2))) : 0);
}

// number, bytes: all of it, and the request's end.
napi_value fetch_all(napi_env env, napi_callback_info info) {
	Numbers<2> given(env, info);
	std::lock_guard guard(Requests::all().lock);
	Request* request = Requests::all().find_done(given.number(0));
	if (!request) return answer(env, 0);
	int64_t moved = fetch(env, *request, given[1], 0);
	Requests::all().release(*request);
	return answer(env, moved);
}

// number: its event was retrieved, and its data. The descriptor that it brought, or -1.
napi_value finish(napi_env env, napi_callback_info info) {
	Numbers<1> given(env, info);
	std::lock_guard guard(Requests::all().lock);
	Request* request = Requests::all().find_done(given.number(0));
	return answer(env, request ? Requests::all().release(*request) : -1);
}

// number: 0 cancelled, 1 not cancelled, 2 done.
napi_value cancel(napi_env env, napi_callback_info info) {
	Numbers<1> given(env, info);
	uint64_t id = 0;
	Request* request;
	{
		std::lock_guard guard(Requests::all().lock);
		request = Requests::all().find(given.number(0));
		if (request) id = request->id;
	}
	return answer(env, request ? static_cast<int64_t>(aio::cancel(id, request)) : 2);
}

// { kind, error, reason } of the engine.
napi_value engine(napi_env env, napi_callback_info) {
	aio::EngineInfo seen = aio::engine();
	napi_value object, reason;
	napi_create_object(env, &object);
	napi_create_string_utf8(env, seen.reason, NAPI_AUTO_LENGTH, &reason);
	napi_set_named_property(env, object, "kind", answer(env, static_cast<int64_t>(seen.kind)));
	napi_set_named_property(env, object, "error", answer(env, seen.error));
	napi_set_named_property(env, object, "reason", reason);
	return object;
}

} // namespace

void flush_held_back(Environment& environment) {
	if (!environment.holds_back) return;
	environment.holds_back = false;
	aio::flush();
}

napi_status register_aio(napi_env env, napi_value exports, Environment& environment) {
	auto method = [&](const char* name, napi_callback call) {
		return napi_property_descriptor{name,    nullptr, call,         nullptr,
		                                nullptr, nullptr, napi_default, &environment};
	};
	const napi_property_descriptor all[] = {
	    method("aioPrepare", prepare_rows), method("aioFill", fill),      method("aioSubmit", submit_all),
	    method("aioStart", start),         method("aioFetch", fetch_part), method("aioTake", fetch_all),
	    method("aioFinish", finish),       method("aioCancel", cancel),  method("aioConnect", connect_to),
	    method("aioEngine", engine),       method("aioFlush", flush),
	};
	return napi_define_properties(env, exports, std::size(all), all);
}

} // namespace evp::addon
