#include "sources/mq_source.hpp"

#include "core/registry.hpp"
#include "core/slots.hpp"
#include "sources/mq.hpp"
#include "sys/mq_notice.hpp"
#include "sys/no_memory.hpp"

#include <cerrno>
#include <new>

namespace evp::mq {

using shm::Slot;
using shm::SlotState;
using sys::PrivateLock;

MqSource::Box::~Box() { registry::give_up_internal(fd, sys::is_notices(fd.get())); }

std::shared_ptr<MqSource::Box> MqSource::box(Table& table) {
	PrivateLock::Guard guard(table.lock);
	return box_;
}

Result<std::shared_ptr<MqSource::Box>> MqSource::need_box(Port& port, Table& table) {
	if (std::shared_ptr<Box> known = box(table)) return known;
	uint32_t room = 0;
	Result<sys::UniqueFd> socket = sys::notices_make(&room);
	if (!socket) {
		bool full = socket.error() == EMFILE || socket.error() == ENFILE;
		return Error{full ? socket.error() : ENOSYS}; // what libc says without netlink
	}
	using Made = Result<std::shared_ptr<Box>>;
	Made made = sys::or_no_memory([]() -> Made { return std::make_shared<Box>(); });
	if (!made) return Error{made.error()};
	std::shared_ptr<Box> fresh = std::move(*made);
	fresh->fd = sys::move_high(std::move(*socket));
	fresh->room = room;
	registry::note_internal(fresh->fd.get(), true);
	if (Result<void> watched = port.watch_private(SourceKind::MQ, fresh->fd.get()); !watched)
		return Error{ENOMEM};
	PrivateLock::Guard guard(table.lock);
	if (!box_) box_ = std::move(fresh);
	return box_;
}

// The slot and the record, before the kernel is asked: it may answer at once.
// 0 or errno; EBADF: the socket is the port's no more.
int MqSource::reserve(Port& port, Table& table, const std::shared_ptr<Box>& box, Owned& made, uint64_t* id) {
	shm::Region& region = port.region();
	Port::Guard guard(port);
	PrivateLock::Guard within(table.lock);
	if (box_ != box) return EBADF; // let go of at this moment
	if (box->pending >= box->room) return EAGAIN;
	int error = 0;
	uint32_t index = slots::take(region, &error);
	if (index == 0) return error;
	Slot& slot = region.slot(index);
	slot.source.store(static_cast<uint8_t>(SourceKind::MQ));
	slot.flags.store(0);
	slot.owner.store(port.member());
	slot.object.store(static_cast<uint64_t>(made->queue));
	slot.user.store(made->user);
	slot.events.store(0);
	slots::publish(region, index, SlotState::CACHED);
	if (box->pending++ == 0) port.private_add(1);
	made->slot = index;
	*id = table.add(std::move(made));
	return 0;
}

Result<void> MqSource::ask(Port& port, mqd_t queue, uint64_t user) {
	Table* table = Table::current();
	const std::atomic<Port*>* anchor = registry::anchor(port);
	if (!anchor) return Error{EBADF}; // closed at this moment
	Owned made(new (std::nothrow) Registration{queue, How::SOCKET, user, &port, anchor});
	if (!table || !made) return Error{ENOMEM};
	uint64_t id = 0;
	for (bool reclaimed = false;;) {
		Result<std::shared_ptr<Box>> box = need_box(port, *table);
		if (!box) return Error{box.error()};
		int error = reserve(port, *table, *box, made, &id);
		if (error == EBADF) continue;
		if (error == EAGAIN && !reclaimed && port.reclaim()) {
			reclaimed = true;
			continue;
		}
		if (error == 0) {
			error = sys::notice_ask((*box)->fd.get(), queue, id);
			if (error != 0) (void)ended(port, *table, id, false);
		}
		if (error != 0) return Error{error};
		return {};
	}
}

// True: its slot is free again.
bool MqSource::ended(Port& port, Table& table, uint64_t id, bool arrived) {
	Owned registration;
	shm::Region& region = port.region();
	Port::Guard guard(port);
	PrivateLock::Guard within(table.lock);
	registration = table.take(id);
	if (!registration || registration->how != How::SOCKET || registration->port != &port) return false;
	if (box_ && --box_->pending == 0) port.private_add(-1);
	Slot& slot = region.slot(registration->slot);
	bool ours = slot.state.load() == SlotState::CACHED && slot.owner.load() == port.member() &&
	            slot.source.load() == static_cast<uint8_t>(SourceKind::MQ);
	if (!ours) return false; // a peer scribbled on it
	if (arrived)
		slots::enqueue(region, registration->slot);
	else
		slots::release(region, registration->slot);
	return !arrived;
}

bool MqSource::read(Port& port) {
	Table* table = Table::current();
	std::shared_ptr<Box> from = table ? box(*table) : nullptr;
	if (!from) return false;
	bool freed = false;
	sys::Notice notice{};
	while (sys::notice_read(from->fd.get(), &notice))
		if (ended(port, *table, notice.id, notice.arrived)) freed = true;
	return freed;
}

void MqSource::collect(Port& port) {
	Table* table = Table::current();
	std::shared_ptr<Box> from = table ? box(*table) : nullptr;
	if (!from) return;
	(void)read(port);
	port.watch_again(SourceKind::MQ, from->fd.get());
}

void MqSource::close(Port& port) {
	Table* table = Table::current();
	if (!table) return;
	std::shared_ptr<Box> gone;
	{
		PrivateLock::Guard guard(table->lock);
		gone = std::move(box_);
		table->each([&](Registration& registration) {
			if (registration.port != &port || registration.how != How::SOCKET) return;
			registration.how = How::LOST;
			registration.slot = 0;
		});
	}
	if (gone && sys::epoll_del(port.inner(), gone->fd.get()) == EBADF) registry::give_up_internal(gone->fd, false);
}

std::unique_ptr<Source> make_source() { return std::make_unique<MqSource>(); }

} // namespace evp::mq
