// From results to the C convention: -1 and errno; and argument checks all calls share.
#pragma once
#include "core/registry.hpp"
#include "core/types.hpp"

#include <cerrno>
#include <ctime>

namespace evp::capi {

inline int fail(int error) {
	errno = error;
	return -1;
}

inline int answer(const Result<void>& result) { return result ? 0 : fail(result.error()); }

// A relative timeout as the contract reads it (2.5.7). False: EINVAL.
bool read_timeout(const timespec* timeout, Deadline* deadline);

} // namespace evp::capi
