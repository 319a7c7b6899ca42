// check.hpp - a failed call becomes an exception that names it.
#pragma once

#include <cerrno>
#include <system_error>

namespace bench {

template <class T> T check(T result, const char *call) {
	if (result == static_cast<T>(-1))
		throw std::system_error(errno, std::generic_category(), call);
	return result;
}

} // namespace bench
