#include "addon/binding.hpp"

#include "addon/aio_requests.hpp"
#include "addon/cookies.hpp"
#include "addon/environment.hpp"
#include "core/ticket.hpp"
#include "sources/timer.hpp"
#include "sys/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <unordered_map>

namespace evp::addon {

namespace {

// Of the process; never destroyed, because threads may outlive static destructors.
struct Process {
	std::mutex lock;
	std::unordered_map<Port*, Shared*> ports;
	std::unordered_map<uint32_t, Binding*> bindings; // by id
	uint32_t last_id;
};

Process& process() {
	// From the clock, so that cookies of another process are not taken for ours.
	static auto* one = new Process{{}, {}, {}, static_cast<uint32_t>(sys::monotonic_ns() >> 8)};
	return *one;
}

uint32_t new_id(Process& all) {
	constexpr uint32_t LAST = (1u << BINDING_BITS) - 1;
	do {
		all.last_id = (all.last_id + 1) & LAST;
	} while (all.last_id == 0 || all.bindings.count(all.last_id) != 0);
	return all.last_id;
}

// Locked. The port is in use by the caller. Null: its last number is being closed.
Binding* bind(Process& all, Environment& environment, Port& port, int number) {
	if (!registry::retain(port)) return nullptr;
	Shared*& shared = all.ports[&port];
	if (!shared) shared = new Shared{&port, number};
	shared->users++;
	auto* binding = new Binding(environment, shared, new_id(all));
	all.bindings[binding->id] = binding;
	binding->handle = environment.add(binding);
	return binding;
}

// Nobody in this process can name the port any more, nor what is bound to it.
void let_go(const Shared& shared) {
	timers::remove_all(*shared.port);
	registry::before_close(shared.number);
}

// Locked.
void send_mail(Binding& binding) {
	if (binding.mail) return;
	binding.mail = true;
	uv_async_send(&binding.environment->doorbell);
}

} // namespace

Result<Binding*> create_binding(Environment& environment, uint32_t limit) {
	Result<int> number = registry::create({limit, true});
	if (!number) return Error{number.error()};
	int error = 0;
	PortRef port = registry::find(*number, &error);
	if (!port) return Error{error};
	Process& all = process();
	std::lock_guard guard(all.lock);
	Binding* binding = bind(all, environment, *port, *number);
	if (!binding) return Error{EBADF};
	return binding;
}

Result<Binding*> attach_binding(Environment& environment, int number) {
	Process& all = process();
	std::lock_guard guard(all.lock);
	// Closed, and its number kept until the last thread lets go: no port any more.
	for (auto& [port, shared] : all.ports)
		if (shared->number == number && shared->closed) return Error{EBADF};
	int error = 0;
	PortRef port = registry::find(number, &error);
	if (!port) return Error{error};
	if (Binding* known = environment.find(*port)) return known;
	auto at = all.ports.find(&*port);
	if (at != all.ports.end() && at->second->closed) return Error{EBADF};
	Binding* binding = bind(all, environment, *port, number);
	if (!binding) return Error{EBADF};
	return binding;
}

namespace {

// Locked. One user less; with the last one the number is closed.
void leave(Process& all, Shared* shared) {
	bool last = --shared->users == 0;
	bool named = false;
	if (last) {
		all.ports.erase(shared->port);
		if (!shared->closed) let_go(*shared);
		// Closed behind our back it may be another file's by now.
		named = shared->port->same_port(shared->number);
	}
	registry::release(*shared->port);
	if (!last) return;
	if (named) sys::close_raw(shared->number);
	registry::after_close(shared->number);
	delete shared;
}

// Locked. All bindings of it but one get mail.
void announce_close(Process& all, Shared& shared, const Binding* closer) {
	shared.closed = true;
	for (auto& [id, binding] : all.bindings) {
		if (binding->shared != &shared || binding == closer) continue;
		binding->closed_by_other = true;
		send_mail(*binding);
	}
}

} // namespace

Result<int> make_ticket(Binding& binding) {
	binding.shared->crosses.store(true); // first: nothing sent from now on stays behind
	return ticket::make(*binding.port, binding.shared->number);
}

Result<Binding*> redeem_ticket(Environment& environment, int ticket) {
	Result<int> number = ticket::redeem(ticket, true);
	if (!number) return Error{number.error()};
	Result<Binding*> found = attach_binding(environment, *number);
	if (found) (*found)->shared->crosses.store(true);
	// This process has the port already, by another number.
	if (!found || (*found)->shared->number != *number) (void)registry::close_number(*number);
	return found;
}

void release_binding(Binding& binding) {
	binding.environment->forget(binding);
	if (binding.poller) binding.poller->close();
	Requests::all().abandon(binding);
	Process& all = process();
	{
		std::lock_guard guard(all.lock);
		all.bindings.erase(binding.id);
		leave(all, binding.shared);
	}
	delete &binding;
}

void close_everywhere(Binding& binding) {
	Process& all = process();
	{
		std::lock_guard guard(all.lock);
		if (binding.shared->closed) return;
		announce_close(all, *binding.shared, &binding);
	}
	// Waits until the threads blocked on the number have left: not under the lock.
	let_go(*binding.shared);
}

int close_number(int number) {
	Process& all = process();
	Shared* bound = nullptr;
	{
		std::lock_guard guard(all.lock);
		for (auto& [port, shared] : all.ports) {
			if (shared->number != number || !port->same_port(number)) continue;
			// A closed one keeps its number for the last thread only.
			if (shared->closed || !registry::retain(*port)) return EBADF;
			announce_close(all, *shared, nullptr);
			bound = shared;
			bound->users++;
			break;
		}
	}
	if (bound) {
		let_go(*bound);
		std::lock_guard guard(all.lock);
		leave(all, bound);
		return 0;
	}
	if (!sys::is_open(number) || !registry::before_close(number)) return EBADF;
	sys::close_raw(number);
	registry::after_close(number);
	return 0;
}

void give_back(uint64_t cookie) {
	Process& all = process();
	std::lock_guard guard(all.lock);
	auto owner = all.bindings.find(cookie >> 32 & ((1u << BINDING_BITS) - 1));
	if (owner == all.bindings.end()) return; // another process's, or its table is gone
	owner->second->returned.push_back(static_cast<uint32_t>(cookie));
	send_mail(*owner->second);
}

uint32_t take_returned(Binding& binding, uint32_t* out, uint32_t max) {
	std::lock_guard guard(process().lock);
	auto& list = binding.returned;
	uint32_t count = std::min(max, static_cast<uint32_t>(list.size()));
	std::copy(list.end() - count, list.end(), out);
	list.resize(list.size() - count);
	return count;
}

std::vector<Mail> take_mail(Environment& environment) {
	std::vector<Mail> list;
	std::lock_guard guard(process().lock);
	for (Binding* binding : environment.bindings) {
		if (!binding || !binding->mail) continue;
		binding->mail = false;
		list.push_back({binding->handle, binding->id, binding->closed_by_other});
	}
	return list;
}

} // namespace evp::addon
