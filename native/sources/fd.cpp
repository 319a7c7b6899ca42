// PORT_SOURCE_FD (section 4).
//
// Interface: associate, dissociate, descriptor_closing. Readiness is turned into events
// by core/collect.cpp, which knows slots registered in the inner set.
// States: shm::SlotState, ARMED while the kernel's one shot is loaded.
// Identity: (number, open file) an owner. The EPOLL_CTL_MOD that re-arms is also
// the probe: ENOENT, the number means another file by now; EBADF, it is closed.
// Locks: the slot changes under the port's lock, the kernel's registration
// outside it. Two threads may therefore register in the wrong order; whoever
// finds that the slot moved on while it was registering registers again, so the
// kernel ends with what the slot says (4.19).
// Fork: slots keep their owner; a child's associations are slots of its own.

#include "sources/fd.hpp"

#include "core/port.hpp"
#include "core/registry.hpp"
#include "core/slots.hpp"
#include "core/tags.hpp"
#include "sources/fd_registration.hpp"

#include <cerrno>
#include <climits>

namespace evp {

using fd::Armed;
using fd::FD;
using fd::drop;
using fd::enter_kernel;
using fd::reconcile;
using fd::still;
using shm::Header;
using shm::Slot;
using shm::SlotState;

namespace {

// Bits of poll(2) that a program may ask for; only the low 16 count (2.2.7).
constexpr uint32_t ASKABLE = 0x27c7;
// What a descriptor without a poll method is always ready for (4.16).
constexpr uint32_t ALWAYS_READY = 0x1 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200;

// Of an association that the kernel knows.
constexpr uint16_t KNOWN_FLAGS = shm::SLOT_RETAINED | shm::SLOT_TABLED | shm::SLOT_REGISTERED;

constexpr uint32_t LIST = 64; // of a list, armed in one critical section

} // namespace

class FdSource final : public Source {
public:
	SourceKind kind() const override { return SourceKind::FD; }
	Result<void> associate(Port& port, uint64_t object, int32_t events, uint64_t user) override;
	Result<void> dissociate(Port& port, uint64_t object) override;
	uint32_t associate_list(Port& port, Association* list, uint32_t count) override;
	void descriptor_closing(Port& port, int fd) override;
	bool reclaim(Port& port) override;
	void resume(Port& port) override { (void)fd::sweep_closed(port, port.region().limit()); }
	void rearm(Port& port) override;

private:
	// At the limit all associations are looked at, and then SWEEP at each refusal until SWEEP_REST times as long
	// as that took has passed: a program that lives there does not pay for all of them each time.
	static constexpr uint32_t SWEEP = 64;
	static constexpr int64_t SWEEP_REST = 15;

	Result<void> associate_any(Port& port, int fd, uint32_t asked, uint64_t user);
	static uint32_t arm_known(Port& port, uint32_t index, uint32_t asked, uint64_t user);
	static uint64_t arm_retrieved(Port& port, uint64_t object, uint32_t asked, uint64_t user);
	Result<void> entered_again(Port& port, int fd, uint32_t asked, uint64_t tag, bool port_itself);
	Armed arm(Port& port, int fd, uint32_t asked, uint64_t user, uint32_t owner);
	Result<void> entered(Port& port, int fd, uint32_t asked, const Armed& armed, bool port_itself, int rc);
	uint32_t associate_some(Port& port, Association* list, uint32_t count);
	uint32_t of_another(Port& port, int fd);
	static bool drop_own(Port& port, int fd, bool* other);
	void undo(Port& port, const Armed& armed);
	void post_now(Port& port, const Armed& armed, uint32_t events, uint16_t flag);

	std::atomic<int64_t> sweep_next_{0}; // CLOCK_MONOTONIC
};

namespace {

// FD was associated, or would have been but for the limit (2.2.1, 2.3.1).
void note_used(Port& port) {
	shm::Cell<uint32_t>& used = port.region().header().fd_used;
	if (used.load() == 0) used.store(1);
}

// The errno of illumos for what the kernel answered.
int told_as(int rc) { return rc == EBADF ? EBADFD : sys::used_up(rc); }

} // namespace

// Arms a slot whose event was retrieved, all else of which is as it should be: the association's
// number. 0: it is none such. Locked; `pollable` is the caller's to count.
[[gnu::always_inline]] inline uint32_t FdSource::arm_known(Port& port, uint32_t index, uint32_t asked,
                                                           uint64_t user) {
	Slot& known = port.region().slot(index);
	if (index == 0 || known.state.load() != SlotState::CACHED || known.flags.load() != KNOWN_FLAGS)
		return 0;
	uint32_t arm = port.next_arm();
	known.arm.store(arm);
	known.user.store(user);
	known.asked.store(asked);
	slots::publish(port.region(), index, SlotState::ARMED);
	return arm;
}

// The slot's side of an association: found or made, its old event dropped, armed.
Armed FdSource::arm(Port& port, int fd, uint32_t asked, uint64_t user, uint32_t owner) {
	shm::Region& region = port.region();
	Port::Guard guard(port);
	uint32_t index = slots::table_find(region, FD, static_cast<uint64_t>(fd), owner);
	Armed armed{index, 0, owner, false, false};
	if (index == 0) {
		if (owner != port.member()) return {0, 0, owner, false, false, ENOENT}; // gone since it was found
		if (!region.need_bucket(region.bucket_index(slots::table_hash(FD, static_cast<uint64_t>(fd)))))
			return {0, 0, owner, false, false, ENOMEM};
		armed.index = slots::take(region, &armed.error);
		if (armed.index == 0) return armed;
		armed.fresh = true;
		Slot& slot = region.slot(armed.index);
		slot.source.store(FD);
		slot.flags.store(0);
		slot.owner.store(port.member());
		slot.object.store(static_cast<uint64_t>(fd));
	} else {
		armed.registered = region.slot(armed.index).flags.load() & shm::SLOT_REGISTERED;
		bool waited = fd::disarm(port, armed.index) == SlotState::ARMED;
		armed.waited = waited && armed.registered && owner == port.member();
	}
	Slot& slot = region.slot(armed.index);
	armed.arm = port.next_arm();
	slot.arm.store(armed.arm);
	slot.user.store(user);
	slot.asked.store(asked);
	slot.flags.store(KNOWN_FLAGS);
	slots::publish(region, armed.index, SlotState::ARMED);
	if (armed.fresh) slots::table_insert(region, armed.index);
	port.pollable_add(1);
	return armed;
}

// The member whose association of this number and file a call of this process is
// about (11.1 ... 11.3): this one's own if it has one, else whoever's it is.
uint32_t FdSource::of_another(Port& port, int fd) {
	shm::Region& region = port.region();
	uint32_t owners[8];
	int32_t pids[8];
	uint32_t count = 0;
	{
		Port::Guard guard(port);
		if (slots::table_find(region, FD, static_cast<uint64_t>(fd), port.member()) != 0)
			return port.member();
		slots::table_each(region, FD, static_cast<uint64_t>(fd), [&](Slot& slot) {
			uint32_t owner = slot.owner.load();
			if (count == 8 || !(slot.flags.load() & shm::SLOT_REGISTERED)) return;
			owners[count] = owner;
			pids[count++] = port.pid_here(owner);
		});
	}
	for (uint32_t i = 0; i < count; i++) // what is left of one that is gone is nobody's
		if (port.same_descriptor(fd, pids[i]) && !port.buried(owners[i])) return owners[i];
	return port.member();
}

// The kernel refused: the association ends, as if it had not been.
void FdSource::undo(Port& port, const Armed& armed) {
	if (armed.owner != port.member()) return; // not ours to end
	Port::Guard guard(port);
	if (still(port, armed)) drop(port, armed.index);
}

// Ready here and now, without the kernel: posts at once, or waits for ever.
void FdSource::post_now(Port& port, const Armed& armed, uint32_t events, uint16_t flag) {
	shm::Region& region = port.region();
	port.collect_armed();
	Port::Guard guard(port);
	Slot& slot = region.slot(armed.index);
	SlotState state = slot.state.load();
	if (!still(port, armed)) return;
	slot.flags.store(shm::SLOT_RETAINED | shm::SLOT_TABLED | flag); // also of one told of meanwhile
	if (state != SlotState::ARMED) return;
	port.pollable_add(-1);
	if (events == 0) return;
	port.post_fd(armed.index, events);
}

Result<void> FdSource::associate(Port& port, uint64_t object, int32_t events, uint64_t user) {
	if (object > INT_MAX) return Error{EBADFD};
	int fd = static_cast<int>(object);
	uint32_t asked = static_cast<uint32_t>(events) & ASKABLE;
	if (port.shared()) [[unlikely]]
		return associate_any(port, fd, asked, user);
	uint64_t tag = arm_retrieved(port, object, asked, user);
	if (tag == 0) [[unlikely]]
		return associate_any(port, fd, asked, user);
	bool port_itself = registry::note_associated(fd);
	return entered_again(port, fd, asked, tag, port_itself);
}

// As it is with most: the event was retrieved, and all else of the slot is as it should be.
// The association's tag, 0: it is none such.
[[gnu::always_inline]] inline uint64_t FdSource::arm_retrieved(Port& port, uint64_t object, uint32_t asked,
                                                               uint64_t user) {
	Port::Guard guard(port);
	uint32_t index = slots::table_find(port.region(), FD, object, port.member());
	uint32_t arm = arm_known(port, index, asked, user);
	if (arm == 0) return 0;
	port.pollable_add(1);
	return tag_slot(index, arm);
}

// Loads the kernel's one shot of such a one.
[[gnu::always_inline]] inline Result<void> FdSource::entered_again(Port& port, int fd, uint32_t asked, uint64_t tag,
                                                                   bool port_itself) {
	int rc = sys::epoll_mod(port.inner(), fd, sys::registered_for(asked), tag);
	if (rc != 0 || port_itself) [[unlikely]] {
		Armed armed{tag_index(tag), tag_arm(tag), port.member(), true, false};
		if (rc == ENOENT) rc = enter_kernel(port, fd, asked, armed);
		return entered(port, fd, asked, armed, port_itself, rc);
	}
	Header& header = port.region().header();
	header.uncollected.store(1);
	if (!still(port, tag)) [[unlikely]]
		reconcile(port, fd, port.member());
	return {};
}

[[gnu::noinline]] Result<void> FdSource::associate_any(Port& port, int fd, uint32_t asked, uint64_t user) {
	uint32_t owner = port.shared() ? of_another(port, fd) : port.member();
	Registering::Change change(port.registering(), port.shared());
	Armed armed = arm(port, fd, asked, user, owner);
	if (armed.error == ENOENT) armed = arm(port, fd, asked, user, port.member());
	if (armed.error != 0) {
		if (!sys::is_open(fd)) return Error{EBADFD}; // tested before the slot (2.2.1)
		note_used(port);
		if (armed.error == EAGAIN && port.reclaim()) armed = arm(port, fd, asked, user, port.member());
		if (armed.error != 0) return Error{armed.error};
	}
	bool port_itself = registry::note_associated(fd);
	return entered(port, fd, asked, armed, port_itself, enter_kernel(port, fd, asked, armed));
}

// What follows from the kernel's answer.
Result<void> FdSource::entered(Port& port, int fd, uint32_t asked, const Armed& armed, bool port_itself,
                               int rc) {
	if (rc != EBADF) note_used(port);
	if (rc == 0) [[likely]] {
		port.region().header().uncollected.store(1);
		if (!still(port, armed)) reconcile(port, fd, armed.owner);
		if (port_itself) [[unlikely]]
			if (PortRef inner = registry::known(fd)) {
				inner->add_watcher(port, armed.index);
				port.collect_armed();
				inner->tell_now();
			}
		return {};
	}
	if (rc == EPERM) { // no poll method: a regular file, a directory (4.16)
		post_now(port, armed, asked & ALWAYS_READY, shm::SLOT_ALWAYS);
		return {};
	}
	if (rc == EINVAL || rc == ELOOP) { // sets in a circle, or too deep
		int error = 0;
		PortRef inner = registry::find(fd, &error);
		if (inner && inner->add_watcher(port, armed.index)) {
			post_now(port, armed, 0, 0);
			inner->tell_now();
			return {};
		}
	}
	undo(port, armed);
	return Error{told_as(rc)};
}

// Those whose event was retrieved enter the critical section together; any other goes its own way.
uint32_t FdSource::associate_some(Port& port, Association* list, uint32_t count) {
	shm::Region& region = port.region();
	uint64_t armed[LIST]; // their tags, 0: not together
	bool apart = port.shared();
	uint32_t known = 0;
	if (!apart) {
		Port::Guard guard(port);
		for (uint32_t i = 0; i < count; i++) {
			uint32_t index = 0; // of none, for what is no descriptor
			if (list[i].object <= INT_MAX) [[likely]]
				index = slots::table_find(region, FD, list[i].object, port.member());
			uint32_t arm = arm_known(port, index, static_cast<uint32_t>(list[i].events) & ASKABLE, list[i].user);
			armed[i] = arm != 0 ? tag_slot(index, arm) : 0;
			known += arm != 0;
		}
		port.pollable_add(static_cast<int>(known));
	}
	uint32_t done = 0;
	for (uint32_t i = 0; i < count; i++) {
		Result<void> answer;
		if (!apart && armed[i] != 0) [[likely]] {
			int fd = static_cast<int>(list[i].object);
			uint32_t asked = static_cast<uint32_t>(list[i].events) & ASKABLE;
			answer = entered_again(port, fd, asked, armed[i], registry::note_associated(fd));
		} else {
			answer = associate(port, list[i].object, list[i].events, list[i].user);
		}
		list[i].error = answer.error();
		done += list[i].error == 0;
	}
	return done;
}

uint32_t FdSource::associate_list(Port& port, Association* list, uint32_t count) {
	uint32_t done = 0;
	for (uint32_t i = 0; i < count; i += LIST)
		done += associate_some(port, list + i, count - i < LIST ? count - i : LIST);
	return done;
}

Result<void> FdSource::dissociate(Port& port, uint64_t object) {
	if (object > INT_MAX) return Error{EBADFD};
	int fd = static_cast<int>(object);
	shm::Region& region = port.region();
	if (region.header().fd_used.load() == 0) return Error{ENOENT};
	if (!sys::is_open(fd)) return Error{EBADFD};
	bool other = false;
	if (drop_own(port, fd, &other)) return {};
	// Another member's entry of that number is ours to see only if it means the same file here.
	return Error{other && of_another(port, fd) != port.member() ? EACCES : ENOENT};
}

// Whether it was associated; else whether the number is `other`'s.
bool FdSource::drop_own(Port& port, int fd, bool* other) {
	shm::Region& region = port.region();
	auto object = static_cast<uint64_t>(fd);
	SlotState was;
	bool registered;
	Registering::Change change(port.registering(), port.shared());
	{
		Port::Guard guard(port);
		uint32_t index = slots::table_find(region, FD, object, port.member());
		if (index == 0) {
			*other = slots::table_find_other(region, FD, object, port.member()) != 0;
			return false;
		}
		registered = region.slot(index).flags.load() & shm::SLOT_REGISTERED;
		was = drop(port, index);
	}
	int rc = registered ? sys::epoll_del(port.inner(), fd) : 0;
	bool again;
	{
		Port::Guard guard(port);
		again = slots::table_find(region, FD, object, port.member()) != 0;
	}
	if (again) reconcile(port, fd, port.member()); // associated anew meanwhile
	// The kernel never heard of this file under this number: another one has it.
	return rc != ENOENT && was != SlotState::CACHED;
}

void FdSource::descriptor_closing(Port& port, int fd) {
	Registering::Change change(port.registering(), port.shared());
	{
		Port::Guard guard(port);
		uint32_t index =
		    slots::table_find(port.region(), FD, static_cast<uint64_t>(fd), port.member());
		if (index == 0) return;
		drop(port, index);
	}
	sys::epoll_del(port.inner(), fd);
}

bool FdSource::reclaim(Port& port) {
	int64_t began = sys::monotonic_ns();
	if (began < sweep_next_.load(std::memory_order_relaxed)) return fd::sweep_closed(port, SWEEP);
	bool freed = fd::sweep_closed(port, port.region().limit());
	int64_t ended = sys::monotonic_ns();
	sweep_next_.store(ended + SWEEP_REST * (ended - began), std::memory_order_relaxed);
	return freed;
}

// Only what the kernel still knows: a number that means another file by now, or none,
// is found out by the next association.
void FdSource::rearm(Port& port) {
	shm::Region& region = port.region();
	for (uint32_t i = 1; i < region.header().fresh.load() && i <= region.limit(); i++) {
		Slot& slot = region.slot(i);
		if (slot.state.load() == SlotState::ARMED && slot.source.load() == FD && slot.owner.load() == port.member())
			fd::reload(port, static_cast<int>(slot.object.load()));
	}
}

std::unique_ptr<Source> make_fd_source() { return std::make_unique<FdSource>(); }

} // namespace evp
