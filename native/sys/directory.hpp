// The open descriptors of this process.
#pragma once

namespace evp::sys {

// Calls `seen` for each; nothing where /proc is not mounted.
void each_descriptor_raw(void (*seen)(int fd, void* data), void* data);

template <class Do>
void each_descriptor(Do what) {
	each_descriptor_raw([](int fd, void* data) { (*static_cast<Do*>(data))(fd); }, &what);
}

} // namespace evp::sys
