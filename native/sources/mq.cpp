#include "sources/mq.hpp"

#include "core/registry.hpp"
#include "sources/dispatch.hpp"

#include <cerrno>
#include <mutex>
#include <new>
#include <unordered_map>

namespace evp::mq {

namespace {

struct Registration {
	mqd_t queue;
	Port* port; // compared only: it is held by its anchor
	const std::atomic<Port*>* anchor;
	uint64_t user;
};

// Of one process image; a child has none of its parent's.
struct Table {
	uint64_t image = 0;
	Table* inherited = nullptr; // unused, and not lost
	std::mutex lock;
	std::unordered_map<mqd_t, Registration*> registered; // null: with libc
};

Table* table() {
	static std::atomic<Table*> newest{nullptr};
	for (;;) {
		Table* now = newest.load(std::memory_order_acquire);
		if (now && now->image == sys::process_epoch()) return now;
		auto* fresh = new Table; // the parent's stays: somebody may have held its lock
		fresh->image = sys::process_epoch();
		fresh->inherited = now;
		if (!newest.compare_exchange_strong(now, fresh)) delete fresh;
	}
}

// Locked.
void forget(Table& all, mqd_t queue) {
	auto found = all.registered.find(queue);
	if (found == all.registered.end()) return;
	delete found->second;
	all.registered.erase(found);
}

// A message has come; the kernel has ended the registration.
void arrived(sigval value) {
	Table& all = *table();
	Registration seen;
	{
		std::lock_guard guard(all.lock);
		auto* registration = static_cast<Registration*>(value.sival_ptr);
		auto found = all.registered.begin();
		while (found != all.registered.end() && found->second != registration) ++found;
		if (found == all.registered.end()) return; // closed or replaced meanwhile
		seen = *registration;
		forget(all, found->first);
	}
	PortRef port = registry::hold(*seen.anchor);
	if (!port || &*port != seen.port) return;
	Result<void> posted;
	do {
		posted = dispatch::post(*port, -1, SourceKind::MQ, false, 0, static_cast<uint64_t>(seen.queue),
		                        seen.user);
	} while (posted.error() == EINTR);
}

} // namespace

Result<void> watch(mqd_t queue, int number, uint64_t user, Notify libc) {
	int error = 0;
	PortRef port = registry::find(number, &error);
	if (!port) return Error{error == EBADFD ? EBADF : error};
	const std::atomic<Port*>* anchor = registry::anchor(*port);
	auto* registration = new (std::nothrow) Registration{queue, &*port, anchor, user};
	if (!registration || !anchor) {
		delete registration;
		return Error{ENOMEM};
	}
	sigevent event{};
	event.sigev_notify = SIGEV_THREAD;
	event.sigev_notify_function = arrived;
	event.sigev_value.sival_ptr = registration;
	Table& all = *table();
	std::lock_guard guard(all.lock); // its message may come before this returns
	if (libc(queue, &event) != 0) {
		error = errno;
		delete registration;
		return Error{error};
	}
	forget(all, queue);
	all.registered[queue] = registration;
	return {};
}

Result<void> pass_on(mqd_t queue, const sigevent* event, Notify libc) {
	Table& all = *table();
	std::lock_guard guard(all.lock);
	bool registered = all.registered.count(queue) != 0;
	if (libc(queue, event) != 0) return Error{errno};
	if (!event && !registered) return Error{EBUSY};
	forget(all, queue);
	if (event) all.registered[queue] = nullptr;
	return {};
}

void closing(mqd_t queue) {
	Table& all = *table();
	std::lock_guard guard(all.lock);
	forget(all, queue);
}

} // namespace evp::mq
