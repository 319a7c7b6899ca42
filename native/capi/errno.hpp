// From results to the C convention: -1 and errno; and argument checks all calls share.
#pragma once
#include "core/registry.hpp"
#include "core/types.hpp"

#include <cerrno>
#include <ctime>

namespace evp::capi {

// errno as a call of the program's leaves it, set last, after all that ends with the call: what it failed
// with, or what it was before. On illumos no call that succeeds touches it, and programs ask it alone: Go's
// cgo takes any that is not 0 for the failure. The first variable of a call.
class Outcome {
public:
	~Outcome() {
		if (errno != errno_) errno = errno_;
	}
	int fail(int error) {
		errno_ = error;
		return -1;
	}
	int answer(const Result<void>& result) { return result ? 0 : fail(result.error()); }
	// As libc answered just now.
	int libc(int answered) {
		if (answered < 0) errno_ = errno;
		return answered;
	}

private:
	int errno_ = errno;
};

// A relative timeout as the contract reads it (2.5.7). False: EINVAL.
bool read_timeout(const timespec* timeout, Deadline* deadline);

} // namespace evp::capi
