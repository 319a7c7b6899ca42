#include "addon/aio.hpp"

#include "addon/arguments.hpp"
#include "addon/cookies.hpp"
#include "addon/environment.hpp"
#include "sources/aio.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace evp::addon {

namespace {

constexpr size_t PAGE = 4096; // what O_DIRECT asks of memory, at most
constexpr uint32_t KEPT = 256; // blocks kept for the next request
constexpr size_t KEPT_SIZE = 65536;
constexpr int64_t UNDONE = INT64_MIN;

// A request, its block and its result; one place of the table, used again.
struct Request {
	const Environment* environment = nullptr; // null: abandoned
	char* block = nullptr;
	size_t room = 0;
	uint64_t id = 0; // of the core, to cancel it
	uint32_t generation = 0;
	uint32_t index = 0;
	bool used = false;
	std::atomic<int64_t> result{UNDONE};
};

// For all threads: one may retrieve what another asked for. Never destroyed.
struct Table {
	std::mutex lock;
	std::vector<Request*> requests;
	std::vector<uint32_t> free;
	std::vector<char*> blocks[5]; // of PAGE << n bytes
};

Table& table() {
	static auto* one = new Table;
	return *one;
}

size_t class_of(size_t room) {
	size_t n = 0;
	while (PAGE << n < room) n++;
	return n;
}

// Locked.
char* take_block(Table& all, size_t length, size_t* room) {
	size_t n = class_of(length);
	*room = PAGE << n;
	if (*room <= KEPT_SIZE && !all.blocks[n].empty()) {
		char* block = all.blocks[n].back();
		all.blocks[n].pop_back();
		return block;
	}
	if (*room > KEPT_SIZE) *room = (length + PAGE - 1) / PAGE * PAGE;
	return static_cast<char*>(aligned_alloc(PAGE, *room));
}

void give_block(Table& all, Request& request) {
	size_t n = class_of(request.room);
	if (request.room <= KEPT_SIZE && request.block && all.blocks[n].size() < KEPT)
		all.blocks[n].push_back(request.block);
	else
		free(request.block);
	request.block = nullptr;
}

void release(Table& all, Request& request) {
	give_block(all, request);
	request.used = false;
	request.generation = (request.generation + 1) & 0xfffff;
	all.free.push_back(request.index);
}

uint64_t number_of(const Request& request) {
	return static_cast<uint64_t>(request.generation) << 32 | request.index;
}

Request* find(Table& all, double number) {
	auto bits = static_cast<uint64_t>(number);
	auto index = static_cast<uint32_t>(bits);
	if (index >= all.requests.size()) return nullptr;
	Request* request = all.requests[index];
	return request->used && request->generation == bits >> 32 ? request : nullptr;
}

// Requests that nobody will ask about, once they are done.
void sweep(Table& all) {
	for (Request* request : all.requests)
		if (request->used && !request->environment &&
		    request->result.load(std::memory_order_acquire) != UNDONE)
			release(all, *request);
}

Request* take_request(Table& all) {
	if (all.free.empty()) sweep(all);
	if (all.free.empty()) {
		auto* fresh = new Request;
		fresh->index = static_cast<uint32_t>(all.requests.size());
		all.requests.push_back(fresh);
		all.free.push_back(fresh->index);
	}
	Request* request = all.requests[all.free.back()];
	all.free.pop_back();
	request->used = true;
	request->result.store(UNDONE, std::memory_order_relaxed);
	return request;
}

// From the engine. An abandoned one is swept up with the next that is made.
void store(void* owner, int64_t result) {
	static_cast<Request*>(owner)->result.store(result, std::memory_order_release);
}

void identify(void* owner, uint64_t id) { static_cast<Request*>(owner)->id = id; }

size_t size_of(napi_typedarray_type type) {
	switch (type) {
	case napi_int16_array:
	case napi_uint16_array: return 2;
	case napi_int32_array:
	case napi_uint32_array:
	case napi_float32_array: return 4;
	case napi_float64_array:
	case napi_bigint64_array:
	case napi_biguint64_array: return 8;
	default: return 1;
	}
}

bool bytes_of(napi_env env, napi_value value, char** data, size_t* length) {
	napi_typedarray_type type;
	napi_value buffer;
	size_t offset = 0;
	bool typed = false;
	void* start = nullptr;
	if (napi_is_typedarray(env, value, &typed) != napi_ok || !typed) return false;
	if (napi_get_typedarray_info(env, value, &type, length, &start, &buffer, &offset) != napi_ok) return false;
	*data = static_cast<char*>(start);
	*length *= size_of(type);
	return true;
}

// handle, operation, fd, length, position, user: an order in this environment's list,
// with a block of `length` bytes. Its number, or -errno.
napi_value prepare(napi_env env, napi_callback_info info) {
	Environment* environment = nullptr;
	Numbers<6> given(env, info, reinterpret_cast<void**>(&environment));
	Binding* binding = environment->at(given.int32(0));
	if (!binding || binding->closed()) return answer(env, -EBADF);
	auto length = static_cast<size_t>(given.number(3));
	Table& all = table();
	Request* request;
	{
		std::lock_guard guard(all.lock);
		request = take_request(all);
		request->environment = environment;
		request->block = length != 0 ? take_block(all, length, &request->room) : nullptr;
		if (length != 0 && !request->block) {
			release(all, *request);
			return answer(env, -ENOMEM);
		}
	}
	aio::Order order;
	order.io = {static_cast<sys::IoOp>(given.int32(1)), given.int32(2), request->block, length,
	            static_cast<uint64_t>(given.number(4))};
	order.result_code = true;
	order.object = number_of(*request);
	order.user = cookie_bits(given.number(5), binding->id);
	order.store = store;
	order.identify = identify;
	order.owner = request;
	environment->orders.push_back(order);
	return answer(env, static_cast<int64_t>(order.object));
}

// number, bytes, at: into the block of a request that is not submitted yet.
napi_value fill(napi_env env, napi_callback_info info) {
	Numbers<3> given(env, info);
	char* data = nullptr;
	size_t length = 0;
	std::lock_guard guard(table().lock);
	Request* request = find(table(), given.number(0));
	auto at = static_cast<size_t>(given.number(2));
	if (!request || !bytes_of(env, given[1], &data, &length)) return answer(env, -EINVAL);
	if (at > request->room || length > request->room - at) return answer(env, -EINVAL);
	if (length != 0) memcpy(request->block + at, data, length);
	return answer(env, 0);
}

// handle: submits what was prepared; -errno of each in `source`. How many were accepted.
napi_value submit(napi_env env, napi_callback_info info) {
	Environment* environment = nullptr;
	Numbers<1> given(env, info, reinterpret_cast<void**>(&environment));
	Binding* binding = environment->at(given.int32(0));
	std::vector<aio::Order>& orders = environment->orders;
	auto count = static_cast<uint32_t>(orders.size());
	bool open = binding && !binding->closed();
	uint32_t accepted = open ? aio::submit(binding->port, orders.data(), count) : 0;
	Table& all = table();
	std::lock_guard guard(all.lock);
	for (uint32_t i = 0; i < count; i++) {
		int error = open ? orders[i].error : EBADF;
		if (i < Columns::ROWS) environment->columns.source[i] = -error;
		if (error != 0) release(all, *static_cast<Request*>(orders[i].owner));
	}
	orders.clear();
	return answer(env, accepted);
}

// number, bytes, at: what was read, from `at` on. How much that is.
napi_value fetch(napi_env env, napi_callback_info info) {
	Numbers<3> given(env, info);
	char* data = nullptr;
	size_t length = 0;
	std::lock_guard guard(table().lock);
	Request* request = find(table(), given.number(0));
	if (!request || !bytes_of(env, given[1], &data, &length)) return answer(env, -EINVAL);
	int64_t result = request->result.load(std::memory_order_acquire);
	auto at = static_cast<int64_t>(given.number(2));
	int64_t part = std::min(static_cast<int64_t>(length), result - at);
	if (part <= 0) return answer(env, 0);
	memcpy(data, request->block + at, static_cast<size_t>(part));
	return answer(env, part);
}

// number: its event was retrieved, and its data; or nobody will do so.
napi_value finish(napi_env env, napi_callback_info info) {
	Numbers<1> given(env, info);
	std::lock_guard guard(table().lock);
	Request* request = find(table(), given.number(0));
	if (!request) return nullptr;
	if (request->result.load(std::memory_order_acquire) != UNDONE)
		release(table(), *request);
	else
		request->environment = nullptr;
	return nullptr;
}

// number: 0 cancelled, 1 not cancelled, 2 done.
napi_value cancel(napi_env env, napi_callback_info info) {
	Numbers<1> given(env, info);
	uint64_t id = 0;
	Request* request;
	{
		std::lock_guard guard(table().lock);
		request = find(table(), given.number(0));
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

void abandon_requests(const Environment& environment) {
	Table& all = table();
	std::lock_guard guard(all.lock);
	for (Request* request : all.requests)
		if (request->environment == &environment) request->environment = nullptr;
	sweep(all);
}

napi_status register_aio(napi_env env, napi_value exports, Environment& environment) {
	auto method = [&](const char* name, napi_callback call) {
		return napi_property_descriptor{name,    nullptr, call,         nullptr,
		                                nullptr, nullptr, napi_default, &environment};
	};
	const napi_property_descriptor all[] = {
	    method("aioPrepare", prepare), method("aioFill", fill),     method("aioSubmit", submit),
	    method("aioFetch", fetch),     method("aioFinish", finish), method("aioCancel", cancel),
	    method("aioEngine", engine),
	};
	return napi_define_properties(env, exports, std::size(all), all);
}

} // namespace evp::addon
