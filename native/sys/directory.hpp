// The open descriptors of this process.
#pragma once

namespace evp::sys {

// Calls `seen` for each, which may close it. False: there may be others, with high numbers, where they can't be
// listed and have to be tried.
bool each_descriptor_raw(void (*seen)(int fd, void* data), void* data);

template <class Do>
bool each_descriptor(Do what) {
	return each_descriptor_raw([](int fd, void* data) { (*static_cast<Do*>(data))(fd); }, &what);
}

} // namespace evp::sys
