// From notes to events: which watch, which bits (5.3, 5.4, 14.2.4 - 14.2.14).
//
// What became of a name is told by two notes, one on the object and one in its
// directory, in an order that depends on the operation: an unlink tells the object
// first, a rename over it the directory (14.2.9). So such notes are held back until
// both are there, the next note of that watch comes, or everything has been read;
// only then, and only where no second note came, the name itself is looked up.
// A look sees what later operations made of the name, whose notes are still to come:
// where the directory is watched, only what it says ends a watch (await_directory).

#include "core/port.hpp"
#include "sources/file_hub.hpp"

namespace evp::file {

namespace note = sys::note;

namespace {

constexpr uint8_t ON_OBJECT = ATTRIB | MOVED | GONE;
constexpr uint32_t OF_ENTRIES = note::CREATE | note::REMOVED | note::MOVED_FROM | note::MOVED_TO;
constexpr uint32_t IDLE_NOTES = 16; // in vain before the kernel is told to be silent

uint32_t events_of(uint32_t mask) {
	return (mask & note::ACCESS ? ACCESS : 0) | (mask & note::MODIFY ? MODIFIED | ATTRIBUTES : 0);
}

// Whether the strict profile says TRUNC of a directory: a regular file was made in it, not
// linked (5.3.9).
bool made_file(const Watches& watches, const Watch& watch, const sys::Note& note) {
	if (!(note.mask & note::CREATE && watch.asked & TRUNCATED) || !watch.armed) return false;
	if (!watch.port->strict()) return false;
	sys::FileStatus entry;
	std::string path = watches.path(watch) + "/" + note.name;
	return sys::file_status(path.c_str(), false, &entry) == 0 &&
	       entry.type == sys::FileType::REGULAR && entry.links == 1;
}

} // namespace

void Hub::take(const sys::Note& note) {
	if (note.mask & note::QUEUE_OVERFLOW) {
		overflowed_ = true;
		return;
	}
	Node* node = watches_.find(note.wd);
	if (!node) return; // of a watch that is over
	if (note.name) {
		entry_changed(*node, note);
		return;
	}
	if (note.mask & note::MOVE_SELF) node->moves++;
	if (note.mask & note::UNMOUNT) unmounted(*node);
	bool wanted = false;
	for (Watch* watch = watches_.first(*node); watch; watch = watches_.next(*watch)) {
		wanted |= watch->armed;
		object_changed(*watch, note.mask);
	}
	if (note.mask & note::IGNORED)
		watches_.erase(*node);
	else if (!wanted && node->first != 0 && ++node->wasted >= IDLE_NOTES)
		mute(*node);
}

// A note about an entry of a directory: the directory itself may be watched, or the
// entry's name.
void Hub::entry_changed(Node& node, const sys::Note& note) {
	if (note.mask & OF_ENTRIES)
		for (Watch* watch = watches_.first(node); watch; watch = watches_.next(*watch))
			happened(*watch, MODIFIED | ATTRIBUTES | (made_file(watches_, *watch, note) ? TRUNCATED : 0));
	if (node.children == 0) return;
	watches_.each_named(node, note.name, [&](Watch& watch) {
		if (!watch.armed) return;
		if (!(watch.pending & NAME_REMOVED)) { // else it is another's name by now
			if (note.mask & note::REMOVED) hold(watch, NAME_REMOVED);
			if (note.mask & note::MOVED_FROM) hold(watch, NAME_MOVED);
			if (note.mask & note::MOVED_TO) hold(watch, NAME_TAKEN);
		}
		if (watch.object == 0) object_changed(watch, note.mask & ~OF_ENTRIES);
	});
}

void Hub::object_changed(Watch& watch, uint32_t mask) {
	if (!watch.armed) return;
	// Overwritten, not one side of an exchange: the name is another's by now.
	if (mask & note::ATTRIB) hold(watch, watch.pending & NAME_TAKEN ? ATTRIB | NAME_REMOVED : ATTRIB);
	if (mask & note::MOVE_SELF) hold(watch, MOVED);
	if (mask & (note::DELETE_SELF | note::IGNORED)) hold(watch, GONE);
	if (uint32_t events = events_of(mask)) happened(watch, events);
}

// An ordinary change of the object.
void Hub::happened(Watch& watch, uint32_t events) {
	if (watch.pending != 0) (void)resolve(watch, false); // that came first
	if (!watch.armed) return;
	if (events & MODIFIED && watch.asked & TRUNCATED) {
		sys::FileStatus now;
		if (sys::file_status(watches_.path(watch).c_str(), watch.follow, &now) == 0 && is_still(watch, now)) {
			// In the strict profile a file made empty has a notice of its own, which comes first (5.3.7).
			if (shrank(watch.recorded, now))
				events = now.size == 0 && watch.port->strict() ? TRUNCATED : events | TRUNCATED;
			watch.recorded.size = now.size;
		}
	}
	if (events & watch.asked) fire(watch, events & watch.asked);
}

void Hub::hold(Watch& watch, uint8_t pending) {
	if (watch.pending == 0) {
		held_back_.push_back(&watch);
		if (watch.firing == Watch::NO_FIRING) {
			firings_.push_back({&watch, 0}); // its place in the order
			watch.firing = static_cast<uint32_t>(firings_.size() - 1);
		}
	}
	watch.pending |= pending;
}

void Hub::fire(Watch& watch, uint32_t events) {
	bool over = !watch.standing || events & EXCEPTIONS;
	if (watch.firing == Watch::NO_FIRING) {
		firings_.push_back({&watch, 0});
		watch.firing = static_cast<uint32_t>(firings_.size() - 1);
	}
	if (over) set_armed(watch, false);
	watch.pending = 0;
	if (over) {
		firings_[watch.firing].events = events;
	} else {
		firings_[watch.firing].events |= events;
	}
}

bool Hub::resolve(Watch& watch, bool all_read) {
	uint8_t pending = watch.pending;
	// The parent's word counts alone where the parent is sure, else with the object's.
	bool witness = watch.sure || pending & ON_OBJECT;
	if (pending & NAME_MOVED && (watch.sure || pending & MOVED))
		fire(watch, RENAMED_FROM); // also each side of an exchange
	else if (pending & NAME_TAKEN && witness)
		fire(watch, RENAMED_TO);
	else if (pending & NAME_REMOVED && witness)
		fire(watch, DELETED);
	else if (!resolve_by_look(watch, pending, all_read))
		return false;
	watch.pending = 0;
	// Nothing after all: its place in the order is given up.
	if (watch.firing != Watch::NO_FIRING && firings_[watch.firing].events == 0)
		watch.firing = Watch::NO_FIRING;
	return true;
}

bool Hub::resolve_by_look(Watch& watch, uint8_t pending, bool all_read) {
	sys::FileStatus now;
	Look seen = look(watch, &now);
	if (await_directory(watch, seen, all_read)) return false;
	if (pending & GONE) {
		fire(watch, seen == Look::OTHER ? RENAMED_TO : DELETED);
		return true;
	}
	if (seen == Look::INTACT || seen == Look::LOST) {
		// Another link, or no business of the name's at all (5.4.5). When its
		// directory was moved elsewhere, the directory's note will tell of the name.
		uint32_t events = pending & (ATTRIB | MOVED) ? ATTRIBUTES & watch.asked : 0;
		// What else it was changed by since, whose notes may have been lost: nothing is taken for known untold.
		if (seen == Look::INTACT)
			events |= change_events(watch.recorded, now, watch.asked & (ACCESS | MODIFIED | TRUNCATED));
		if (events != 0)
			fire(watch, events);
		else if (seen == Look::INTACT)
			watch.recorded = now;
		return true;
	}
	if (pending & (MOVED | NAME_MOVED))
		fire(watch, RENAMED_FROM);
	else if (pending & NAME_TAKEN || seen == Look::OTHER)
		fire(watch, RENAMED_TO);
	else
		fire(watch, DELETED);
	return true;
}

// Whether the name's directory has yet to say why the name no longer leads to the file. It
// does so in a note that is read after this one, or, after all that there were, in one that
// came meanwhile. Nothing came since the same was seen before: the look has to do.
bool Hub::await_directory(Watch& watch, Look seen, bool all_read) {
	const Node* parent = watches_.parent(watch);
	if (seen == Look::INTACT || seen == Look::LOST || !parent || parent->wd < 0) return false;
	if (watch.pending & (NAME_REMOVED | NAME_MOVED | NAME_TAKEN)) return false;
	if (!all_read) return true;
	uint8_t as_seen = seen == Look::OTHER ? SEEN_OTHER : SEEN_EMPTY;
	bool before = watch.pending & as_seen;
	watch.pending |= as_seen;
	return !before;
}

Hub::Look Hub::look(Watch& watch, sys::FileStatus* now) {
	int error = sys::file_status(watches_.path(watch).c_str(), watch.follow, now);
	if (error == 0 && is_still(watch, *now)) return Look::INTACT;
	// The path may lead elsewhere because a directory above was renamed, which is
	// no event (5.1.3).
	const Node* parent = watches_.parent(watch);
	if (parent && parent->named) {
		sys::FileStatus there = watches_.directory(*parent)->status;
		if (sys::file_status_again(watches_.directory_path(watch).c_str(), true, &there) != 0 ||
		    !there.same_file(watches_.directory(*parent)->status))
			return Look::LOST;
	}
	if (watch.follow) return Look::LOST; // it had no name to lose
	return error == 0 ? Look::OTHER : Look::EMPTY;
}

// Whether what the recorded name leads to now is the file that is watched. An overlay, of a container
// mostly, copies a file up when it is first changed: it is born anew, and one of several links gets
// another number on another device. The kernel goes on watching it, under the same number.
bool Hub::is_still(Watch& watch, const sys::FileStatus& now) {
	sys::FileStatus& known = watch.recorded;
	if (now.same_file(known)) return true;
	if (known.on_disk()) return false;
	Node* object = watches_.object(watch);
	if (!object) return now.inode == known.inode && now.device == known.device; // its directory would tell
	if (object->wd < 0) return false;
	Result<Node*> node = node_of(watches_.path(watch).c_str(), object->mask, watch.follow);
	if (!node) return false;
	if (*node != object) {
		release(*node);
		return false;
	}
	known.inode = now.inode;
	known.device = now.device;
	known.born = now.born;
	return true;
}

// Newest first (5.4.11); a queued event is replaced (5.4.10).
void Hub::unmounted(Node& node) {
	for (Watch* watch = watches_.last(node); watch; watch = watches_.prev(*watch)) fire(*watch, UNMOUNTED_);
}

// Nobody is armed and the file goes on changing: the kernel is told to stop. The next
// association watches anew.
void Hub::mute(Node& node) {
	if (node.children == 0) end_wd(node);
}

} // namespace evp::file
