#include "sources/file_judge.hpp"

#include "sys/inotify.hpp"

namespace evp::file {

namespace note = sys::note;

bool Stamp::is(int64_t time_ns) const {
	constexpr uint64_t SECOND = 1'000'000'000;
	auto rest = static_cast<uint64_t>(nanoseconds);
	// A file may bear a time of centuries ago, or to come, which 64 bits don't hold: its last 64 count.
	return rest < SECOND && static_cast<uint64_t>(seconds) * SECOND + rest == static_cast<uint64_t>(time_ns);
}

uint32_t notes_for(uint32_t asked) {
	uint32_t mask = note::ATTRIB | note::DELETE_SELF | note::MOVE_SELF; // for the exceptions
	if (asked & ACCESS) mask |= note::ACCESS;
	if (asked & (MODIFIED | ATTRIBUTES | TRUNCATED)) mask |= note::MODIFY;
	// Only a directory has entries; a file never gives these.
	if (asked & (MODIFIED | ATTRIBUTES)) mask |= notes_for_names() | note::CREATE;
	if (asked & TRUNCATED) mask |= note::CREATE; // the strict profile's (5.3.9)
	return mask;
}

uint32_t notes_for_names() { return note::REMOVED | note::MOVED_FROM | note::MOVED_TO; }

uint32_t stamp_events(const Stamps& stamps, const sys::FileStatus& now, uint32_t asked) {
	if (now.type == sys::FileType::FIFO) return 0; // 5.2.3
	uint32_t events = 0;
	auto compare = [&](const Stamp& stamp, int64_t time_ns, uint32_t event) {
		if (!stamp.zero() && !stamp.is(time_ns)) events |= event;
	};
	compare(stamps.access, now.atime, ACCESS);
	compare(stamps.modify, now.mtime, MODIFIED);
	compare(stamps.change, now.ctime, ATTRIBUTES);
	return events & asked;
}

uint32_t change_events(const sys::FileStatus& before, const sys::FileStatus& now, uint32_t asked) {
	uint32_t events = 0;
	if (now.atime != before.atime) events |= ACCESS;
	if (now.mtime != before.mtime || now.size != before.size) events |= MODIFIED | ATTRIBUTES;
	if (now.ctime != before.ctime || now.links != before.links) events |= ATTRIBUTES;
	if (shrank(before, now)) events |= TRUNCATED;
	return events & asked;
}

} // namespace evp::file
