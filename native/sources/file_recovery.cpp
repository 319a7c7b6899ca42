// What inotify does not tell: lost notes (14.2.15) and mounts over a directory (14.2.13).

#include "core/port.hpp"
#include "sources/file_hub.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace evp::file {

namespace {

// Files of one overlay may be of several devices.
bool of_other_mount(const sys::FileStatus& now, const sys::FileStatus& before) {
	return now.device != before.device && (now.mount == 0 || now.mount != before.mount);
}

// The order of association.
uint32_t arm_of(const Watch& watch) { return watch.port->region().slot(watch.slot).arm.load(); }

} // namespace

// The queue overflowed: every armed watch is compared with its recorded state, and
// every number the kernel gave is in doubt, since its end may have been lost.
void Hub::rescan() {
	overflowed_ = false;
	overflows_++;
	std::vector<Watch*> armed;
	watches_.each([&](Watch& watch) {
		if (watch.armed) armed.push_back(&watch);
	});
	// In the order of association (5.4.11).
	std::sort(armed.begin(), armed.end(), [](const Watch* a, const Watch* b) {
		return a->port != b->port ? std::less<>()(a->port, b->port) : arm_of(*a) < arm_of(*b);
	});
	for (Watch* watch : armed) rescan(*watch);
}

void Hub::rescan(Watch& watch) {
	sys::FileStatus now;
	Look seen = look(watch, &now);
	if (seen != Look::INTACT) {
		fire(watch, exception_by(watch, seen, now));
		return;
	}
	if (uint32_t events = change_events(watch.recorded, now, watch.asked)) {
		fire(watch, events);
		if (!watch.standing) return;
	}
	// Still there. But a new file may have got the old one's inode number.
	Node* object = watches_.object(watch);
	if (object) {
		Result<Node*> node = node_of(watches_.path(watch).c_str(), object->mask, watch.follow);
		if (!node || *node != object) {
			if (node) release(*node);
			fire(watch, DELETED);
			return;
		}
	}
	Node* former = watches_.parent(watch);
	if (!former || sound(*former)) return;
	std::string directory = watches_.directory_path(watch);
	Result<Node*> parent = directory_of(directory, true);
	if (parent && !object) (void)node_of(directory.c_str(), notes_for(watch.asked), true);
	if (parent && *parent == former) return;
	// The directory is another one than before, or can't be watched any more.
	watches_.unlink(watch);
	watches_.link(watch, object, parent ? *parent : nullptr);
	release(former);
}

// The name no longer leads to the file, and no note says why: the likeliest reason.
uint32_t Hub::exception_by(Watch& watch, Look seen, const sys::FileStatus& now) {
	const sys::FileStatus& before = watch.recorded;
	if (seen == Look::OTHER) {
		if (!of_other_mount(now, before)) return RENAMED_TO;
		return now.mount_root && !before.mount_root ? MOUNTED_OVER : UNMOUNTED_;
	}
	sys::FileStatus there;
	if (sys::file_status(watches_.directory_path(watch).c_str(), true, &there) == 0 &&
	    of_other_mount(there, before) && !before.mount_root)
		return UNMOUNTED_;
	// A file that lives on without its only name was renamed, or is still open.
	Node* object = watches_.object(watch);
	bool alone = object && object->first == object->last && object->children == 0;
	if (seen == Look::LOST || !alone || object->wd < 0) return DELETED;
	bool lives = end_wd(*object);
	bool one_name = before.links == 1 || before.type == sys::FileType::DIRECTORY;
	return lives && one_name ? RENAMED_FROM : DELETED;
}

// Something was mounted or unmounted somewhere.
void Hub::check_mounts() {
	std::vector<Watch*> over;
	watches_.each([&](Watch& watch) {
		if (watch.recorded.type != sys::FileType::DIRECTORY) return;
		sys::FileStatus now;
		if (sys::file_status(watches_.path(watch).c_str(), true, &now) != 0) return;
		if (now.mount_root && now.mount != watch.recorded.mount) over.push_back(&watch);
	});
	// The newest first (5.4.11).
	std::sort(over.begin(), over.end(), [](Watch* a, Watch* b) { return arm_of(*a) > arm_of(*b); });
	for (Watch* watch : over) {
		bool ended = watch->firing != Watch::NO_FIRING && firings_[watch->firing].events & EXCEPTIONS;
		if (!ended) fire(*watch, MOUNTED_OVER); // also instead of a queued event (5.4.10)
	}
}

} // namespace evp::file
