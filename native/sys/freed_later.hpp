// Memory of objects that may end in a signal handler (close(2) is async-signal-safe), which may have interrupted
// the allocator: it is given back when the next of them is made.
#pragma once
#include <cstddef>
#include <new>

namespace evp::sys {

// A base of such classes.
class FreedLater {
public:
	static void* operator new(size_t size);
	static void* operator new(size_t size, const std::nothrow_t& nothrow) noexcept;
	static void operator delete(void* memory) noexcept;
};

} // namespace evp::sys
