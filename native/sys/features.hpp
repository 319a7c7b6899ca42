// What this kernel and container let a process do: each probe makes the call once and leaves
// nothing behind. For reports; no other code asks, each finds out by doing.
#pragma once
#include <cstdint>
#include <vector>

namespace evp::sys {

struct Feature {
	const char* name; // of the system call, or of what is done with it
	int error;        // 0: it works; an errno
};

std::vector<Feature> probe_features();

} // namespace evp::sys
