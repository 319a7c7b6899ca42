#include "core/ticket.hpp"

#include "core/registry.hpp"
#include "core/tags.hpp"
#include "sys/epoll_info.hpp"
#include "sys/passing.hpp"
#include "sys/process.hpp"

#include <cerrno>

namespace evp::ticket {

namespace {

struct Letter {
	uint32_t magic;
	uint32_t version;
	uint32_t limit;
	uint32_t strict;
};
constexpr uint32_t MAGIC = 0x74507654; // "TvPt"
constexpr int PARTS = 5; // the outer set, and the others as Port::internals() has them

} // namespace

Result<int> make(Port& port, int number) {
	// The number may be closed at any time, and be another file then.
	Result<sys::UniqueFd> outer = sys::duplicate(number);
	if (!outer) return Error{outer.error()};
	if (!port.same_port(outer->get())) return Error{EBADF};
	int fds[PARTS] = {outer->get()};
	port.internals(fds + 1);
	Letter letter{MAGIC, shm::VERSION, port.region().limit(), port.strict()};
	Result<sys::UniqueFd> made = sys::parcel(&letter, sizeof letter, fds, PARTS);
	if (!made) return Error{made.error()};
	port.region().header().ticketed.store(1);
	return made->release();
}

Result<int> redeem(int ticket, bool cloexec) {
	Letter letter{};
	sys::UniqueFd fds[PARTS];
	Result<sys::Peeked> peeked = sys::peek_parcel(ticket, &letter, sizeof letter, fds, PARTS);
	if (!peeked) return Error{peeked.error()};
	if (peeked->size < 2 * sizeof(uint32_t) || letter.magic != MAGIC) return Error{EINVAL};
	if (letter.version != shm::VERSION) return Error{EPROTO};
	// Fewer descriptors than were sent: there was no room for them in this process.
	if (peeked->truncated && peeked->count < PARTS) return Error{EMFILE};
	if (peeked->size != sizeof letter || peeked->truncated || peeked->count != PARTS)
		return Error{EBADMSG};
	if (!cloexec) (void)sys::set_cloexec(fds[0].get(), false);
	PortParts parts{std::move(fds[1]), std::move(fds[2]), std::move(fds[3]), std::move(fds[4])};
	Result<void> arrived = registry::arrive(fds[0].get(), parts, Arrival::COPIES);
	if (!arrived) return Error{arrived.error()};
	return fds[0].release();
}

namespace {

// The other descriptors of a port as its outer set names them: numbers of the process
// that made it.
struct Names {
	uint64_t bell_tag = 0;
	int inner = -1, bell = -1, kick = -1, region = -1;

	static Names of(int outer) {
		Names names;
		sys::each_registered(outer, [&](int fd, uint64_t tag) {
			if ((tag & 0xff) == TAG_BELL) {
				names.bell = fd;
				names.bell_tag = tag;
			} else if ((tag & 0xff) == TAG_INNER) {
				names.inner = fd;
				names.region = tag_region(tag);
			}
			return names.inner < 0 || names.bell < 0;
		});
		return names;
	}
	// Of the set of that number in this process.
	void find_kick(int set) {
		sys::each_registered(set, [&](int fd, uint64_t tag) {
			if (tag == TAG_KICK) kick = fd;
			return kick < 0;
		});
	}
	bool complete() const { return inner >= 0 && bell >= 0 && kick >= 0 && region >= 0; }
};

// After exec: they are open here under the same numbers.
Result<void> recover_inherited(int number, const Names& names) {
	for (int fd : {names.inner, names.bell, names.kick, names.region})
		if (!sys::is_open(fd) || registry::is_internal(fd)) return Error{EBADFD};
	if (sys::epoll_mod(number, names.bell, sys::EPOLL_READABLE, names.bell_tag) != 0)
		return Error{EBADFD};
	PortParts parts{sys::UniqueFd(names.inner), sys::UniqueFd(names.bell),
	                sys::UniqueFd(names.kick), sys::UniqueFd(names.region)};
	if (registry::arrive(number, parts, Arrival::ORIGINALS)) return {};
	// What is not ours after all stays open as it was.
	for (sys::UniqueFd* fd : {&parts.inner, &parts.bell, &parts.kick, &parts.region}) fd->release();
	return Error{EBADFD};
}

Result<void> recover_from(int32_t pid, int number, Names names) {
	sys::UniqueFd process = sys::process_handle(pid);
	if (process.get() < 0) return Error{EBADFD};
	PortParts parts;
	parts.inner = sys::descriptor_of(process.get(), names.inner);
	if (parts.inner.get() < 0) return Error{EBADFD};
	names.find_kick(parts.inner.get());
	parts.bell = sys::descriptor_of(process.get(), names.bell);
	parts.kick = sys::descriptor_of(process.get(), names.kick);
	parts.region = sys::descriptor_of(process.get(), names.region);
	if (!registry::arrive(number, parts, Arrival::COPIES)) return Error{EBADFD};
	return {};
}

} // namespace

Result<void> recover(int number) {
	Names names = Names::of(number);
	if (names.inner < 0 || names.bell < 0) return Error{EBADFD};
	Names here = names;
	here.find_kick(names.inner);
	if (here.complete() && recover_inherited(number, here)) return {};
	int32_t maker = tag_maker(names.bell_tag);
	if (maker == sys::identity().pid) return Error{EBADFD};
	return recover_from(maker, number, names);
}

} // namespace evp::ticket
