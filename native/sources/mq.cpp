#include "sources/mq.hpp"

#include "core/registry.hpp"
#include "sources/mq_source.hpp"
#include "sys/fd.hpp"
#include "sys/mq_notice.hpp"

#include <cerrno>
#include <new>

namespace evp::mq {

using sys::PrivateLock;

namespace {

bool in_handler() { return sys::self().critical.load(std::memory_order_relaxed) != 0; }

PortRef port_of(const Port* expected, const std::atomic<Port*>* anchor) {
	PortRef port = expected ? registry::hold(*anchor) : PortRef();
	if (port && &*port != expected) return {};
	return port;
}

// Takes in what the kernel has said of this process's registrations with a queue.
void catch_up(Table& table, mqd_t queue) {
	for (uint64_t id = 0;;) {
		Port* port;
		const std::atomic<Port*>* anchor;
		{
			PrivateLock::Guard guard(table.lock);
			Registration* found = table.next(queue, id);
			if (!found) return;
			id = found->id;
			port = found->how == How::SOCKET ? found->port : nullptr;
			anchor = found->anchor;
		}
		if (PortRef held = port_of(port, anchor))
			(void)static_cast<MqSource*>(held->source(SourceKind::MQ))->read(*held);
	}
}

// By another descriptor of the queue: the kernel, which asks for the process only, would end it.
// Locked.
bool another_has(Table& table, mqd_t queue) {
	bool found = false;
	table.each([&](const Registration& registration) {
		if (found || registration.queue == queue || registration.how == How::OTHER) return;
		found = sys::same_file(registration.queue, queue);
	});
	return found;
}

} // namespace

Result<void> watch(mqd_t queue, int number, uint64_t user) {
	if (in_handler()) return Error{EAGAIN};
	int error = 0;
	PortRef port = registry::find(number, &error);
	if (!port) return Error{error == EBADFD ? EBADF : error};
	Result<void> asked = static_cast<MqSource*>(port->source(SourceKind::MQ))->ask(*port, queue, user);
	if (Table* table = asked ? Table::current() : nullptr) table->forget(queue);
	return asked;
}

Result<void> refuse(mqd_t queue) {
	int error = sys::notice_free(queue); // Linux tests the kind first
	return Error{error == 0 ? EINVAL : error};
}

Result<void> pass_on(mqd_t queue, const sigevent* event, Notify libc) {
	if (in_handler()) return Error{EAGAIN};
	Table* table = Table::current();
	Owned made(event ? new (std::nothrow) Registration{queue, How::OTHER, 0, nullptr, nullptr} : nullptr);
	if (!table || (event && !made)) return Error{ENOMEM};
	catch_up(*table, queue); // one that has fired is none
	bool registered;
	{
		PrivateLock::Guard guard(table->lock);
		registered = table->has(queue);
		if (!event && !registered && another_has(*table, queue)) return Error{EBUSY};
	}
	if (libc(queue, event) != 0) return Error{errno};
	if (!event && !registered) return Error{EBUSY};
	table->forget(queue);
	catch_up(*table, queue);
	if (made) {
		PrivateLock::Guard guard(table->lock);
		table->add(std::move(made));
	}
	return {};
}

Result<void> close(mqd_t queue, Close libc) {
	Table* table = in_handler() ? nullptr : Table::current();
	if (table) table->forget(queue);
	if (libc(queue) != 0) return Error{errno};
	if (table) catch_up(*table, queue);
	return {};
}

} // namespace evp::mq
