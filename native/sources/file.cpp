// PORT_SOURCE_FILE (section 5).
//
// Interface: associate, dissociate, collect. The hub (file_hub.hpp) reads what the
// kernel reports and posts it; here an association is made: stamps, slot;
// file_name.hpp finds what its name leads to.
// States: shm::SlotState; ARMED while an event of this watch may still come. An
// exception takes the slot with it and ends the watch (5.1.8).
// Identity: (member, address of the file_obj_t), found by the port's table; the slot's
// `link` is the watch's id in this process, believed only if the watch agrees.
// Locks: the hub's, and the port's within it.
// Fork: watches are the parent's; a child begins without any.

#include "sources/file.hpp"

#include "core/port.hpp"
#include "core/slots.hpp"
#include "sources/file_name.hpp"
#include "sys/no_memory.hpp"

#include <sys/port.h>

#include <cerrno>

namespace evp {

using shm::Slot;
using shm::SlotState;
using sys::FileStatus;
using sys::FileType;

namespace {

using namespace file;

static_assert(ACCESS == FILE_ACCESS && MODIFIED == FILE_MODIFIED && ATTRIBUTES == FILE_ATTRIB);
static_assert(TRUNCATED == FILE_TRUNC && NOFOLLOW == FILE_NOFOLLOW && DELETED == FILE_DELETE);
static_assert(RENAMED_TO == FILE_RENAME_TO && RENAMED_FROM == FILE_RENAME_FROM);
static_assert(UNMOUNTED_ == UNMOUNTED && MOUNTED_OVER == MOUNTEDOVER);
static_assert(sizeof(file_obj_t) == 80);

constexpr uint8_t FILE_KIND = static_cast<uint8_t>(SourceKind::FILE);

struct Request {
	uint64_t key;
	const char* name;
	Stamps stamps;
	uint32_t asked;
	uint64_t user;
	bool standing;
};

} // namespace

class FileSource final : public Source {
public:
	SourceKind kind() const override { return SourceKind::FILE; }
	Result<void> associate(Port& port, uint64_t object, int32_t events, uint64_t user) override;
	Result<void> associate(Port& port, const Request& request);
	Result<void> dissociate(Port& port, uint64_t object) override;
	void collect(Port& port) override;
	void close(Port& port) override;
	bool held_up() override {
		Hub* hub = Hub::current();
		return hub && hub->over_hold();
	}
	void revive(Port& port) override {
		port.insist(SourceKind::FILE, false);
		Hub::leave_inherited();
	}

private:
	Result<void> associate_locked(Hub& hub, Port& port, const Request& request);
	Result<void> commit(Hub& hub, Port& port, const Request& request, Watch* watch, bool again,
	                    Found* found);
};

namespace {

// --- The slot.

Watch* watch_of(Hub& hub, Port& port, uint32_t index) {
	if (index == 0) return nullptr;
	Watch* watch = hub.watches().at(port.region().slot(index).link.load());
	return watch && watch->port == &port && watch->slot == index ? watch : nullptr;
}

// The watch that its maker is expected to associate next, if it is of this object: found
// without the port's lock, under which its slot is looked at again (commit).
Watch* expected_watch(Hub& hub, Port& port, uint64_t key) {
	Watch* watch = hub.expected();
	if (!watch || watch->port != &port) return nullptr;
	Slot& slot = port.region().slot(watch->slot);
	bool right = slot.object.load() == key && slot.link.load() == watch->id &&
	             slot.source.load() == FILE_KIND && slot.owner.load() == port.member();
	return right ? watch : nullptr;
}

// Whether the slot is of that object of this process. Locked.
bool holds(Port& port, uint32_t index, uint64_t key) {
	Slot& slot = port.region().slot(index);
	return index != 0 && slot.state.load() != SlotState::FREE && slot.source.load() == FILE_KIND &&
	       slot.object.load() == key && slot.owner.load() == port.member();
}

// Ends whatever the slot was doing, keeping the slot. Locked.
SlotState disarm(Port& port, uint32_t index) {
	Slot& slot = port.region().slot(index);
	SlotState was = slot.state.load();
	if (slots::pollable(slot)) port.pollable_add(-1);
	if (was == SlotState::QUEUED) slots::dequeue(port.region(), index);
	return was;
}

// What a watch that is armed again where it stands brings to its next event in the strict
// profile: the bits of the event that is dropped (3.9). Locked, before disarm().
uint32_t carried(Port& port, const Watch& watch) {
	Slot& slot = port.region().slot(watch.slot);
	switch (slot.state.load()) {
	case SlotState::QUEUED: return static_cast<uint32_t>(slot.events.load());
	case SlotState::ARMED: return watch.carried;
	default: return 0; // it was told
	}
}

// Arms the slot, or queues what the stamps tell (5.2). Locked.
void arm(Hub& hub, Port& port, Watch& watch, const Request& request, uint32_t events) {
	shm::Region& region = port.region();
	Slot& slot = region.slot(watch.slot);
	watch.standing = request.standing;
	hub.set_armed(watch, events == 0 || watch.standing);
	slot.arm.store(port.next_arm());
	slot.user.store(request.user);
	slot.asked.store(request.asked);
	slot.events.store(static_cast<int32_t>(events | watch.carried));
	slot.flags.store(static_cast<uint16_t>(shm::SLOT_RETAINED | shm::SLOT_TABLED | shm::SLOT_REGISTERED |
	                                       (request.standing ? shm::SLOT_STANDING : 0)));
	if (events == 0) {
		slots::publish(region, watch.slot, SlotState::ARMED);
	} else {
		slots::enqueue(region, watch.slot);
	}
	if (slots::pollable(slot)) port.pollable_add(1);
}

// A slot for a new watch. Locked. 0: *error.
uint32_t take_slot(Port& port, uint64_t key, int* error) {
	shm::Region& region = port.region();
	*error = ENOMEM;
	if (!region.need_bucket(region.bucket_index(slots::table_hash(FILE_KIND, key)))) return 0;
	uint32_t index = slots::take(region, error);
	if (index == 0) return 0;
	Slot& slot = region.slot(index);
	slot.source.store(FILE_KIND);
	slot.owner.store(port.member());
	slot.object.store(key);
	return index;
}

// The strict profile keeps the last component that the watch was made with, while it is a name
// of the file (5.1.7). Empty: it is none.
std::string old_name(const Watch& watch, const Found& found) {
	if (found.follow || found.directory.empty()) return {};
	std::string old = (found.directory == "/" ? "" : found.directory) + "/" + watch.name();
	FileStatus status;
	bool names = sys::file_status(old.c_str(), false, &status) == 0 && status.same_file(found.status);
	return names ? old : std::string();
}

// What needs no more than one look: the same name led to the same file, and the
// kernel still watches it for all that is asked.
bool unchanged(Hub& hub, const Watch& watch, const Request& request, FileStatus* now) {
	const Node* object = hub.watches().object(watch);
	const Node* parent = hub.watches().parent(watch);
	if (!object || !hub.sound(*object) || object->moves != watch.moves) return false;
	if (parent && !hub.sound(*parent)) return false;
	if (notes_for(request.asked) & ~object->mask) return false;
	if ((watch.asked ^ request.asked) & NOFOLLOW || !hub.watches().given_as(watch, request.name))
		return false;
	if (watch.recorded.type == FileType::DIRECTORY) // may be mounted over
		return sys::file_status(request.name, !(request.asked & NOFOLLOW), now) == 0 &&
		       now->same_file(watch.recorded) && now->mount == watch.recorded.mount;
	// The kernel still watches it: its number can't be another file's by now.
	*now = watch.recorded;
	return sys::file_status_again(request.name, !(request.asked & NOFOLLOW), now) == 0 &&
	       now->same_file(watch.recorded);
}

} // namespace

// --- The calls.

Result<void> FileSource::associate(Port& port, uint64_t object, int32_t events, uint64_t user) {
	Request request{object, nullptr, {}, static_cast<uint32_t>(events), user, false};
	if (request.asked & ~ASKABLE) return Error{EINVAL};
	auto* given = reinterpret_cast<const file_obj_t*>(object);
	if (!given || !given->fo_name) return Error{EFAULT};
	request.name = given->fo_name;
	(void)*static_cast<const volatile char*>(request.name); // a wild pointer faults while nothing is held
	request.stamps = {{given->fo_atime.tv_sec, given->fo_atime.tv_nsec},
	                  {given->fo_mtime.tv_sec, given->fo_mtime.tv_nsec},
	                  {given->fo_ctime.tv_sec, given->fo_ctime.tv_nsec}};
	Result<void> r = associate(port, request);
	if (r.error() == ENOSPC) r = Error{EAGAIN}; // watches exhausted (14.2.17)
	// In the strict profile nobody hears that there was no room (2.2.4).
	if (port.strict() && (r.error() == EAGAIN || r.error() == ENOMEM)) r = {};
	return r;
}

Result<void> FileSource::associate(Port& port, const Request& request) {
	port.collect_armed();
	Result<void> r = port.with_room([&] {
		return sys::or_no_memory([&]() -> Result<void> {
			Result<Hub*> hub = Hub::get();
			if (!hub) return Error{hub.error()};
			Hub::Held held(**hub);
			if (!held) return Error{EAGAIN}; // in a signal handler over this very code
			return associate_locked(**hub, port, request);
		});
	});
	// The source has been used also where there was no room (2.2.2, 2.3.3).
	shm::Cell<uint32_t>& used = port.region().header().file_used;
	bool found = r || r.error() == EAGAIN || r.error() == ENOSPC || r.error() == ENOMEM;
	if (found && used.load() == 0) used.store(1);
	return r;
}

Result<void> FileSource::associate_locked(Hub& hub, Port& port, const Request& request) {
	if (Result<void> r = hub.open(port); !r) return r;
	// What happened so far is not for this association, and may end the one there is:
	// notes that wait are read first, then it is looked again.
	for (bool current = false;; current = true) {
		if (current) hub.collect();
		Watch* watch = expected_watch(hub, port, request.key);
		if (!watch) {
			Port::Guard guard(port);
			watch = watch_of(hub, port,
			                 slots::table_find(port.region(), FILE_KIND, request.key, port.member()));
		}
		Found found(hub);
		bool again = watch && unchanged(hub, *watch, request, &found.status);
		if (again) {
			found.object = hub.watches().object(*watch);
			found.parent = hub.watches().parent(*watch);
		} else if (watch && !current) {
			continue;
		} else if (Result<void> r = resolve(hub, request.name, request.asked, &found); !r) {
			return r;
		}
		if (!current && !hub.quiet(port, found.status, request.asked)) {
			release(hub, &found);
			continue;
		}
		if (found.status.type == FileType::DIRECTORY) {
			if (Result<void> r = hub.open_mounts(port); !r) {
				release(hub, &found);
				return r;
			}
		}
		return commit(hub, port, request, watch, again, &found);
	}
}

// Everything was found: from here on only a new slot can be refused.
Result<void> FileSource::commit(Hub& hub, Port& port, const Request& request, Watch* watch, bool again,
                                Found* found) {
	shm::Region& region = port.region();
	bool made = !watch;
	if (made) watch = hub.watches().make();
	// Where it stands, however it was named (5.1.6).
	Watches& watches = hub.watches();
	bool stands = again || (watch->object != 0 && watches.object(*watch) == found->object &&
	                        watches.parent(*watch) == found->parent);
	if (again) {
		if (!watch->armed) hub.watches().make_last(*watch); // an armed one keeps its place
	} else {
		Node* old_object = hub.watches().object(*watch);
		Node* old_parent = hub.watches().parent(*watch);
		hub.watches().unlink(*watch);
		std::string old = port.strict() && stands ? old_name(*watch, *found) : std::string();
		hub.watches().set_path(*watch, old.empty() ? found->path : old, request.name);
		watch->follow = found->follow;
		watch->sure = found->sure;
		hub.watches().link(*watch, found->object, found->parent);
		if (old_object != found->object) hub.release(old_object);
		if (old_parent != found->parent && old_parent != old_object) hub.release(old_parent);
	}
	hub.associated(*watch);
	watch->port = &port;
	watch->recorded = found->status;
	watch->asked = request.asked;
	if (found->object) {
		watch->moves = found->object->moves;
		found->object->wasted = 0;
	}
	uint32_t events = stamp_events(request.stamps, found->status, request.asked);
	int error = 0;
	uint32_t index = made ? 0 : watch->slot;
	{
		Port::Guard guard(port);
		if (!holds(port, index, request.key))
			index = slots::table_find(region, FILE_KIND, request.key, port.member());
		bool fresh = index == 0;
		if (fresh) index = take_slot(port, request.key, &error);
		if (index != 0) {
			watch->carried = port.strict() && stands && !fresh ? carried(port, *watch) : 0;
			if (!fresh) disarm(port, index);
			watch->slot = index;
			region.slot(index).link.store(watch->id);
			arm(hub, port, *watch, request, events);
			if (fresh) slots::table_insert(region, index);
		}
	}
	if (index == 0) {
		hub.drop(watch);
		return Error{error};
	}
	hub.tell(port);
	return {};
}

Result<void> FileSource::dissociate(Port& port, uint64_t object) {
	shm::Region& region = port.region();
	if (region.header().file_used.load() == 0) return Error{EINVAL};
	Hub* hub = Hub::current();
	if (!hub) return Error{ENOENT};
	Hub::Held held(*hub);
	if (!held) return Error{EAGAIN};
	hub->collect(); // a file that is gone takes its association along (2.3.4)
	Watch* watch;
	SlotState was;
	{
		Port::Guard guard(port);
		uint32_t index = slots::table_find(region, FILE_KIND, object, port.member());
		if (index == 0) return Error{ENOENT};
		watch = watch_of(*hub, port, index);
		was = disarm(port, index);
		slots::table_remove(region, index);
		slots::release(region, index);
	}
	if (watch) hub->drop(watch);
	return was == SlotState::CACHED ? Result<void>(Error{ENOENT}) : Result<void>();
}

void FileSource::collect(Port& port) {
	Hub* hub = Hub::current();
	if (!hub) return;
	Hub::Held held(*hub);
	if (!held) return;
	hub->collect_readable(port);
}

void FileSource::close(Port& port) {
	Hub* hub = Hub::current();
	if (!hub) return;
	Hub::Held held(*hub);
	if (held) hub->close(port);
}

std::unique_ptr<Source> make_file_source() { return std::make_unique<FileSource>(); }

Result<void> associate_file(Port& port, uint64_t key, const char* name, const Stamps& stamps,
                            int32_t events, uint64_t user, bool standing) {
	Request request{key, name, stamps, static_cast<uint32_t>(events), user, standing};
	if (request.asked & ~ASKABLE) return Error{EINVAL};
	auto* source = static_cast<FileSource*>(port.source(SourceKind::FILE));
	return source->associate(port, request);
}

} // namespace evp
