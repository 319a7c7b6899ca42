// Memory that isn't there, as an errno: where the build has exceptions, which is libport. The addon
// has none, as all of Node: there the process ends, as it does when Node itself finds no memory.
#pragma once
#include "sys/result.hpp"

#include <cerrno>
#include <new>

namespace evp::sys {

// What `call` gives; ENOMEM if the allocator threw meanwhile.
template <class Call>
auto or_no_memory(Call call) -> decltype(call()) {
#if defined(__cpp_exceptions)
	try {
		return call();
	} catch (const std::bad_alloc&) {
		return Error{ENOMEM};
	}
#else
	return call();
#endif
}

} // namespace evp::sys
