// An io_uring: thin, errno as value. No lock: its owner has one.
//
// Several threads use it, so it is made without SINGLE_ISSUER and DEFER_TASKRUN: with
// them only one thread could enter it, and what that thread had submitted ended with
// it (hazard 10). Without, a request whose thread has ended is completed ECANCELED
// when it is its turn, which the owner submits again.
// Fork: the mapping is not inherited; the descriptor is, and forget() closes the copy.
#pragma once
#include "sys/fd.hpp"
#include "sys/io_op.hpp"

#include <cstdint>
#include <memory>

namespace evp::sys {

struct RingCompletion {
	uint64_t data;
	int32_t result; // as of the system call, or -errno
};

class Ring {
public:
	// ENOSYS EPERM (refused: seccomp, kernel.io_uring_disabled) ENOMEM (RLIMIT_MEMLOCK,
	// of two pages at least) EMFILE; EOPNOTSUPP: the kernel lacks something that is needed.
	// ENOPKG: built without liburing.
	static Result<std::unique_ptr<Ring>> make(unsigned entries, unsigned completions);
	~Ring();
	Ring(const Ring&) = delete;

	int fd() const;
	bool whole() const; // its descriptor is a ring yet
	// False: there is no room; submit() makes some.
	bool prepare(const Io& io, uint64_t data);
	bool prepare_cancel(uint64_t victim, uint64_t data);
	// What was prepared goes to the kernel. 0, or an errno with some left: EBUSY
	// (completions wait to be taken), EAGAIN ENOMEM; EPERM ENOSYS EACCES (refused since it was
	// made: seccomp).
	int submit();
	unsigned unsubmitted() const;
	// Takes back what was prepared and not submitted: its data. At most max.
	unsigned withdraw(uint64_t* data, unsigned max);
	unsigned take(RingCompletion* out, unsigned max);
	bool at_hand() const; // completions wait to be taken. Any thread.
	bool busy() const;    // some were not taken, or are not made yet. Any thread.
	// In a forked child, in place of the destructor. Its descriptor stays open where it is not whole.
	void forget();

private:
	Ring() = default;
	bool knows_no_signal();
	struct State;
	State* state_ = nullptr;
};

} // namespace evp::sys
