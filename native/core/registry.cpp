#include "core/registry.hpp"

#include "core/ticket.hpp"
#include "sources/sources.hpp"
#include "sys/directory.hpp"
#include "sys/no_memory.hpp"
#include "sys/process.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <sched.h>
#include <utility>

namespace evp {

namespace {

constexpr uint32_t DEFAULT_PORTS = 8192; // project.max-port-ids (12.1)
constexpr uint32_t MOST_PORTS = 65536;

// Ports of this process. Nodes are reused, never freed: readers take no lock.
struct Node {
	std::atomic<Port*> port{nullptr};
	Node* next = nullptr;
};
std::atomic<Node*> nodes{nullptr};
std::atomic<uint32_t> ports{0};
std::atomic<uint32_t> strict_ports{0};
std::atomic<void (*)(int fd)> told_of_closing{nullptr};

template <class Do>
void each_internal(const Port& port, Do what) {
	int fds[4];
	port.internals(fds);
	for (int fd : fds) what(fd);
}

Node* take_node(Port* port) {
	for (Node* n = nodes.load(std::memory_order_acquire); n; n = n->next) {
		Port* empty = nullptr;
		if (n->port.compare_exchange_strong(empty, port)) return n;
	}
	auto* fresh = new (std::nothrow) Node;
	if (!fresh) return nullptr;
	fresh->port.store(port);
	fresh->next = nodes.load();
	while (!nodes.compare_exchange_weak(fresh->next, fresh)) {}
	return fresh;
}

} // namespace

namespace registry {

bool borrowed_memory() { return sys::process_id() != sys::identity().pid; }

namespace {

// A thread ends that stands among the waiters of ports.
void end_waits(sys::Thread& thread) {
	for (Node* n = nodes.load(std::memory_order_acquire); n; n = n->next)
		if (PortRef port = RegistryAccess::protect(n->port)) port->end_waits(thread);
}

// What a port had of its own was closed behind our back: nothing is done to those numbers any more.
void lose(Port& port) {
	int fds[4];
	port.internals(fds);
	port.lose_internals();
	lost_internals(fds, 4);
}

// Ports that a handler closed over a call of its own thread while it or others were inside, or it held what sources
// need to let go: kept until they left.
std::atomic<Port*> kept{nullptr};

void keep(Port& port) {
	port.next_kept = kept.load();
	while (!kept.compare_exchange_weak(port.next_kept, &port)) {}
}

// Whether a thread is inside a call on the port, or has one to make that a handler noted: before it
// let go of the port, so that is looked at last.
bool is_inside(const sys::Thread& thread, const Port* port) {
	auto here = [port](const std::atomic<const void*>& place) { return place.load(std::memory_order_acquire) == port; };
	return std::ranges::any_of(thread.in_use, here) || std::ranges::any_of(thread.deferred_target, here);
}

// The first thread of this process that satisfies `which`.
template <class Which>
const sys::Thread* thread_of_ours(Which which) {
	uint64_t epoch = sys::process_epoch();
	for (sys::Thread* t = sys::all_threads(); t; t = t->next)
		if (t->epoch.load(std::memory_order_relaxed) == epoch && which(*t)) return t;
	return nullptr;
}

void finish(Port* port) {
	if (!port->whole()) lose(*port);
	each_internal(*port, [](int fd) { mark(fd, INTERNAL, false); });
	bool ticketed = port->region().header().ticketed.load() != 0;
	sys::FileId id = port->region().id();
	delete port;
	// The port may have come back meanwhile, as another object, whose hold of the region went with that.
	for (Node* n = ticketed ? nodes.load(std::memory_order_acquire) : nullptr; n; n = n->next)
		if (PortRef ref = RegistryAccess::protect(n->port); ref && ref->is_member() && ref->region().id() == id)
			ref->held_again();
}

void finish_kept() {
	if (!kept.load(std::memory_order_relaxed)) [[likely]]
		return;
	for (Port *port = kept.exchange(nullptr), *next = nullptr; port; port = next) {
		next = port->next_kept;
		if (port->held_up() || thread_of_ours([port](const sys::Thread& t) { return is_inside(t, port); }))
			keep(*port);
		else
			finish(port);
	}
}

// Waits until no other thread is inside a call on the port, then frees it. In a handler over a call, for which
// that thread may wait in a handler of its own, it waits for none.
void destroy(Port* port) {
	for (Node* n = nodes.load(std::memory_order_acquire); n; n = n->next) {
		Port* mine = port;
		n->port.compare_exchange_strong(mine, nullptr);
	}
	ports.fetch_sub(1);
	if (port->strict()) strict_ports.fetch_sub(1);
	sys::scanner_fence();
	const sys::Thread& me = sys::self();
	bool over_call = sys::over_call(me);
	bool used = thread_of_ours([&](const sys::Thread& t) {
		while (!over_call && &t != &me && is_inside(t, port)) sched_yield();
		return is_inside(t, port);
	});
	if (!used && !port->held_up()) return finish(port);
	if (!port->whole()) lose(*port);
	if (port->is_member()) port->disown();
	keep(*port);
}

// Gives a number that is known to be this port's to it, with a reference of the caller's.
void name(int number, Port* port) {
	Entry entry = entry_of(number);
	entry.unmark(CLOSING);
	entry.mark(NAMED);
	// A number closed behind our back and now reused: the old port loses a name. Or
	// another thread has named this one already.
	Port* before = entry.port->exchange(port);
	if (!before) return;
	// Not only the number may have been closed: a raw close_range takes all that a port has.
	for (Node* n = before == port ? nullptr : nodes.load(std::memory_order_acquire); n; n = n->next)
		if (PortRef ref = RegistryAccess::protect(n->port); ref && &*ref != port) ref->lose_to(*port);
	release(*before);
}

// What is behind a port is kept over exec while one of its known numbers is.
void settle_exec(Port& port) {
	struct Search {
		const Port* port;
		bool kept;
	} search{&port, false};
	auto look = [](int number, bool, void* data) {
		auto* wanted = static_cast<Search*>(data);
		if (!wanted->kept && names(number, wanted->port)) wanted->kept = sys::kept_over_exec(number);
	};
	each_known(0, ~0u, look, &search);
	port.keep_over_exec(search.kept);
}

// The same for a number found to be the port's, which may be closed or reused by now:
// false then. The caller has a reference of its own.
bool name_found(int number, Port& port) {
	Entry entry = make_entry(number);
	if (!entry || !retain(port)) return false;
	entry.mark(NAMED);
	Port* named = nullptr;
	while (!entry.port->compare_exchange_strong(named, &port)) {
		if (named != &port && port.same_port(number)) continue; // closed behind our back, as in name()
		release(port);
		return named == &port;
	}
	if (named) release(*named);
	// Who closes the number from now on sees the name; who did so before is seen.
	if (port.same_port(number)) {
		settle_exec(port);
		return true;
	}
	named = &port;
	if (entry.port->compare_exchange_strong(named, nullptr)) release(port);
	return false;
}

// Another descriptor of this port in this process that the table doesn't know.
bool adopt_duplicate(Port& port, int except) {
	int found = -1;
	sys::each_descriptor([&](int fd) {
		if (found < 0 && fd != except && !port.internal(fd) && port.same_port(fd)) found = fd;
	});
	return found >= 0 && name_found(found, port);
}

// What a port loses with one of its numbers, which may name something else by now.
void end_number(int number, Port& port) {
	if (!port.whole()) lose(port);
	if (port.is_member()) {
		port.wake_number(number);
		if (port.strict()) port.disown(); // every close does (2.11.2)
	}
	// The number is not the port's any more: it may name anything until it is closed.
	if (port.references.load() == 1 && port.outlives(number)) adopt_duplicate(port, number);
	if (port.references.load() != 1) settle_exec(port);
	release(port);
}

void close_port_number(int number, Entry entry, Port& port) {
	Port* named = &port;
	entry.mark(CLOSING);
	if (!entry.port->compare_exchange_strong(named, nullptr)) return; // closed by another
	sys::Thread& thread = sys::self();
	if (!sys::must_defer(thread)) return end_number(number, port);
	// In a handler over our own lock: others that wait on the number are told when it is free.
	auto late = [](const sys::DeferredCall& call) {
		int saved = errno;
		end_number(call.code, *static_cast<Port*>(call.target));
		errno = saved;
	};
	(void)sys::defer(thread, {late, &port, number, 0, 0});
}

// Numbers closed where no one saw it (14.6.5): their ports end here.
void forget_closed_numbers() {
	auto forget = [](int fd, bool internal, void*) {
		Entry entry = entry_of(fd);
		Port* port = nullptr;
		{
			PortRef ref = RegistryAccess::protect(*entry.port);
			if (internal || !ref || ref->same_port(fd) || !retain(*ref)) return;
			port = &*ref;
		}
		Port* named = port;
		if (entry.port->compare_exchange_strong(named, nullptr)) release(*port);
		release(*port);
	};
	each_known(0, ~0u, forget, nullptr);
}

} // namespace

namespace {

// One more port, made by `make`, under the number that `number_of` gives it.
template <class Make, class NumberOf>
Result<int> introduce(Make make, NumberOf number_of) {
	const sys::Thread& me = sys::self();
	if (sys::recordless(me)) return Error{ENOMEM};
	// A handler's port would end the critical section under it, by one of its own.
	if (me.critical.load(std::memory_order_relaxed)) return Error{EAGAIN};
	finish_kept();
	uint32_t most = sys::environment_number("PORT_MAX_PORTS", 1, MOST_PORTS, DEFAULT_PORTS);
	if (ports.fetch_add(1) >= most) {
		forget_closed_numbers();
		if (ports.load() > most) {
			ports.fetch_sub(1);
			return Error{EAGAIN};
		}
	}
	Result<std::unique_ptr<Port>> made = make();
	if (!made) {
		ports.fetch_sub(1);
		return Error{made.error()};
	}
	Port* port = made->get();
	Result<void> equipped = sys::or_no_memory([port]() -> Result<void> {
		install_sources(*port);
		return {};
	});
	sys::on_end_of_waiter.store(end_waits, std::memory_order_relaxed);
	port->references.store(1);
	if (!equipped || !make_entry(number_of(*port)) || !take_node(port)) {
		each_internal(*port, [](int fd) { mark(fd, INTERNAL, false); });
		ports.fetch_sub(1);
		return Error{ENOMEM};
	}
	each_internal(*port, [](int fd) { mark(fd, INTERNAL, true); });
	(void)made->release();
	if (port->strict()) strict_ports.fetch_add(1);
	int number = number_of(*port);
	port->give_number();
	name(number, port);
	return number;
}

} // namespace

Result<int> create(const PortOptions& options) {
	return introduce([&] { return Port::make(options); }, [](Port& port) { return port.outer(); });
}

Result<void> arrive(int number, PortParts& parts, Arrival how) {
	Port* mine = nullptr;
	for (Node* n = nodes.load(std::memory_order_acquire); n && !mine; n = n->next) {
		PortRef ref = RegistryAccess::protect(n->port);
		if (ref && ref->same_region(parts.region.get()) && retain(*ref)) mine = &*ref;
	}
	if (!mine) {
		Result<int> made = introduce([&] { return Port::from_parts(number, parts, how); },
		                             [&](Port&) { return number; });
		return made ? Result<void>() : Result<void>(Error{made.error()});
	}
	int error = mine->enter(sys::self());
	bool member = error == 0;
	if (member && !mine->same_port(number)) error = EBADMSG; // its region, and another's set
	if (error == 0) name_found(number, *mine);
	if (error == 0 || how == Arrival::COPIES) parts = PortParts();
	if (member) mine->held_again();
	release(*mine);
	return error == 0 ? Result<void>() : Result<void>(Error{error});
}

PortRef detail::resolve(int number, int* error) {
	if (sys::recordless(sys::self())) {
		*error = ENOMEM;
		return {};
	}
	for (bool resolved = false;; resolved = true) {
		if (Entry entry = entry_of(number)) {
			if (PortRef port = RegistryAccess::protect(*entry.port)) {
				*error = port->enter(port.thread());
				return *error == 0 ? std::move(port) : PortRef();
			}
			if (entry.marks(std::memory_order_acquire) & CLOSING) {
				*error = EBADF;
				return {};
			}
		}
		*error = number >= 0 && sys::is_open(number) ? EBADFD : EBADF;
		if (resolved || *error == EBADF) return {};
		Port* found = nullptr;
		for (Node* n = nodes.load(std::memory_order_acquire); n && !found; n = n->next) {
			PortRef ref = RegistryAccess::protect(n->port);
			if (ref && ref->same_port(number) && retain(*ref)) found = &*ref;
		}
		if (!found) {
			if (!ticket::recover(number)) return {};
			continue;
		}
		name_found(number, *found);
		release(*found);
	}
}

void lost_internals(const int* fds, int count) {
	for (int i = 0; i < count; i++) mark(fds[i], INTERNAL, false);
	// A port made since may have the numbers.
	for (Node* n = nodes.load(std::memory_order_acquire); n; n = n->next)
		if (PortRef port = RegistryAccess::protect(n->port))
			each_internal(*port, [](int fd) { mark(fd, INTERNAL, true); });
}

void give_up_internal(sys::UniqueFd& fd, bool whole) {
	int number = fd.release();
	if (number < 0) return;
	lost_internals(&number, 1);
	if (whole) sys::close_raw(number);
}

PortRef known(int number) {
	Entry entry = entry_of(number);
	// Of any other descriptor nothing is kept, nor does a thread that only copies it need a record.
	bool port = entry && entry.port->load(std::memory_order_relaxed);
	return port ? RegistryAccess::protect(*entry.port) : PortRef();
}

bool retain(Port& port) {
	uint32_t seen = port.references.load();
	while (seen != 0 && !port.references.compare_exchange_weak(seen, seen + 1)) {}
	return seen != 0;
}

void release(Port& port) {
	if (port.references.fetch_sub(1) == 1) destroy(&port);
}

bool concerns(int fd) {
	if (strict_ports.load(std::memory_order_relaxed) != 0) return true;
	Entry entry = entry_of(fd);
	return entry && (entry.marks() != 0 ||
	                 entry.port->load(std::memory_order_relaxed) != nullptr);
}

void tell_of_closing(void (*told)(int fd)) { told_of_closing.store(told, std::memory_order_release); }

bool concerns_unknown() {
	// In the strict profile a dup that no call ever named counts as well (2.11.2).
	return strict_ports.load(std::memory_order_relaxed) != 0 && !borrowed_memory();
}

bool before_close(int fd) {
	if (concerns_unknown()) {
		int error = 0;
		find(fd, &error);
	}
	Entry entry = entry_of(fd);
	if (!entry) return true;
	uint8_t marks = entry.marks();
	Port* port = entry.port->load(std::memory_order_acquire);
	if (marks == 0 && !port) [[likely]]
		return true;
	if (borrowed_memory()) return true;
	if (marks & INTERNAL) return false;
	if (marks & ASSOCIATED && !sys::self().critical.load()) {
		entry.unmark(ASSOCIATED);
		for (Node* n = nodes.load(std::memory_order_acquire); n; n = n->next)
			if (PortRef ref = RegistryAccess::protect(n->port))
				if (ref->is_member()) ref->fd_closing(fd);
		if (auto* told = told_of_closing.load(std::memory_order_acquire)) told(fd);
	}
	if (port) close_port_number(fd, entry, *port);
	return true;
}

void after_close(int fd) {
	Entry entry = entry_of(fd);
	if (entry && entry.marks() & CLOSING && !borrowed_memory())
		entry.unmark(CLOSING);
}

void number_replaced() {
	if (!Port::left_any() || borrowed_memory() || sys::self().critical.load()) [[likely]]
		return;
	for (Node* n = nodes.load(std::memory_order_acquire); n; n = n->next)
		if (PortRef ref = RegistryAccess::protect(n->port))
			if (ref->is_member() && ref->shared()) ref->look_again();
}

// Flags are a process's own, also of a child by vfork.
void exec_flag_set(int fd) {
	if (PortRef port = known(fd)) settle_exec(*port);
}

void duplicated(int from, int to) {
	PortRef port = known(from);
	if (!port) return;
	// No entry is made, which takes memory: this may be a signal handler.
	if (entry_of(to) && !borrowed_memory())
		name_found(to, *port);
	else if (sys::kept_over_exec(to))
		port->keep_over_exec(true);
}

Result<void> close_number(int number) {
	int error = 0;
	if (!find(number, &error)) return Error{error};
	before_close(number);
	sys::close_raw(number);
	after_close(number);
	return {};
}

const std::atomic<Port*>* anchor(const Port& port) {
	for (Node* n = nodes.load(std::memory_order_acquire); n; n = n->next)
		if (n->port.load(std::memory_order_relaxed) == &port) return &n->port;
	return nullptr;
}

PortRef hold(const std::atomic<Port*>& anchor) { return RegistryAccess::protect(anchor); }

uint32_t port_count() { return ports.load(); }

} // namespace registry
} // namespace evp
