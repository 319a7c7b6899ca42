#include "core/port.hpp"

#include "core/registry.hpp"
#include "core/tags.hpp"
#include "sys/eventfd.hpp"
#include "sys/futex.hpp"
#include "sys/process.hpp"

#include <cerrno>

namespace evp {

using shm::Header;

namespace {

constexpr uint32_t DEFAULT_EVENTS = 65536; // process.max-port-events (12.1)

} // namespace

// --- Making and unmaking.

Result<std::unique_ptr<Port>> Port::make(const PortOptions& options) {
	uint32_t limit = options.limit;
	if (limit == 0) limit = sys::environment_number("PORT_MAX_EVENTS", 1, shm::MAX_LIMIT, DEFAULT_EVENTS);
	if (limit > shm::MAX_LIMIT) return Error{EINVAL};
	std::unique_ptr<Port> port(new (std::nothrow) Port);
	if (!port) return Error{ENOMEM};

	// The number first: it is the lowest free descriptor (2.1.1).
	Result<sys::UniqueFd> outer = sys::epoll_make(options.cloexec);
	if (!outer) return Error{outer.error()};
	port->outer_ = std::move(*outer);
	Result<sys::UniqueFd> inner = sys::epoll_make();
	if (!inner) return Error{inner.error()};
	bool cloexec = options.cloexec;
	port->inner_ = sys::move_high(std::move(*inner), cloexec);
	for (sys::UniqueFd* bell : {&port->bell_, &port->kick_}) {
		Result<sys::UniqueFd> made = sys::eventfd_create();
		if (!made) return Error{made.error()};
		*bell = sys::move_high(std::move(*made), cloexec);
	}
	if (Result<void> r = port->region_.create(limit, cloexec); !r) return Error{r.error()};
	// From here on the number leads to them: another thread that guesses it must not take
	// them for a port that came through exec (ticket.cpp).
	port->known_internals(true);
	if (int error = port->link(); error != 0) {
		port->known_internals(false);
		return Error{error};
	}
	return port;
}

// Puts the parts of a new port together; this process is its first member. 0 or an errno.
int Port::link() {
	const sys::Identity& me = sys::identity();
	static std::atomic<uint32_t> made{0};
	uint32_t id = static_cast<uint32_t>(me.chance >> 7) + made.fetch_add(1, std::memory_order_relaxed);
	Header& header = region_.header();
	header.bell_tag.store(tag_bell(id, me.pid));
	int rc = sys::epoll_add(outer_.get(), bell_.get(), sys::EPOLL_READABLE, header.bell_tag.load());
	if (rc == 0)
		rc = sys::epoll_add(outer_.get(), inner_.get(), sys::EPOLL_READABLE, tag_inner(region_.fd()));
	if (rc == 0)
		rc = sys::epoll_add(inner_.get(), kick_.get(), sys::EPOLL_READABLE | sys::EPOLL_EDGE, TAG_KICK);
	if (rc != 0) return sys::used_up(rc);

	strict_ = sys::environment_number("PORT_STRICT", 0, 1, 0) == 1;
	header.strict.store(strict_);
	header.uid.store(sys::user_id());
	header.gid.store(sys::group_id());
	header.created_ns.store(sys::realtime_ns());
	return enter(sys::self());
}

Port::~Port() {
	if (is_member()) leave();
	if (proof_.get() >= 0) registry::note_internal(proof_.get(), false);
}

// --- The critical section.

// The word was taken where a death has to be made good, or a thread is favoured, or none yet.
void Port::entered(sys::Thread& thread, bool inherited) {
	shm::LockWords& words = region_.header().lock;
	uint32_t favoured = words.favoured.load();
	if (favoured != 0 && favoured != shm::FOR_ALL) {
		favourite_.store(nullptr, std::memory_order_relaxed);
		if (shm::withdraw(words, *this)) inherited = true;
	} else if (favoured == 0 && member_ != 0) {
		if (shared() || !sys::fence_reaches()) {
			words.favoured.store(shm::FOR_ALL);
		} else {
			shm::favour(words, thread, member_);
			favourite_.store(&thread, std::memory_order_relaxed);
		}
	}
	if (inherited) repair();
}

void Port::Guard::unlock_settling(Port& port, sys::Thread& thread, waiters::Wakes wakes) {
	if (thread.collecting != &port) waiters::settle(port.region_, wakes);
	bool tell = port.watched_.load(std::memory_order_relaxed) && port.region_.header().queued.load() != 0;
	shm::unlock(port.region_.header().lock, thread);
	if (wakes.any()) port.fire(wakes);
	after_unlock(port, thread);
	if (tell) port.tell_watchers(false);
}

void Port::Guard::after_unlock(Port& port, sys::Thread& thread) {
	if (port.after_.load(std::memory_order_relaxed) != 0) port.run_after();
	if (thread.deferred_count.load(std::memory_order_relaxed) != 0) sys::run_deferred(thread);
}

// A leader may wake for another reason and be gone before its kick is raised: a kick that nobody
// needs any more would keep the port readable. What is raised for the next leader meanwhile may be
// lowered with it, and is raised again.
void Port::kick() {
	const shm::Cell<uint32_t>& kicked = region_.header().kicked;
	do {
		sys::eventfd_raise(kick_.get());
		if (kicked.load() != 0) return;
		sys::eventfd_lower(kick_.get());
	} while (kicked.load() != 0);
}

void Port::unkick() {
	sys::eventfd_lower(kick_.get());
	if (region_.header().kicked.load() != 0) kick();
}

// Lowered also where it was just taken from the inner set: another may have been raised since.
// So every kick is lowered after it was raised, by whoever makes `kicked` 0 or by its raiser.
void Port::take_kick(Guard& guard) {
	region_.header().kicked.store(0);
	guard.wakes().asked |= waiters::Wakes::UNKICK;
}

// Makes the doorbell's level what it should be. Raising and lowering of several threads may
// overtake one another outside the lock: whoever finds its change outdated makes the newest once
// more.
void Port::make_level(int bell, bool high, uint32_t made) {
	Header& header = region_.header();
	for (;;) {
		high ? sys::eventfd_raise(bell) : sys::eventfd_lower(bell);
		uint32_t newest = header.bell_version.load_acquire();
		if (newest == made) {
			header.bell_made.store(made);
			return;
		}
		made = newest;
		high = header.bell_high.load() != 0;
	}
}

// A waiter that was called is about to sleep, and then comes at once. Or a signal handler runs over its sleep, or
// has left it, and nobody knows for how long: a leader is appointed without it.
void Port::not_asleep(uint32_t waiter) {
	Header& header = region_.header();
	if (header.handed.load() != waiter) return;
	region_.waiter(waiter).awake.store(1);
	sys::full_fence(); // whoever leaves the lead from here on sees that
	if (header.leader.load() == 0 && header.pollable.load() != 0) Guard guard(*this);
}

void Port::fire(const waiters::Wakes& wakes) {
	using waiters::Wakes;
	Header& header = region_.header();
	for (uint32_t i = 0; i < wakes.count; i++)
		if (!sys::futex_wake(region_.waiter(wakes.futex[i]).word.word(), 1)) not_asleep(wakes.futex[i]);
	if (wakes.asked & Wakes::KICK) kick();
	if (wakes.asked & Wakes::UNKICK) unkick();
	if (wakes.asked & Wakes::SLOTS) sys::futex_wake(header.used.word(), INT32_MAX);
	if (wakes.asked & Wakes::ALL) {
		uint32_t used = header.waiter_fresh.load();
		for (uint32_t i = 1; i < used && i < shm::MAX_WAITERS; i++)
			if (region_.waiter(i).word.load() & (shm::SIGNAL_ALERT | shm::SIGNAL_LOOK))
				sys::futex_wake(region_.waiter(i).word.word(), 1);
	}
	header.wakeups.fetch_add(wakes.count + (wakes.asked & Wakes::KICK ? 1 : 0));
	if (!(wakes.asked & Wakes::BELL)) return;
	make_level(bell_.get(), wakes.asked & Wakes::BELL_HIGH, wakes.bell_version);
}

// --- Sources.

bool Port::reclaim() {
	bool freed = bury_dead();
	for (auto& handler : sources_)
		if (handler && handler->reclaim(*this)) freed = true;
	return freed;
}

Result<void> Port::dissociate(SourceKind kind, uint64_t object) {
	Source* handler = source(kind);
	if (!handler) return Error{EINVAL};
	if (sys::self().critical.load(std::memory_order_relaxed)) return Error{EAGAIN};
	return handler->dissociate(*this, object);
}

uint32_t Port::associate_list(SourceKind kind, Association* list, uint32_t count) {
	Source* handler = source(kind);
	int refused = !handler ? EINVAL : sys::self().critical.load(std::memory_order_relaxed) ? EAGAIN : 0;
	if (refused == 0) return handler->associate_list(*this, list, count);
	for (uint32_t i = 0; i < count; i++) list[i].error = refused;
	return 0;
}

void Port::fd_closing(int fd) {
	for (auto& handler : sources_)
		if (handler) handler->descriptor_closing(*this, fd);
}

std::atomic<bool> Source::kernel_works{false};
Result<void> Source::associate(Port&, uint64_t, int32_t, uint64_t) { return Error{EINVAL}; }
Result<void> Source::dissociate(Port&, uint64_t) { return Error{EINVAL}; }
uint32_t Source::associate_list(Port& port, Association* list, uint32_t count) {
	uint32_t done = 0;
	for (uint32_t i = 0; i < count; i++) {
		list[i].error = associate(port, list[i].object, list[i].events, list[i].user).error();
		done += list[i].error == 0;
	}
	return done;
}

void Port::set_source(SourceKind kind, std::unique_ptr<Source> source) {
	sources_[static_cast<int>(kind)] = std::move(source);
}

void Port::sources_set() {
	if (!resumed_) return;
	for (auto& handler : sources_)
		if (handler) handler->resume(*this);
}

void Port::private_add(int amount) {
	shm::Member& record = region_.member(member_);
	int64_t now = static_cast<int64_t>(record.watching.load()) + amount;
	record.watching.store(now < 0 ? 0 : static_cast<uint32_t>(now));
	pollable_add(amount);
}

void Port::call_after(SourceKind kind) {
	after_.fetch_or(1u << static_cast<int>(kind), std::memory_order_relaxed);
}

void Port::run_after() {
	uint32_t asked = after_.exchange(0, std::memory_order_relaxed);
	for (int kind = 0; kind < SOURCE_KINDS; kind++)
		if (asked & 1u << kind && sources_[kind]) sources_[kind]->after(*this);
}

// --- What can be seen of it.

uint32_t Port::count() {
	if (sys::self().critical.load(std::memory_order_relaxed)) return region_.header().queued.load();
	if (kick_left(0)) {
		Guard guard(*this);
		if (kick_left(0)) take_kick(guard);
	}
	if (region_.header().pollable.load() != 0 || ready_in_vain()) collect_now();
	if (region_.header().queued.load() != 0) tidy_after_dead(); // events go with who owned them
	return region_.header().queued.load();
}

PortInfo Port::info() {
	Header& header = region_.header();
	if (!sys::self().critical.load(std::memory_order_relaxed)) tidy_after_dead();
	PortInfo info{};
	info.limit = region_.limit();
	info.slots = header.used.load();
	info.queued = header.queued.load();
	info.waiters = header.waiter_count.load();
	info.members = header.member_count.load();
	info.alert = header.alert_events.load();
	for (int i = 0; i < SOURCE_KINDS; i++) info.delivered[i] = header.delivered[i].load();
	info.wakeups = header.wakeups.load();
	info.uid = header.uid.load();
	info.gid = header.gid.load();
	info.created_ns = header.created_ns.load();
	return info;
}

} // namespace evp
