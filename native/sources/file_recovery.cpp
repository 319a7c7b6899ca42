// What inotify does not tell: lost notes (14.2.15) and mounts over a directory (14.2.13).

#include "sources/file_hub.hpp"

#include <algorithm>
#include <functional>

namespace evp::file {

// The queue overflowed: every armed watch is compared with its recorded state, and
// every number the kernel gave is in doubt, since its end may have been lost.
void Hub::rescan() {
	overflowed_ = false;
	overflows_++;
	std::vector<Watch*> armed;
	for (Watch* watch : watches_.all())
		if (watch && watch->armed) armed.push_back(watch);
	// In the order of association (5.4.11).
	std::sort(armed.begin(), armed.end(), [](const Watch* a, const Watch* b) {
		return a->port != b->port ? std::less<>()(a->port, b->port) : a->arm < b->arm;
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
		return;
	}
	// Unchanged. But a new file may have got the old one's inode number.
	Node* object = nullptr;
	if (watch.object) {
		Result<Node*> node = node_of(watch.path(), watch.object->mask, watch.follow);
		if (!node || *node != watch.object) {
			if (node) release(*node);
			fire(watch, DELETED);
			return;
		}
		object = *node;
	}
	if (!watch.parent || sound(*watch.parent)) return;
	Result<Node*> parent = directory_of(watch.directory(), true);
	if (parent && !object) (void)node_of(watch.directory().c_str(), notes_for(watch.asked), true);
	if (parent && *parent == watch.parent) return;
	// The directory is another one than before, or can't be watched any more.
	Node* former = watch.parent;
	watches_.unlink(watch);
	watches_.link(watch, object, parent ? *parent : nullptr);
	release(former);
}

// The name no longer leads to the file, and no note says why: the likeliest reason.
uint32_t Hub::exception_by(Watch& watch, Look seen, const sys::FileStatus& now) {
	const sys::FileStatus& before = watch.recorded;
	if (seen == Look::OTHER) {
		if (now.device == before.device) return RENAMED_TO;
		return now.mount_root && !before.mount_root ? MOUNTED_OVER : UNMOUNTED_;
	}
	sys::FileStatus there;
	if (sys::file_status(watch.directory().c_str(), true, &there) == 0 &&
	    there.device != before.device && !before.mount_root)
		return UNMOUNTED_;
	// A file that lives on without its only name was renamed, or is still open.
	bool alone = watch.object && watch.object->first == watch.object->last && watch.object->children == 0;
	if (seen == Look::LOST || !alone || watch.object->wd < 0) return DELETED;
	bool lives = end_wd(*watch.object);
	bool one_name = before.links == 1 || before.type == sys::FileType::DIRECTORY;
	return lives && one_name ? RENAMED_FROM : DELETED;
}

// Something was mounted or unmounted somewhere.
void Hub::check_mounts() {
	std::vector<Watch*> over;
	for (Watch* watch : watches_.all()) {
		if (!watch || watch->recorded.type != sys::FileType::DIRECTORY) continue;
		sys::FileStatus now;
		if (sys::file_status(watch->path(), true, &now) != 0) continue;
		if (now.mount_root && now.mount != watch->recorded.mount) over.push_back(watch);
	}
	// The newest first (5.4.11).
	std::sort(over.begin(), over.end(), [](Watch* a, Watch* b) { return a->arm > b->arm; });
	for (Watch* watch : over) {
		bool ended = watch->firing != Watch::NO_FIRING && firings_[watch->firing].events & EXCEPTIONS;
		if (!ended) fire(*watch, MOUNTED_OVER); // also instead of a queued event (5.4.10)
	}
}

} // namespace evp::file
