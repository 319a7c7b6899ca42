// The open descriptors of this process.
#pragma once

namespace evp::sys {

// Calls `seen` for each, which may close it. False: they can't be listed; /proc is not mounted, or no
// descriptor is left.
bool each_descriptor_raw(void (*seen)(int fd, void* data), void* data);

template <class Do>
bool each_descriptor(Do what) {
	return each_descriptor_raw([](int fd, void* data) { (*static_cast<Do*>(data))(fd); }, &what);
}

} // namespace evp::sys
