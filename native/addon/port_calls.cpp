#include "addon/port_calls.hpp"

#include "addon/aio.hpp"
#include "addon/arguments.hpp"
#include "addon/cookies.hpp"
#include "addon/environment.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>

namespace evp::addon {

namespace {

constexpr int64_t PAUSE_NS = 50'000'000; // docs/decisions/004-waiting-in-node.md

// One call: its arguments, and the Binding that the first one names.
template <size_t COUNT>
class Call {
public:
	Call(napi_env env, napi_callback_info info)
	    : env_(env), numbers_(env, info, reinterpret_cast<void**>(&environment_)) {}
	Environment& environment() const { return *environment_; }
	const Numbers<COUNT>& arguments() const { return numbers_; }
	// nullptr: no such handle, or the port is closed.
	Binding* binding() const {
		Binding* binding = environment_->at(numbers_.int32(0));
		return binding && !binding->closed() ? binding : nullptr;
	}
	uint32_t rows(size_t index) const {
		return static_cast<uint32_t>(
		    std::clamp<int32_t>(numbers_.int32(index), 0, static_cast<int32_t>(Columns::ROWS)));
	}
	napi_value error(int code) const { return answer(env_, -code); }
	napi_value done(const Result<void>& result) const { return error(result.error()); }
	// Events into the columns, their number or the failure to JavaScript.
	napi_value taken(Binding& binding, const Event* list, Taken taken) const {
		if (taken.code != 0 && taken.code != ETIME) return error(taken.code);
		environment_->columns.write(list, taken.count, binding);
		return answer(env_, taken.count);
	}

private:
	napi_env env_;
	Environment* environment_ = nullptr;
	Numbers<COUNT> numbers_;
};

napi_value setup(napi_env env, napi_callback_info info) {
	Call<1> call(env, info);
	napi_value columns = nullptr;
	if (!call.environment().begin(call.arguments()[0], &columns)) return nullptr;
	return columns;
}

// --- Life.

napi_value create(napi_env env, napi_callback_info info) {
	Call<1> call(env, info);
	auto limit = static_cast<uint32_t>(call.arguments().int32(0));
	Result<Binding*> made = create_binding(call.environment(), limit);
	return made ? answer(env, (*made)->handle) : call.error(made.error());
}

napi_value attach(napi_env env, napi_callback_info info) {
	Call<1> call(env, info);
	Result<Binding*> found = attach_binding(call.environment(), call.arguments().int32(0));
	return found ? answer(env, (*found)->handle) : call.error(found.error());
}

// A ticket of the port, or the port of a ticket.
napi_value ticket(napi_env env, napi_callback_info info) {
	Call<1> call(env, info);
	Binding* binding = call.binding();
	if (!binding) return call.error(EBADF);
	Result<int> made = make_ticket(*binding);
	return made ? answer(env, *made) : call.error(made.error());
}

napi_value redeem(napi_env env, napi_callback_info info) {
	Call<1> call(env, info);
	Result<Binding*> found = redeem_ticket(call.environment(), call.arguments().int32(0));
	return found ? answer(env, (*found)->handle) : call.error(found.error());
}

napi_value number(napi_env env, napi_callback_info info) {
	Call<1> call(env, info);
	Binding* binding = call.binding();
	return binding ? answer(env, binding->shared->number) : call.error(EBADF);
}

napi_value release(napi_env env, napi_callback_info info) {
	Call<1> call(env, info);
	if (Binding* binding = call.environment().at(call.arguments().int32(0)))
		release_binding(*binding);
	return nullptr;
}

napi_value close(napi_env env, napi_callback_info info) {
	Call<1> call(env, info);
	if (Binding* binding = call.binding()) close_everywhere(*binding);
	return nullptr;
}

// --- Sources.

napi_value associate(napi_env env, napi_callback_info info) {
	Call<4> call(env, info);
	Binding* binding = call.binding();
	if (!binding) return call.error(EBADF);
	const auto& given = call.arguments();
	auto fd = static_cast<uint64_t>(given.int32(1));
	if (binding->refuses(given.number(3))) return call.error(CANT_CROSS);
	uint64_t user = cookie_bits(given.number(3), binding->id);
	return call.done(binding->port->associate(SourceKind::FD, fd, given.int32(2), user));
}

napi_value dissociate(napi_env env, napi_callback_info info) {
	Call<2> call(env, info);
	Binding* binding = call.binding();
	if (!binding) return call.error(EBADF);
	auto fd = static_cast<uint64_t>(call.arguments().int32(1));
	return call.done(binding->port->dissociate(SourceKind::FD, fd));
}

napi_value associate_all(napi_env env, napi_callback_info info) {
	Call<2> call(env, info);
	Binding* binding = call.binding();
	Columns& columns = call.environment().columns;
	int failed = 0;
	for (uint32_t row = 0; row < call.rows(1); row++) {
		int rc = EBADF;
		if (binding && binding->refuses(columns.user[row])) {
			rc = CANT_CROSS;
		} else if (binding) {
			auto fd = static_cast<uint64_t>(columns.object[row]);
			uint64_t user = cookie_bits(columns.user[row], binding->id);
			rc = binding->port->associate(SourceKind::FD, fd, columns.events[row], user).error();
		}
		columns.source[row] = -rc;
		failed += rc != 0;
	}
	return answer(env, failed);
}

// No arguments: each costs more than a store into the columns.
napi_value send(napi_env env, napi_callback_info info) {
	void* data = nullptr;
	napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
	const Environment& environment = *static_cast<Environment*>(data);
	const Columns& columns = environment.columns;
	const Binding* binding = environment.at(columns.source[0]);
	if (!binding || binding->closed()) return answer(env, -EBADF);
	double code = columns.user[0];
	if (binding->refuses(code)) return answer(env, -CANT_CROSS);
	int rc = binding->port->send(columns.events[0], cookie_bits(code, binding->id)).error();
	return rc == 0 ? nullptr : answer(env, -rc);
}

// handle, events, user, a Uint8Array
napi_value post(napi_env env, napi_callback_info info) {
	Call<4> call(env, info);
	Binding* binding = call.binding();
	if (!binding) return call.error(EBADF);
	const auto& given = call.arguments();
	if (binding->refuses(given.number(2))) return call.error(CANT_CROSS);
	void* bytes = nullptr;
	size_t length = 0;
	napi_get_typedarray_info(env, given[3], nullptr, &length, &bytes, nullptr, nullptr);
	return call.done(binding->port->post(bytes, static_cast<uint32_t>(length), given.int32(1),
	                                     cookie_bits(given.number(2), binding->id)));
}

napi_value sendn(napi_env env, napi_callback_info info) {
	Call<2> call(env, info);
	Columns& columns = call.environment().columns;
	uint32_t count = call.rows(0);
	int32_t events = call.arguments().int32(1);
	int sent = 0;
	for (uint32_t row = 0; row < count; row++) {
		Binding* binding = call.environment().at(columns.source[row]);
		int rc = EBADF;
		if (binding && !binding->closed() && binding->refuses(columns.user[row]))
			rc = CANT_CROSS;
		else if (binding && !binding->closed())
			rc = binding->port->send(events, cookie_bits(columns.user[row], binding->id)).error();
		columns.source[row] = -rc;
		sent += rc == 0;
	}
	return answer(env, sent);
}

napi_value alert(napi_env env, napi_callback_info info) {
	Call<4> call(env, info);
	Binding* binding = call.binding();
	if (!binding) return call.error(EBADF);
	const auto& given = call.arguments();
	if (binding->refuses(given.number(3))) return call.error(CANT_CROSS);
	uint64_t user = cookie_bits(given.number(3), binding->id);
	return call.done(binding->port->alert(given.int32(1), given.int32(2), user));
}

// --- Retrieval.

napi_value take(napi_env env, napi_callback_info info) {
	Call<3> call(env, info);
	Binding* binding = call.binding();
	if (!binding) return call.error(EBADF);
	flush_held_back(call.environment()); // of its other ports
	Event list[Columns::ROWS];
	auto wanted = static_cast<uint32_t>(call.arguments().int32(2));
	return call.taken(*binding, list, binding->port->try_get(list, call.rows(1), wanted, &call.environment().columns));
}

// As take(), unless it is the event loop's turn: then nothing, and the next wait() comes back from there.
napi_value take_in_turn(napi_env env, napi_callback_info info) {
	Call<3> call(env, info);
	Binding* binding = call.binding();
	if (!binding) return call.error(EBADF);
	if (binding->turn.over(call.environment().clock)) return answer(env, 0);
	Event list[Columns::ROWS];
	auto wanted = static_cast<uint32_t>(call.arguments().int32(2));
	auto attempt = [&](bool ask) {
		return binding->port->try_get(list, call.rows(1), wanted, &call.environment().columns, ask);
	};
	Taken taken = attempt(false);
	if (taken.code == 0 && taken.count == 0 && binding->asking.worthwhile()) {
		taken = attempt(true);
		binding->asking.learn(taken.count != 0);
	}
	binding->turn.took(taken.count);
	return call.taken(*binding, list, taken);
}

Deadline deadline_of(double milliseconds) {
	if (milliseconds < 0) return Deadline::never();
	if (milliseconds == 0) return Deadline::now();
	constexpr double LONGEST = 9e12; // in milliseconds, below what an int64 of nanoseconds holds
	return Deadline::after(static_cast<int64_t>(std::ceil(std::min(milliseconds, LONGEST) * 1e6)));
}

// A worker that is being terminated can't call JavaScript any more.
bool is_ending(void* data) {
	auto* environment = static_cast<Environment*>(data);
	napi_env env = environment->env;
	napi_handle_scope scope;
	if (napi_open_handle_scope(env, &scope) != napi_ok) return true;
	napi_value function, receiver;
	bool ending = napi_get_reference_value(env, environment->checkpoint, &function) != napi_ok ||
	              napi_get_global(env, &receiver) != napi_ok ||
	              napi_call_function(env, receiver, function, 0, nullptr, nullptr) != napi_ok;
	napi_close_handle_scope(env, scope);
	return ending;
}

napi_value get(napi_env env, napi_callback_info info) {
	Call<4> call(env, info);
	Binding* binding = call.binding();
	if (!binding) return call.error(EBADF);
	const auto& given = call.arguments();
	Deadline deadline = deadline_of(given.number(3));
	flush_held_back(call.environment()); // likewise
	Pause pause{PAUSE_NS, is_ending, &call.environment()};
	Event list[Columns::ROWS];
	Taken taken = binding->port->get({binding->shared->number, list, call.rows(1), static_cast<uint32_t>(given.int32(2)),
	                                  deadline, true, call.environment().worker ? &pause : nullptr,
	                                  &call.environment().columns});
	return call.taken(*binding, list, taken);
}

napi_value wait(napi_env env, napi_callback_info info) {
	Call<4> call(env, info);
	Binding* binding = call.binding();
	if (!binding) return call.error(EBADF);
	if (!binding->poller) {
		Result<LoopPoller*> poller = LoopPoller::make(*binding);
		if (!poller) return call.error(poller.error());
		binding->poller = *poller;
	}
	const auto& given = call.arguments();
	return answer(env, binding->poller->wait(static_cast<uint32_t>(given.int32(1)), call.rows(2),
	                                         given.boolean(3)));
}

napi_value idle(napi_env env, napi_callback_info info) {
	Binding* binding = Call<1>(env, info).binding();
	if (binding && binding->poller) binding->poller->idle();
	return nullptr;
}

napi_value set_ref(napi_env env, napi_callback_info info) {
	Call<2> call(env, info);
	Binding* binding = call.binding();
	if (binding && binding->poller) binding->poller->set_ref(call.arguments().boolean(1));
	return nullptr;
}

// --- What can be seen.

napi_value count(napi_env env, napi_callback_info info) {
	Call<1> call(env, info);
	Binding* binding = call.binding();
	if (!binding) return call.error(EBADF);
	flush_held_back(call.environment());
	return answer(env, binding->port->count());
}

napi_value info_of(napi_env env, napi_callback_info info) {
	Call<1> call(env, info);
	Binding* binding = call.binding();
	if (!binding) return call.error(EBADF);
	PortInfo seen = binding->port->info();
	double* out = call.environment().columns.object;
	for (double value : {static_cast<double>(seen.limit), static_cast<double>(seen.slots),
	                     static_cast<double>(seen.queued), static_cast<double>(seen.waiters),
	                     static_cast<double>(seen.members),
	                     static_cast<double>(registry::port_count()),
	                     static_cast<double>(seen.alert), static_cast<double>(seen.wakeups)})
		*out++ = value;
	for (uint64_t delivered : seen.delivered) *out++ = static_cast<double>(delivered);
	return nullptr;
}

// Into `object`: pids, this process's first; returns how many.
napi_value members(napi_env env, napi_callback_info info) {
	Call<1> call(env, info);
	Binding* binding = call.binding();
	if (!binding) return call.error(EBADF);
	int32_t pids[Columns::ROWS];
	uint32_t count = binding->port->members(pids, Columns::ROWS);
	std::copy(pids, pids + count, call.environment().columns.object);
	return answer(env, count);
}

// handle, fd: 0 not associated, 1 by this process, 2 by another; 0 also while nobody else can be, and
// where the number means another file than it does to whoever associated it.
napi_value holder(napi_env env, napi_callback_info info) {
	Call<2> call(env, info);
	Binding* binding = call.binding();
	if (!binding) return call.error(EBADF);
	if (!binding->shared->crosses.load(std::memory_order_relaxed)) return answer(env, 0);
	int fd = call.arguments().int32(1);
	Port::Holder holder = binding->port->holder(SourceKind::FD, static_cast<uint64_t>(fd));
	constexpr int32_t ANYONE = 0; // the pair of number and file is registered once, whoever did it
	if (holder == Port::Holder::OTHER && !binding->port->same_descriptor(fd, ANYONE))
		holder = Port::Holder::NOBODY;
	return answer(env, static_cast<int>(holder));
}

napi_value reclaim(napi_env env, napi_callback_info info) {
	Call<1> call(env, info);
	Binding* binding = call.environment().at(call.arguments().int32(0));
	if (!binding) return call.error(EBADF);
	uint32_t entries[Columns::ROWS];
	uint32_t found = take_returned(*binding, entries, Columns::ROWS);
	std::copy(entries, entries + found, call.environment().columns.object);
	return answer(env, found);
}

} // namespace

napi_status register_port_calls(napi_env env, napi_value exports, Environment& environment) {
	auto method = [&](const char* name, napi_callback call) {
		return napi_property_descriptor{name,    nullptr, call,         nullptr,
		                                nullptr, nullptr, napi_default, &environment};
	};
	const napi_property_descriptor all[] = {
	    method("setup", setup),
	    method("create", create),
	    method("attach", attach),
	    method("ticket", ticket),
	    method("redeem", redeem),
	    method("number", number),
	    method("release", release),
	    method("close", close),
	    method("associate", associate),
	    method("dissociate", dissociate),
	    method("associateAll", associate_all),
	    method("send", send),
	    method("post", post),
	    method("sendn", sendn),
	    method("alert", alert),
	    method("take", take),
	    method("takeInTurn", take_in_turn),
	    method("get", get),
	    method("wait", wait),
	    method("idle", idle),
	    method("setRef", set_ref),
	    method("count", count),
	    method("info", info_of),
	    method("members", members),
	    method("holder", holder),
	    method("reclaim", reclaim),
	};
	return napi_define_properties(env, exports, std::size(all), all);
}

} // namespace evp::addon
