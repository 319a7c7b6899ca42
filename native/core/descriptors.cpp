// The descriptors behind a port's number: taken over as they arrive from elsewhere, told apart from
// others, kept over exec, given up where they were closed behind our back.

#include "core/port.hpp"
#include "core/registry.hpp"
#include "core/tags.hpp"
#include "sys/epoll_info.hpp"
#include "sys/eventfd.hpp"

#include <cerrno>

namespace evp {

using shm::Header;

namespace {

bool holds_tag(int set, uint64_t tag) {
	bool found = false;
	sys::each_registered(set, [&](int, uint64_t seen) {
		found = seen == tag;
		return !found;
	});
	return found;
}

} // namespace

// The same as holds_tag() where the system doesn't show what a set holds: the bell's own
// readiness does, for a moment in which others may wake in vain.
bool Port::rings_in(int set, int bell) {
	Header& header = region_.header();
	uint64_t tag = header.bell_tag.load();
	auto rings = [&] {
		sys::Ready ready[4];
		int count = sys::epoll_collect(set, ready, 4, sys::Deadline::now());
		for (int i = 0; i < count; i++)
			if (ready[i].data == tag) return true;
		return false;
	};
	if (rings()) return true;
	sys::eventfd_raise(bell);
	bool found = rings();
	uint32_t version = header.bell_version.load_acquire();
	make_level(bell, header.bell_high.load() != 0, version);
	return found;
}

void Port::known_internals(bool on) {
	int fds[4];
	internals(fds);
	for (int fd : fds) registry::note_internal(fd, on);
}

Result<std::unique_ptr<Port>> Port::from_parts(int number, PortParts& parts, Arrival how) {
	std::unique_ptr<Port> port(new (std::nothrow) Port);
	if (!port) return Error{ENOMEM};
	if (Result<void> r = port->region_.attach(parts.region.get()); !r) return Error{r.error()};
	if (how == Arrival::ORIGINALS && port->of_another_copy()) return Error{EBADMSG};
	Header& header = port->region_.header();
	if (!sys::is_epoll(number) || !sys::is_epoll(parts.inner.get())) return Error{EBADMSG};
	for (int bell : {parts.bell.get(), parts.kick.get()})
		if (!sys::eventfd_usable(bell, sys::file_id(parts.inner.get()))) return Error{EBADMSG};
	bool shown = sys::shows_registered(number);
	if (shown ? !holds_tag(number, header.bell_tag.load()) : !port->rings_in(number, parts.bell.get()))
		return Error{EBADMSG};
	port->originals_ = how == Arrival::ORIGINALS;
	port->strict_ = header.strict.load() != 0;
	auto place = [&](sys::UniqueFd& fd) {
		return port->originals_ ? std::move(fd) : sys::move_high(std::move(fd));
	};
	port->inner_ = place(parts.inner);
	port->bell_ = place(parts.bell);
	port->kick_ = place(parts.kick);
	port->region_.own(place(parts.region));
	if (int error = shown ? 0 : port->leave_proof(number); error != 0) return Error{error};
	if (int error = port->enter(sys::self()); error != 0) return Error{error};
	return port;
}

// Something of this process in the outer set, to know it by: where it is not shown what is in there.
// It goes from there with the process.
int Port::leave_proof(int set) {
	Result<sys::UniqueFd> made = sys::eventfd_create();
	if (!made) return made.error();
	proof_ = sys::move_high(std::move(*made));
	registry::note_internal(proof_.get(), true);
	return sys::epoll_add(set, proof_.get(), 0, TAG_PROOF);
}

bool Port::same_port(int fd) const {
	uint64_t tag = region_.header().bell_tag.load();
	// The outer set of this port, and no other, holds this bell: a re-arm that
	// changes nothing succeeds there and gives ENOENT or EINVAL elsewhere.
	if (originals_) return sys::epoll_mod(fd, bell_.get(), sys::EPOLL_READABLE, tag) == 0;
	if (proof_.get() >= 0) return sys::epoll_mod(fd, proof_.get(), 0, TAG_PROOF) == 0;
	return holds_tag(fd, tag);
}

bool Port::same_region(int fd) const { return sys::same_file(fd, region_.fd()); }
void Port::held_again() { (void)region_.hold_member(member_); }

void Port::keep_over_exec(bool on) {
	int fds[4];
	internals(fds);
	for (int fd : fds) (void)sys::set_cloexec(fd, !on || !originals_);
}

void Port::internals(int fds[4]) const {
	fds[0] = inner_.get(); // in the order of PortParts
	fds[1] = bell_.get();
	fds[2] = kick_.get();
	fds[3] = region_.fd();
}

bool Port::internal(int fd) const {
	return fd == inner_.get() || fd == bell_.get() || fd == kick_.get() || fd == region_.fd();
}

bool Port::whole() const {
	if (!region_.intact() || !sys::same_file(bell_.get(), kick_.get())) return false; // all such have one inode
	return originals_ ? sys::epoll_mod(inner_.get(), kick_.get(), sys::EPOLL_READABLE | sys::EPOLL_EDGE, TAG_KICK) == 0
	                  : sys::same_file(inner_.get(), kick_.get());
}

void Port::lose_internals() {
	for (sys::UniqueFd* fd : {&inner_, &bell_, &kick_}) (void)fd->release();
	region_.lose();
	int proof = proof_.release();
	registry::lost_internals(&proof, 1);
}

void Port::lose_to(const Port& newer) {
	for (sys::UniqueFd* fd : {&inner_, &bell_, &kick_})
		if (newer.internal(fd->get())) (void)fd->release();
	if (newer.internal(region_.fd())) region_.lose();
}

} // namespace evp
