#include "sources/aio_source.hpp"

#include "core/port.hpp"
#include "core/registry.hpp"
#include "core/slots.hpp"
#include "sources/aio_book.hpp"

#include <cerrno>

namespace evp {

using shm::Slot;
using shm::SlotState;
using sys::PrivateLock;

namespace {

constexpr uint32_t BATCH = 64;

AioSource& source_of(Port& port) { return *static_cast<AioSource*>(port.source(SourceKind::AIO)); }

// The port of a set, held for the length of a call; nothing once it is closed.
PortRef port_of(AioSet& set, Port** expected) {
	*expected = set.port.load();
	if (!*expected) return {};
	PortRef port = registry::hold(*set.anchor);
	if (port && &*port != *expected) return {};
	return port;
}

// An event less to come. Locked, both.
void expect_less(AioSet& set, Port& port, uint32_t count) {
	set.expected -= count;
	if (set.expected == 0) port.private_add(-1);
}

void forget_events(AioSet& set, uint32_t count) {
	bool unused;
	{
		PrivateLock::Guard guard(set.lock);
		set.expected -= count;
		unused = set.expected == 0 && !set.port.load();
	}
	if (unused)
		if (AioBook* book = AioBook::existing()) book->give_back_set(&set);
}

template <class What>
void with_port(AioSet& set, uint32_t count, What what) {
	Port* expected = nullptr;
	if (PortRef port = port_of(set, &expected)) {
		Port::Guard guard(*port);
		PrivateLock::Guard within(set.lock);
		if (set.port.load() == expected) {
			what(port->region());
			expect_less(set, *port, count);
			return;
		}
	}
	forget_events(set, count);
}

} // namespace

void post_aio_events(AioSet& set, const AioEvent* events, uint32_t count) {
	with_port(set, count, [&](shm::Region& region) {
		for (uint32_t i = 0; i < count; i++) {
			region.slot(events[i].slot).events.store(events[i].code);
			slots::enqueue(region, events[i].slot);
		}
	});
}

void drop_aio_events(AioSet& set, const AioEvent* events, uint32_t count) {
	with_port(set, count, [&](shm::Region& region) {
		for (uint32_t i = 0; i < count; i++) slots::release(region, events[i].slot);
	});
}

Result<AioSet*> AioSource::set_of(Port& port) {
	for (;;) {
		AioSet* set = set_.load(std::memory_order_acquire);
		if (set) return set;
		AioBook* book = AioBook::current();
		const std::atomic<Port*>* anchor = registry::anchor(port);
		if (!anchor) return Error{EBADF}; // closed at this moment
		AioSet* fresh = book ? book->take_set() : nullptr;
		if (!fresh) return Error{ENOMEM};
		{
			PrivateLock::Guard guard(fresh->lock);
			fresh->anchor = anchor;
			fresh->armed.store(false);
			fresh->known.store(false);
			fresh->port.store(&port);
		}
		if (set_.compare_exchange_strong(set, fresh)) return fresh;
		fresh->port.store(nullptr);
		book->give_back_set(fresh);
	}
}

// Before the first request: later nobody could be told that the port can't hear of its end.
Result<void> AioSource::introduce(Port& port, const AioEngine& engine) {
	Result<AioSet*> found = set_of(port);
	if (!found) return Error{found.error()};
	AioSet& set = **found;
	if (set.known.load(std::memory_order_acquire)) [[likely]]
		return {};
	PrivateLock::Guard guard(set.lock);
	if (set.known.load()) return {};
	if (port.internal(engine.fd()) || !engine.whole()) { // closed behind our back
		AioBook::lose(engine);
		return Error{EIO};
	}
	set.armed.store(true); // before it is: a collection that comes in between takes it back
	Result<void> r = port.watch_private(SourceKind::AIO, engine.fd());
	if (r) set.known.store(true, std::memory_order_release);
	return r;
}

uint32_t AioSource::reserve(Port& port, aio::Order* orders, AioEvent* events, uint32_t count) {
	Result<AioSet*> set = set_of(port);
	uint32_t accepted = 0;
	Port::Guard guard(port);
	PrivateLock::Guard within;
	if (set) within.lock((*set)->lock);
	auto let_go_of = [&] { return (*set)->port.load() != &port ? EBADF : 0; }; // at this moment
	int refused = set ? let_go_of() : set.error();
	bool reclaimed = false;
	for (uint32_t i = 0; i < count; i++) {
		aio::Order& order = orders[i];
		events[i] = {};
		if (order.error != 0) continue;
		accepted++;
		if (!order.notify) continue;
		int error = refused;
		uint32_t index = error == 0 ? slots::take(port.region(), &error) : 0;
		if (index == 0 && error == EAGAIN && !reclaimed) {
			within.unlock();
			guard.unlock();
			reclaimed = true;
			(void)port.reclaim();
			guard.lock();
			within.lock((*set)->lock);
			error = refused = let_go_of();
			if (error == 0) index = slots::take(port.region(), &error);
		}
		if (index != 0 && (*set)->expected++ == 0) port.private_add(1);
		if (index == 0) {
			order.error = error;
			accepted--;
			continue;
		}
		Slot& slot = port.region().slot(index);
		slot.source.store(static_cast<uint8_t>(SourceKind::AIO));
		slot.flags.store(0);
		slot.owner.store(port.member());
		slot.object.store(order.object);
		slot.user.store(order.user);
		slot.events.store(order.code);
		slots::publish(port.region(), index, SlotState::CACHED);
		events[i] = {*set, index, order.code};
		order.waits = order.patient && (*set)->expected > 1;
	}
	return accepted;
}

void AioSource::watch(Port& port) {
	AioSet* set = set_.load(std::memory_order_acquire);
	AioBook* book = AioBook::existing();
	AioEngine* engine = book ? book->engine() : nullptr;
	if (!set || !engine) return;
	{
		PrivateLock::Guard guard(set->lock);
		if (set->expected == 0) return;
	}
	if (!set->armed.exchange(true)) port.watch_again(SourceKind::AIO, engine->fd());
}

void AioSource::collect(Port& port) {
	AioSet* set = set_.load(std::memory_order_acquire);
	AioBook* book = AioBook::existing();
	if (!set || !book) return;
	set->armed.store(false);
	book->reap();
	watch(port);
}

bool AioSource::at_hand() {
	if (!set_.load(std::memory_order_acquire)) return false;
	AioBook* book = AioBook::existing();
	return book && book->at_hand();
}

void AioSource::collect_at_hand(Port&) {
	if (AioBook* book = AioBook::existing()) book->reap();
}

bool AioSource::interrupts() {
	AioBook* book = AioBook::existing();
	return book && book->interrupts();
}

void AioSource::close(Port& port) {
	AioSet* set = set_.exchange(nullptr);
	AioBook* book = AioBook::existing();
	if (!set || !book) return;
	bool unused;
	bool known = set->known.load();
	{
		Port::Guard guard(port);
		PrivateLock::Guard within(set->lock);
		set->port.store(nullptr);
		unused = set->expected == 0;
		if (!unused) port.private_add(-1);
	}
	AioEngine* engine = known ? book->engine() : nullptr;
	if (engine && sys::epoll_del(port.inner(), engine->fd()) == EBADF && !engine->whole()) AioBook::lose(*engine);
	if (unused) book->give_back_set(set);
}

std::unique_ptr<Source> make_aio_source() { return std::make_unique<AioSource>(); }

// --- The calls.

namespace aio {

bool in_handler() { return sys::self().critical.load(std::memory_order_relaxed) != 0; }

namespace {

bool refused(Order& order) {
	if (order.io.fd < 0)
		order.error = EBADF;
	else if (order.io.op <= sys::IoOp::WRITEV && static_cast<int64_t>(order.io.offset) < 0)
		order.error = EINVAL;
	else if (static_cast<int64_t>(order.io.length) < 0)
		order.error = EINVAL;
	return order.error != 0;
}

void refuse_all(Order* orders, uint32_t count, int error) {
	for (uint32_t i = 0; i < count; i++)
		if (orders[i].error == 0) orders[i].error = error;
}

uint32_t submit_batch(Port* port, Order* orders, uint32_t count, AioGroup* group) {
	AioEvent events[BATCH];
	uint32_t accepted = 0;
	for (uint32_t i = 0; i < count; i++) accepted += !refused(orders[i]);
	AioBook* book = AioBook::current();
	int error = in_handler() ? EAGAIN : !book ? ENOMEM : 0;
	AioEngine* engine = error == 0 ? book->engine(&error) : nullptr;
	if (error == 0 && port) error = source_of(*port).introduce(*port, *engine).error();
	if (error != 0) {
		refuse_all(orders, count, error);
		return 0;
	}
	if (port) {
		port->collect_armed(); // what was ready before comes before (4.5, 3.1)
		accepted = source_of(*port).reserve(*port, orders, events, count);
	} else {
		for (uint32_t i = 0; i < count; i++) events[i] = {};
	}
	int noted = -1;
	for (uint32_t i = 0; i < count; i++) {
		if (orders[i].error != 0 || orders[i].io.fd == noted) continue;
		noted = orders[i].io.fd;
		registry::note_associated(noted);
	}
	return accepted != 0 ? book->submit(orders, events, count, group) : 0;
}

} // namespace

uint32_t submit(Port* port, Order* orders, uint32_t count, AioGroup* group) {
	uint32_t accepted = 0;
	for (uint32_t i = 0; i < count; i += BATCH)
		accepted += submit_batch(port, orders + i, count - i < BATCH ? count - i : BATCH, group);
	// What the kernel had at hand is done by now: whoever waits sees it through the armed
	// descriptor, whoever comes to wait takes it.
	if (port) source_of(*port).watch(*port);
	if (accepted == 0) return 0;
	AioBook* book = AioBook::existing();
	if (!port || port->shared() || (book && book->unseen())) reap();
	return accepted;
}

void flush() {
	AioBook* book = AioBook::existing();
	if (!book || in_handler()) return;
	book->flush();
	if (book->unseen()) book->reap(); // what was refused: the kernel will not tell
}

Result<void> begin_group(AioGroup& group, Port& port, int32_t code, uint64_t object, uint64_t user) {
	if (in_handler()) return Error{EAGAIN};
	AioBook* book = AioBook::current();
	int error = ENOMEM;
	AioEngine* engine = book ? book->engine(&error) : nullptr;
	if (!engine) return Error{error};
	if (Result<void> r = source_of(port).introduce(port, *engine); !r) return r;
	Order order;
	order.code = code;
	order.object = object;
	order.user = user;
	if (source_of(port).reserve(port, &order, &group.event, 1) == 0) return Error{order.error};
	source_of(port).watch(port); // its members may report elsewhere
	return {};
}

void join_group(AioGroup& group) {
	if (AioBook* book = AioBook::current()) book->join_group(group);
}

void end_group(AioGroup& group) {
	if (AioBook* book = AioBook::current()) book->leave_group(group);
}

bool ended(AioGroup& group) {
	AioBook* book = AioBook::current();
	return !book || book->ended(group);
}

Cancelled cancel(uint64_t id, const void* owner) {
	AioBook* book = AioBook::existing();
	return book ? book->cancel(id, owner, AioRequest::ASKED) : Cancelled::ALL_DONE;
}

Cancelled cancel_descriptor(int fd) {
	AioBook* book = AioBook::existing();
	return book ? book->cancel_descriptor(fd, AioRequest::ASKED) : Cancelled::ALL_DONE;
}

void abandon(uint64_t id, const void* owner) {
	if (AioBook* book = AioBook::existing()) (void)book->cancel(id, owner, AioRequest::FOR_GOOD);
}

bool in_flight(uint64_t id, const void* owner) {
	AioBook* book = AioBook::existing();
	return book && book->in_flight(id, owner);
}

void reap() {
	AioBook* book = AioBook::existing();
	if (book && !in_handler()) book->reap();
}

int wait_until(bool (*done)(void* data), void* data, const Deadline& deadline) {
	if (in_handler()) return EAGAIN;
	AioBook* book = AioBook::current();
	return book ? book->wait_until(done, data, deadline) : ENOMEM;
}

EngineInfo engine() {
	AioBook* book = AioBook::current();
	if (!book) return {EngineKind::NONE, ENOMEM, "no memory"};
	return book->info();
}

} // namespace aio
} // namespace evp
