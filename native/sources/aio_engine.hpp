// What carries requests out: io_uring, or threads where that is refused (14.4.4).
//
// Under the book's lock: start, flush, cancel, take. A descriptor is readable while
// completions wait to be taken. Every start ends in exactly one completion, every
// cancel in one more. Equal in all that a program can see: the same suite runs on both.
#pragma once
#include "sources/aio_request.hpp"
#include "sys/result.hpp"

#include <memory>

namespace evp {

class AioEngine {
public:
	virtual ~AioEngine() = default;
	virtual int fd() const = 0;
	// Whether that is its own yet, and not closed behind our back.
	virtual bool whole() const = 0;
	virtual void start(AioRequest& request) = 0;
	virtual void flush() = 0; // what was started is on its way
	// Whether it hands several to the kernel in one call. Then what was started may wait() for a flush() that
	// comes later, at_hand() until then.
	virtual bool gathers() const { return false; }
	virtual void wait() {}
	// Answered 0: it will complete ECANCELED; ENOENT: it is done; EALREADY: under way.
	virtual void cancel(AioRequest& request) = 0;
	virtual uint32_t take(AioCompletion* out, uint32_t max) = 0;
	// Whether the kernel may be at work in threads of ours, which interrupts some system calls
	// there. Any thread.
	virtual bool interrupts() const { return false; }
	// Whether there is something to be had by take(), or to be done by it. Any thread.
	virtual bool at_hand() const { return false; }
	// Whether some were taken that the descriptor says nothing of any more. Any thread.
	virtual bool unseen() const { return false; }
	// Before the program closes a descriptor: no request may reach its successor.
	virtual void closing(int) {}
	// In a forked child: gives up what is the parent's, and its own yet.
	virtual void forget() = 0;
};

Result<std::unique_ptr<AioEngine>> make_uring_engine();
Result<std::unique_ptr<AioEngine>> make_pool_engine();

} // namespace evp
