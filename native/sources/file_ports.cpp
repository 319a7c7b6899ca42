// The hub's descriptors, and the ports they are registered with: a port is told of notes while a
// watch of it is armed.

#include "core/port.hpp"
#include "core/registry.hpp"
#include "core/tags.hpp"
#include "sources/file_hub.hpp"
#include "sys/mounts.hpp"

#include <algorithm>
#include <cerrno>

namespace evp::file {

namespace {

// A change is priority data; POLLERR comes with it unasked.
constexpr uint32_t MOUNTS_EVENTS = sys::EPOLL_PRIORITY | sys::EPOLL_ONESHOT;

void close_descriptor(sys::UniqueFd& fd) {
	if (fd.get() >= 0) registry::note_internal(fd.get(), false);
	fd.reset();
}

sys::UniqueFd place(sys::UniqueFd fd) {
	sys::UniqueFd placed = sys::move_high(std::move(fd));
	registry::note_internal(placed.get(), true);
	return placed;
}

} // namespace

// Nothing can be registered twice in a set (hazard 13).
bool Hub::holds_notes(Port& port) {
	if (!port.whole()) return false;
	if (sys::epoll_add(port.inner(), notes_.get(), sys::EPOLL_ONESHOT, TAG_PROBE) == EEXIST) return true;
	sys::epoll_del(port.inner(), notes_.get());
	return false;
}

void Hub::lose() {
	int fds[] = {notes_.release(), mounts_.release(), mounts_wake_.release()};
	registry::lost_internals(fds, 3);
}

Result<void> Hub::open(Port& port) {
	if (served(&port)) return {};
	if (notes_.get() >= 0 && !std::ranges::any_of(ports_, [&](Served& with) { return holds_notes(*with.port); })) {
		lose();
		watches_.each([&](Watch& watch) { drop(&watch); });
		ports_.clear();
		removed_ = false;
	}
	if (notes_.get() < 0) {
		Result<sys::UniqueFd> made = sys::inotify_make();
		if (!made) return Error{made.error()};
		notes_ = place(std::move(*made));
	}
	ports_.reserve(ports_.size() + 1);
	if (Result<void> r = port.watch_private(SourceKind::FILE, notes_.get()); !r) return r;
	ports_.push_back({&port});
	resting_ = true; // until it has an armed watch
	return {};
}

// Two files: an event on one is eaten by whoever polls it, be it through nested
// sets; the other is asked at each collection and by nobody else.
Result<void> Hub::open_mounts(Port& port) {
	if (mounts_.get() < 0) {
		sys::UniqueFd fds[2]; // both or none
		for (sys::UniqueFd& fd : fds) {
			Result<sys::UniqueFd> made = sys::mounts_open();
			if (!made) return made.error() == ENOENT ? Result<void>() : Error{made.error()}; // no /proc
			fd = std::move(*made);
		}
		mounts_wake_ = place(std::move(fds[0]));
		mounts_ = place(std::move(fds[1]));
		mounts_id_ = sys::file_id(mounts_.get());
	}
	int rc = sys::epoll_add(port.inner(), mounts_wake_.get(), MOUNTS_EVENTS,
	                        tag_private(SourceKind::FILE, port.member()));
	if (rc != 0 && rc != EEXIST) return Error{rc};
	port.insist(SourceKind::FILE, true);
	return {};
}

void Hub::close(Port& port) {
	Served* mine = served(&port);
	if (!mine) return;
	ports_.erase(ports_.begin() + (mine - ports_.data()));
	port.insist(SourceKind::FILE, false);
	bool ours = sys::epoll_del(port.inner(), notes_.get()) == 0;
	if (mounts_wake_.get() >= 0) sys::epoll_del(port.inner(), mounts_wake_.get());
	if (ports_.empty() && !ours) lose();
	if (ports_.empty()) // and every wd goes at once
		for (sys::UniqueFd* fd : {&notes_, &mounts_, &mounts_wake_}) close_descriptor(*fd);
	watches_.each([&](Watch& watch) {
		if (watch.port == &port) drop(&watch);
	});
}

Hub::Served* Hub::served(const Port* port) {
	if (served_last_ < ports_.size() && ports_[served_last_].port == port) return &ports_[served_last_];
	for (size_t i = 0; i < ports_.size(); i++) {
		if (ports_[i].port != port) continue;
		served_last_ = i;
		return &ports_[i];
	}
	return nullptr;
}

void Hub::set_armed(Watch& watch, bool armed) {
	if (watch.armed == armed) return;
	watch.armed = armed;
	Served* port = served(watch.port);
	if (!port) return; // it is being closed
	port->armed += armed ? 1 : -1;
	resting_ |= port->armed == 0;
}

void Hub::arm(Served& served) {
	Port& port = *served.port;
	served.told = true;
	port.watch_again(SourceKind::FILE, notes_.get());
	if (mounts_wake_.get() < 0) return;
	uint64_t tag = tag_private(SourceKind::FILE, port.member());
	if (sys::epoll_mod(port.inner(), mounts_wake_.get(), MOUNTS_EVENTS, tag) == ENOENT)
		(void)sys::epoll_add(port.inner(), mounts_wake_.get(), MOUNTS_EVENTS, tag);
}

void Hub::tell(Port& port) {
	Served* to = served(&port);
	if (to && to->armed != 0 && !to->told) arm(*to);
}

void Hub::rest() {
	resting_ = false;
	for (Served& served : ports_) {
		if (served.armed != 0 || !served.told) continue;
		served.told = false;
		served.port->watch_paused(SourceKind::FILE, notes_.get());
		// Its errors would be told all the same.
		if (mounts_wake_.get() >= 0) sys::epoll_del(served.port->inner(), mounts_wake_.get());
	}
}

} // namespace evp::file
