// What a change means in the words of section 5: bits, stamps, states. No state here.
#pragma once
#include "sys/file_status.hpp"

#include <cstdint>

namespace evp::file {

// FILE_* of <sys/port.h> (1.7, 1.8); file.cpp asserts them.
inline constexpr uint32_t ACCESS = 0x1, MODIFIED = 0x2, ATTRIBUTES = 0x4;
inline constexpr uint32_t TRUNCATED = 0x00100000, NOFOLLOW = 0x10000000;
inline constexpr uint32_t DELETED = 0x10, RENAMED_TO = 0x20, RENAMED_FROM = 0x40;
inline constexpr uint32_t UNMOUNTED_ = 0x20000000, MOUNTED_OVER = 0x40000000;
inline constexpr uint32_t ASKABLE = ACCESS | MODIFIED | ATTRIBUTES | TRUNCATED | NOFOLLOW;
inline constexpr uint32_t EXCEPTIONS = DELETED | RENAMED_TO | RENAMED_FROM | UNMOUNTED_ | MOUNTED_OVER;

struct Stamp {
	int64_t seconds = 0;
	int64_t nanoseconds = 0;
	bool zero() const { return seconds == 0 && nanoseconds == 0; }
	bool is(int64_t time_ns) const;
};

struct Stamps {
	Stamp access, modify, change;
};

// Notes that the kernel must give of the object, whatever its type (14.2.4).
uint32_t notes_for(uint32_t asked);

// Notes of a directory in which a watched name is.
uint32_t notes_for_names();

// Requested events whose stamp differs from the file (5.2).
uint32_t stamp_events(const Stamps& stamps, const sys::FileStatus& now, uint32_t asked);

// Requested events that explain how a file came from one state to the other:
// what a lost or unspecific note may have meant (14.2.7, 14.2.15).
uint32_t change_events(const sys::FileStatus& before, const sys::FileStatus& now, uint32_t asked);

// A size that shrank was set; nothing else tells truncate from write (14.2.6).
inline bool shrank(const sys::FileStatus& before, const sys::FileStatus& now) {
	return now.type == sys::FileType::REGULAR && now.size < before.size;
}

} // namespace evp::file
